"""Which public key made a proof, and whether it is the issuer's (R24, R25, R27).

A signature proves that a text is unchanged since the holder of a key signed it. That the key
is the issuer's is shown by the issuer alone: by its controller document, or by a key published
under the issuer's own host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from badges.openbadges.did import origin
from badges.openbadges.documents import JsonObject, as_list, id_of
from badges.openbadges.errors import KeyFormatError, ProofError, ResolutionError
from badges.openbadges.messages import N_
from badges.openbadges.moments import parse_moment
from badges.openbadges.multikey import (
    PublicKey,
    decode_multikey,
    jwk_key,
    pem_key,
    same_key,
)
from badges.openbadges.proofs.vc_jwt import Token
from badges.openbadges.resolution import ControllerResolver

_METHOD_LISTS = ("verificationMethod", "publicKey", "assertionMethod")


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key, and what is known of its owner.

    `unconfirmed` says why the issuer could not be asked, `refused` why the key is not the
    issuer's; both are None where the issuer itself names the key.
    """

    key: PublicKey
    unconfirmed: str | None = None
    refused: str | None = None


def method_key(
    method_id: str, issuer: str, controllers: ControllerResolver, now: datetime
) -> FoundKey:
    """The key of an embedded proof's `verificationMethod`.

    Args:
        method_id: the address of the key.
        issuer: the id of the credential's issuer.
        controllers: where controller documents come from.
        now: a key that has expired or was revoked by then no longer counts.

    Raises:
        ProofError: another controller's key, not listed for assertions, or expired, and the
            key itself is not at hand.
        KeyFormatError: what is published is not a key.
        ResolutionError: no key can be had at all.
    """
    # R24: the key may stand in its own address; alone, nobody vouches for it.
    key = _fragment_key(method_id.partition("#")[2])
    try:
        return _published_method(method_id, issuer, controllers, now)
    except ResolutionError as error:
        if key is None:
            raise
        if method_id.partition("#")[0] != issuer:
            return FoundKey(key, refused=N_("it is published by somebody else."))
        return FoundKey(key, unconfirmed=str(error))
    except ProofError as error:
        if key is None:
            raise
        return FoundKey(key, refused=str(error))


def _published_method(
    method_id: str, issuer: str, controllers: ControllerResolver, now: datetime
) -> FoundKey:
    controller_id = method_id.partition("#")[0]
    document = controllers.document(controller_id)
    if "publicKeyMultibase" in document or "publicKeyJwk" in document:
        return _lone_method(document, method_id, issuer, controllers, now)
    if id_of(document) != controller_id:
        raise ProofError(N_("the issuer's published document is about somebody else."))
    if controller_id != issuer:
        raise ProofError(N_("it belongs to somebody else."))
    method = _listed(document, method_id)
    return FoundKey(_method_public_key(method, issuer, now))


def authentication_key(
    method_id: str, holder: str, controllers: ControllerResolver, now: datetime
) -> PublicKey:
    """The key by which the holder of a DID shows that it is theirs (DID Core 1.0, section 5.3.1).

    Raises:
        ProofError: somebody else's key, or one that the DID does not list for this.
        KeyFormatError: what is published is not a key.
        ResolutionError: the DID's document cannot be had.
    """
    if method_id.partition("#")[0] != holder:
        raise ProofError(N_("it belongs to somebody else."))
    document = controllers.document(holder)
    if id_of(document) != holder:
        raise ProofError(N_("the published document is about somebody else."))
    for method in _methods(document, ("verificationMethod", "authentication")):
        if _absolute(document, method.get("id")) == method_id:
            if not _is_listed(document, method_id, "authentication"):
                raise ProofError(N_("it is not listed for showing who somebody is."))
            return _method_public_key(method, holder, now)
    raise ProofError(N_("it is not published."))


def token_key(
    token: Token, issuer: str, controllers: ControllerResolver, now: datetime
) -> FoundKey:
    """The key of a VC-JWT, by `kid` (a DID URL or an address) or from the header's `jwk`.

    Raises:
        ProofError: a key that is not the issuer's, or none is named.
        ResolutionError: the key cannot be fetched.
        KeyFormatError: what was fetched is no key.
    """
    embedded = token.embedded_key()
    kid = token.key_id
    if embedded is not None:
        return _claimed_key(embedded, issuer, controllers, now)
    if kid is None:
        raise ProofError(N_("The token does not name its key."))
    if kid.startswith("#"):
        kid = issuer + kid
    if "#" in kid or kid.startswith("did:"):
        return method_key(kid, issuer, controllers, now)
    document = controllers.fetch_object(kid)
    key = _published_key(document, kid, issuer)
    if origin(kid) is not None and origin(kid) == origin(issuer):
        return FoundKey(key)
    return _claimed_key(key, issuer, controllers, now)


def _lone_method(
    document: Mapping[str, Any],
    method_id: str,
    issuer: str,
    controllers: ControllerResolver,
    now: datetime,
) -> FoundKey:
    """A verification method that is a document of its own, as 1EdTech's section 8.5 allows."""
    if id_of(document) not in (None, method_id):
        raise ProofError(N_("it is published under another address than the proof names."))
    key = _method_public_key(document, issuer, now)
    if origin(method_id) is not None and origin(method_id) == origin(issuer):
        return FoundKey(key)
    return _claimed_key(key, issuer, controllers, now)


def _claimed_key(
    key: PublicKey, issuer: str, controllers: ControllerResolver, now: datetime
) -> FoundKey:
    """A key that came with the badge or from elsewhere: the issuer must list the same key."""
    try:
        document = controllers.document(issuer)
    except ResolutionError as error:
        return FoundKey(key, unconfirmed=str(error))
    for method in _methods(document):
        try:
            candidate = _method_public_key(method, issuer, now)
        except (KeyFormatError, ProofError):
            continue
        if same_key(candidate, key) and _is_assertion(document, str(method.get("id"))):
            return FoundKey(key)
    return FoundKey(key, refused=N_("the issuer does not publish it."))


def _published_key(document: JsonObject, kid: str, issuer: str) -> PublicKey:
    if "kty" in document:
        return jwk_key(document)
    if isinstance(document.get("keys"), list):
        for jwk in document["keys"]:
            if isinstance(jwk, dict) and (jwk.get("kid") == kid or len(document["keys"]) == 1):
                return jwk_key(jwk)
    if "controller" in document and id_of(document.get("controller")) != issuer:
        raise ProofError(N_("it belongs to somebody else."))
    return _material(document)


def _listed(document: Mapping[str, Any], method_id: str) -> Mapping[str, Any]:
    for method in _methods(document):
        if _absolute(document, method.get("id")) == method_id:
            if not _is_assertion(document, method_id):
                raise ProofError(N_("the issuer does not list it for signing badges."))
            return method
    raise ProofError(N_("the issuer does not publish it."))


def _methods(
    document: Mapping[str, Any], lists: tuple[str, ...] = _METHOD_LISTS
) -> list[Mapping[str, Any]]:
    return [
        method
        for name in lists
        for method in as_list(document.get(name))
        if isinstance(method, Mapping)
    ]


def _is_assertion(document: Mapping[str, Any], method_id: str) -> bool:
    return _is_listed(document, method_id, "assertionMethod")


def _is_listed(document: Mapping[str, Any], method_id: str, purpose: str) -> bool:
    named = (_absolute(document, id_of(item)) for item in as_list(document.get(purpose)))
    return _absolute(document, method_id) in named


def _absolute(document: Mapping[str, Any], reference: object) -> str | None:
    if not isinstance(reference, str):
        return None
    return f"{document.get('id')}{reference}" if reference.startswith("#") else reference


def _method_public_key(method: Mapping[str, Any], issuer: str, now: datetime) -> PublicKey:
    if id_of(method.get("controller")) != issuer:
        raise ProofError(N_("it belongs to somebody else."))
    for name in ("expires", "revoked"):
        if name in method:
            moment = parse_moment(method[name])
            if moment is None or moment <= now:
                raise ProofError(N_("the issuer no longer stands by it."))
    return _material(method)


def _material(method: Mapping[str, Any]) -> PublicKey:
    if "publicKeyMultibase" in method:
        return decode_multikey(method["publicKeyMultibase"])
    if "publicKeyJwk" in method:
        return jwk_key(method["publicKeyJwk"])
    if "publicKeyPem" in method:
        return pem_key(method["publicKeyPem"])
    raise KeyFormatError(N_("The published key is in a form that is not known here."))


def _fragment_key(fragment: str) -> PublicKey | None:
    try:
        return decode_multikey(fragment)
    except KeyFormatError:
        return None


__all__ = ["FoundKey", "authentication_key", "method_key", "token_key"]
