"""Badges under ecdsa-sd-2023 for tests, the same in every run, and their proofs taken apart.

What a holder shows is signed here directly, as if the issuer had said more: this is a maker of
derived proofs by itself, which shares nothing with the verifier but the canonical form.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from badges.openbadges import encode_multikey
from badges.openbadges.canonical import in_process
from badges.openbadges.multikey import multibase_decode, multibase_encode
from badges.openbadges.proofs import selective
from tests.support.ob3 import ISSUER, TestSigner, full_credential

ISSUER_KEY = ec.derive_private_key(7_919, ec.SECP256R1())
PROOF_KEY = ec.derive_private_key(104_729, ec.SECP256R1())
MULTIBASE = encode_multikey(ISSUER_KEY.public_key())
SECRET = multibase_encode(b"\x86\x26" + (7_919).to_bytes(32, "big"))
METHOD = f"{ISSUER}#{MULTIBASE}"
CREATED = "2026-05-01T08:30:00Z"
DERIVED, BASE = b"\xd9\x5d\x01", b"\xd9\x5d\x00"


def raw_signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """r and s side by side; deterministic (RFC 6979)."""
    size = key.curve.key_size // 8
    algorithm = hashes.SHA256() if size == 32 else hashes.SHA384()
    signature = key.sign(data, ec.ECDSA(algorithm, deterministic_signing=True))
    r, s = decode_dss_signature(signature)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def head(kind: int, number: int) -> bytes:
    """The head of a CBOR item in its shortest form."""
    for size, short in ((0, number), (1, 24), (2, 25), (4, 26), (8, 27)):
        if number < (24 if size == 0 else 1 << (8 * size)):
            return bytes([kind << 5 | short]) + (number.to_bytes(size, "big") if size else b"")
    raise ValueError(number)


def string(data: bytes) -> bytes:
    """A CBOR byte string."""
    return head(2, len(data)) + data


def multibase(data: bytes) -> str:
    """`u` and base64url without padding."""
    return "u" + base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Parts:
    """The five parts of a derived proof's value."""

    base_signature: bytes
    public_key: bytes
    signatures: list[bytes]
    labels: list[tuple[int, bytes]]
    mandatory: list[int]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Parts:
        """The parts of a credential's one proof."""
        read = selective.parse(document["proof"]["proofValue"])
        labels = [
            (int(name.removeprefix("c14n")), multibase_decode(label))
            for name, label in read.labels.items()
        ]
        return cls(
            read.base_signature,
            read.public_key,
            list(read.signatures),
            labels,
            sorted(read.mandatory),
        )

    def cbor(self) -> bytes:
        """The parts without the three bytes in front."""
        return b"".join(
            (
                head(4, 5),
                string(self.base_signature),
                string(self.public_key),
                head(4, len(self.signatures)),
                *map(string, self.signatures),
                head(5, len(self.labels)),
                *(head(0, number) + string(label) for number, label in self.labels),
                head(4, len(self.mandatory)),
                *(head(0, index) for index in self.mandatory),
            )
        )

    def within(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The credential with these parts as its proof's value."""
        return with_value(document, multibase(DERIVED + self.cbor()))


def with_value(document: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """The credential with another value of its one proof."""
    return {**document, "proof": {**document["proof"], "proofValue": value}}


def show(
    document: Mapping[str, Any],
    is_mandatory: Callable[[str], bool],
    *,
    key: ec.EllipticCurvePrivateKey = ISSUER_KEY,
    method: str = METHOD,
) -> dict[str, Any]:
    """A derived proof over what `document` says.

    Args:
        document: what is shown.
        is_mandatory: whether the issuer has a statement (a line of N-Quads) always shown.
        key: the issuer's.
        method: the address of that key.
    """
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "ecdsa-sd-2023",
        "created": CREATED,
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }
    options = {"@context": document["@context"], **proof}
    body, config = in_process().canonicalize([document, options])
    found = {int(number) for number in re.findall(r"_:c14n([0-9]+)", body.nquads)}
    labels = {number: hashlib.sha256(b"node %d" % number).digest() for number in sorted(found)}
    renamed = re.sub(
        r"_:c14n([0-9]+)", lambda each: f"_:{multibase(labels[int(each[1])])}", body.nquads
    )
    lines = sorted(renamed.splitlines(keepends=True))
    mandatory = [index for index, line in enumerate(lines) if is_mandatory(line)]
    public_key = multibase_decode(encode_multikey(PROOF_KEY.public_key()))
    forced = "".join(lines[index] for index in mandatory)
    config_hash, forced_hash = (
        hashlib.sha256(text.encode()).digest() for text in (config.nquads, forced)
    )
    parts = Parts(
        raw_signature(key, config_hash + public_key + forced_hash),
        public_key,
        [
            raw_signature(PROOF_KEY, line.encode())
            for index, line in enumerate(lines)
            if index not in set(mandatory)
        ],
        list(labels.items()),
        mandatory,
    )
    return parts.within({**document, "proof": proof})


def about_life(line: str) -> bool:
    """Whether a statement decides if the badge of `ob3.full_credential` counts."""
    words = ("#issuer>", "#validFrom>", "#validUntil>", "#credentialStatus>", "/status/1#1> ")
    return any(word in line for word in words)


def whole(**more: Any) -> dict[str, Any]:
    """A badge with all that decides whether it counts, still without a proof."""
    return {**full_credential(), "validUntil": "2027-05-01T00:00:00Z", **more}


def controller() -> dict[str, Any]:
    """The issuer's document, which lists this key beside that of its status list."""
    listed = TestSigner().controller()
    key = {"type": "Multikey", "controller": ISSUER, "publicKeyMultibase": MULTIBASE}
    listed["verificationMethod"].append({"id": METHOD, **key})
    listed["assertionMethod"].append(METHOD)
    return listed
