"""Fetching what verification needs, through a `Resolver` that the application supplies.

This library opens no connection: without a resolver that can fetch, a check that would need
the network is reported as not possible.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from badges.openbadges.did import did_key_document, did_web_url
from badges.openbadges.documents import JsonObject, parse_object
from badges.openbadges.errors import DidError, DocumentError, KeyFormatError, ResolutionError
from badges.openbadges.messages import N_, Filled

ACCEPT_DID = "application/did+json, application/did+ld+json, application/json;q=0.9"
ACCEPT_CREDENTIAL = (
    "application/vc+ld+json, application/vc+json, application/vc, application/ld+json;q=0.9, "
    "application/json;q=0.8, application/vc+jwt;q=0.5, text/plain;q=0.1"
)
ACCEPT_JSON = "application/ld+json, application/json;q=0.9"


class Resolver(Protocol):
    """Whatever can fetch an address.

    An implementation bounds time, size and redirects, and guards private addresses.
    """

    def fetch(self, url: str, accept: str) -> tuple[bytes, str]:
        """GET `url`; returns the body and its content type; raises ResolutionError."""
        ...


class OfflineResolver:
    """A resolver that knows the documents it was given and fetches nothing.

    Args:
        documents: JSON documents by address. A controller document may be given under its
            `did:web` or its URL.
    """

    def __init__(self, documents: Mapping[str, Any] | None = None) -> None:
        self._documents = dict(documents or {})

    def fetch(self, url: str, accept: str) -> tuple[bytes, str]:
        """The document given for `url`; raises ResolutionError, saying that we are offline."""
        for address, document in self._documents.items():
            if address == url or _address(address) == url:
                if isinstance(document, bytes):
                    return document, "application/octet-stream"
                return json.dumps(document).encode(), "application/json"
        raise ResolutionError(
            Filled(N_("%(url)s was not given, and nothing is fetched."), url=url), offline=True
        )


class ControllerResolver:
    """Finds controller documents: given ones, `did:key`, `did:web` and plain https addresses.

    Args:
        resolver: fetches what is not known.
        controllers: controller documents by identifier, used before anything is fetched.
    """

    def __init__(
        self, resolver: Resolver, controllers: Mapping[str, JsonObject] | None = None
    ) -> None:
        self.resolver = resolver
        self._known: dict[str, JsonObject] = dict(controllers or {})
        self._failed: dict[str, ResolutionError] = {}

    def document(self, identifier: str) -> JsonObject:
        """The controller document of an identifier, fetched once.

        Raises:
            ResolutionError: no such document can be had, or the method is unknown.
        """
        identifier = identifier.split("#", 1)[0]
        if identifier in self._failed:
            raise self._failed[identifier]
        if identifier not in self._known:
            try:
                self._known[identifier] = self._resolve(identifier)
            except ResolutionError as error:
                self._failed[identifier] = error
                raise
        return self._known[identifier]

    def fetch_object(self, url: str, accept: str = ACCEPT_JSON) -> JsonObject:
        """A JSON object from an address; raises ResolutionError."""
        if url in self._known:
            return self._known[url]
        body, _content_type = fetch(self.resolver, url, accept)
        try:
            return parse_object(body)
        except DocumentError as error:
            raise ResolutionError(
                Filled(N_("%(url)s does not answer with JSON."), url=url)
            ) from error

    def _resolve(self, identifier: str) -> JsonObject:
        try:
            if identifier.startswith("did:key:"):
                return did_key_document(identifier)
            if identifier.startswith("did:web:"):
                return self.fetch_object(did_web_url(identifier), ACCEPT_DID)
        except (DidError, KeyFormatError) as error:
            raise ResolutionError(str(error)) from error
        if identifier.startswith(("https://", "http://")):
            return self.fetch_object(identifier, ACCEPT_DID)
        raise ResolutionError(
            Filled(N_("%(url)s is not an address whose keys can be looked up."), url=identifier)
        )


def fetch(resolver: Resolver, url: str, accept: str) -> tuple[bytes, str]:
    """Fetch through a resolver; anything but http and https is refused before it is tried."""
    if not url.startswith(("https://", "http://")):
        raise ResolutionError(Filled(N_("%(url)s is not a web address."), url=url))
    return resolver.fetch(url, accept)


def _address(identifier: str) -> str | None:
    try:
        return did_web_url(identifier) if identifier.startswith("did:web:") else None
    except DidError:
        return None
