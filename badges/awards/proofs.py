"""Both signed forms of a document of an issuer: JSON with an embedded proof, and a VC-JWT.

Each is made from the unsigned document: a token whose payload carried the other proof as well
would be taken apart differently by different readers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from badges.achievements.addresses import key_url
from badges.achievements.models import Issuer
from badges.openbadges.issue import draft, issue, issue_jwt
from keys.models import issuer_ring
from keys.ring import KeyRing, LoadedKey


@dataclass(frozen=True)
class Signed:
    """The JSON text with its `proof`, and the compact JWS."""

    document: str
    jwt: str


@dataclass(frozen=True)
class IssuerKeys:
    """The two keys an issuer signs with now."""

    embedded: LoadedKey
    token: LoadedKey

    @classmethod
    def of(cls, ring: KeyRing, issuer: Issuer) -> IssuerKeys:
        """The issuer's active keys. Raises NoActiveKeyError or KeySealError."""
        name = issuer_ring(issuer.id)
        return cls(ring.active(name, "Ed25519"), ring.active(name, "RS256"))

    @property
    def ids(self) -> str:
        """Both key ids, to know later which keys signed."""
        return f"{self.embedded.kid} {self.token.kid}"

    @property
    def kids(self) -> tuple[str, str]:
        """Both key ids."""
        return self.embedded.kid, self.token.kid


def sign_both(
    keys: IssuerKeys,
    issuer: Issuer,
    unsigned: Mapping[str, Any],
    *,
    created: datetime,
    badge_url: str,
) -> Signed:
    """Sign `unsigned` in both forms; the same input gives the same bytes.

    `created` dates the embedded proof. Raises InvalidCredentialError, with every place, for a
    document that would not verify.
    """
    ready = draft(unsigned)
    document = issue(
        ready,
        keys.embedded.signer,
        verification_method=f"{issuer.did}#{keys.embedded.public_multibase}",
        created=created,
    )
    jwt = issue_jwt(
        ready,
        keys.token.signer.private_key or keys.token.signer,
        key_id=key_url(badge_url, keys.token.kid),
    )
    return Signed(json.dumps(document, ensure_ascii=False, separators=(",", ":")), jwt)
