"""A wallet: a key of its own, a DID made of it, and presentations signed for whoever asks."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from badges.openbadges import did_key
from badges.openbadges.canonical import in_process
from badges.openbadges.contexts import CREDENTIALS_V1, CREDENTIALS_V2, ED25519_2020_V1
from badges.openbadges.multikey import encode_multikey, multibase_encode

SIGNED_AT = datetime(2026, 3, 14, 12, 30, tzinfo=UTC)


class Wallet:
    """One holder's app; `name` makes the key, so that tests are the same every time.

    Args:
        name: another name, another key.
        did: a DID of another method, under which the same key is published.
    """

    def __init__(self, name: str = "phone", did: str | None = None) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        self.multibase = encode_multikey(self.private.public_key())
        self.did = did or did_key(self.private.public_key())
        self.method = f"{self.did}#{self.multibase}"

    def present(
        self,
        challenge: str,
        domain: str | None = None,
        *,
        suite: str = "eddsa-rdfc-2022",
        changes: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A presentation that answers `challenge`; what `changes` and `options` say is signed too.

        As Learner Credential Wallet makes one with `suite="Ed25519Signature2020"`.
        """
        older = suite == "Ed25519Signature2020"
        document = {
            "@context": [CREDENTIALS_V1, ED25519_2020_V1] if older else [CREDENTIALS_V2],
            "type": ["VerifiablePresentation"],
            "holder": self.did,
            **(changes or {}),
        }
        kind = {"type": suite} if older else {"type": "DataIntegrityProof", "cryptosuite": suite}
        proof = {
            **kind,
            "created": SIGNED_AT.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "verificationMethod": self.method,
            "proofPurpose": "authentication",
            "challenge": challenge,
            **({"domain": domain} if domain else {}),
            **(options or {}),
        }
        return {**document, "proof": {**proof, "proofValue": self._sign(document, proof)}}

    def controller(self) -> dict[str, Any]:
        """The document of a DID that is published, such as a `did:web`."""
        return {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
            "id": self.did,
            "verificationMethod": [
                {
                    "id": self.method,
                    "type": "Multikey",
                    "controller": self.did,
                    "publicKeyMultibase": self.multibase,
                }
            ],
            "authentication": [self.method],
        }

    def _sign(self, document: dict[str, Any], proof: dict[str, Any]) -> str:
        options = {"@context": document["@context"], **proof}
        body, config = in_process().canonicalize([document, options])
        data = b"".join(hashlib.sha256(form.nquads.encode()).digest() for form in (config, body))
        return multibase_encode(self.private.sign(data))
