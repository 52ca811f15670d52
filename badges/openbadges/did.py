"""`did:web` and `did:key`: addresses, documents, and the keys they name.

did:web method specification, section 2; DID Core 1.0; Controlled Identifiers 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from badges.openbadges.contexts import DID_V1, MULTIKEY_V1
from badges.openbadges.errors import DidError
from badges.openbadges.messages import N_, Filled
from badges.openbadges.multikey import PublicKey, decode_multikey, encode_multikey, public_jwk

_WEB = re.compile(
    r"did:web:(?P<host>[A-Za-z0-9.-]+(?:%3[Aa][0-9]{1,5})?)(?P<path>(?::[^:/?#]+)*)\Z"
)
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+\Z")


def did_web(base_url: str, *segments: str) -> str:
    """The `did:web` of an origin and path segments.

    `did_web("http://localhost:8000", "issuers", "x")` is `did:web:localhost%3A8000:issuers:x`.

    Raises:
        DidError: `base_url` is not an origin, or a segment is empty.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DidError(Filled(N_("%(url)s is not an http or https address."), url=repr(base_url)))
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise DidError(Filled(N_("%(url)s is more than an origin."), url=repr(base_url)))
    if not all(segments) or any(segment in (".", "..") for segment in segments):
        raise DidError(N_("A path segment of a did:web may not be empty."))
    host = parts.hostname + (f"%3A{parts.port}" if parts.port else "")
    return ":".join(["did:web", host, *(quote(segment, safe="") for segment in segments)])


def did_web_url(did: str, *, scheme: str = "https") -> str:
    """The address of a `did:web`'s document.

    Args:
        did: the DID, with or without a fragment.
        scheme: `https` as the method demands; `http` only for loopback demonstrations.

    Raises:
        DidError: not a well-formed `did:web`.
    """
    match = _WEB.match(did.split("#", 1)[0])
    if match is None:
        raise DidError(Filled(N_("%(did)s is not a did:web."), did=repr(did)))
    segments = [segment for segment in match["path"].split(":") if segment]
    for segment in segments:
        # A percent-encoded slash or dot-dot would name another document than the DID shows.
        plain = unquote(segment)
        if not _SEGMENT.match(segment) or plain in (".", "..") or "/" in plain or "\\" in plain:
            raise DidError(
                Filled(N_("%(did)s has a path that did:web does not allow."), did=repr(did))
            )
    path = "/".join(segments) or ".well-known"
    return f"{scheme}://{unquote(match['host']).lower()}/{path}/did.json"


def did_key(key: PublicKey) -> str:
    """The `did:key` of a public key."""
    return "did:key:" + encode_multikey(key)


def did_key_document(did: str) -> dict[str, Any]:
    """The document of a `did:key`, made from the DID alone.

    Raises:
        DidError: not a `did:key`.
        KeyFormatError: the DID does not hold a key we know.
    """
    did = did.split("#", 1)[0]
    if not did.startswith("did:key:"):
        raise DidError(Filled(N_("%(did)s is not a did:key."), did=repr(did)))
    multibase = did.removeprefix("did:key:")
    decode_multikey(multibase)
    document = controller_document(did, multikeys=[(multibase, multibase)])
    return {**document, "authentication": list(document["assertionMethod"])}


def controller_document(
    controller: str,
    *,
    multikeys: Sequence[tuple[str, str]] = (),
    json_web_keys: Sequence[tuple[str, PublicKey]] = (),
    services: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The document that publishes an issuer's keys (R25).

    Args:
        controller: the issuer's identifier.
        multikeys: pairs of fragment and `publicKeyMultibase`; old keys stay listed.
        json_web_keys: pairs of fragment and public key, for VC-JWT.
        services: service entries as they are.
    """
    methods: list[dict[str, Any]] = [
        {
            "id": f"{controller}#{fragment}",
            "type": "Multikey",
            "controller": controller,
            "publicKeyMultibase": multibase,
        }
        for fragment, multibase in multikeys
    ]
    contexts = [DID_V1, MULTIKEY_V1]
    if json_web_keys:
        contexts.append("https://w3id.org/security/jwk/v1")
    for fragment, key in json_web_keys:
        methods.append(
            {
                "id": f"{controller}#{fragment}",
                "type": "JsonWebKey",
                "controller": controller,
                "publicKeyJwk": public_jwk(key),
            }
        )
    document: dict[str, Any] = {
        "@context": contexts,
        "id": controller,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }
    if services:
        document["service"] = [dict(service) for service in services]
    return document


def origin(identifier: str) -> str | None:
    """The host and port that answer for an identifier: an http(s) URL or a `did:web`."""
    try:
        address = did_web_url(identifier) if identifier.startswith("did:web:") else identifier
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        port = parts.port
    except (DidError, ValueError):
        return None
    default = {"http": 80, "https": 443}[parts.scheme]
    return parts.hostname + (f":{port}" if port and port != default else "")
