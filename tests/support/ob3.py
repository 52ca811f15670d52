"""Credentials for tests and benchmarks, and the keys that sign them."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import warnings
import zlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import openbadges_bakery
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from badges.openbadges import (
    Achievement,
    AchievementCredential,
    AchievementSubject,
    Alignment,
    BitstringStatusListEntry,
    CredentialSchema,
    Criteria,
    Evidence,
    IdentityObject,
    Image,
    Profile,
    Result,
    ResultDescription,
    RubricCriterionLevel,
    controller_document,
    encode_multikey,
    issue,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "ob3"
VECTORS = SHARED / "vectors"
ISSUER = "did:web:badges.example.org:issuers:northside"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
VALID_FROM = datetime(2026, 5, 1, 8, 30, tzinfo=UTC)
ENDORSER = "did:web:badges.example.org:issuers:union"
STATUS_LIST = "https://badges.example.org/status/1"


class TestSigner:
    """An Ed25519 key made from a name, with the address under which the issuer lists it."""

    __test__ = False

    def __init__(self, name: str = "northside", issuer: str = ISSUER) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        self.multibase = encode_multikey(self.private.public_key())
        self.issuer = issuer
        self.verification_method = f"{issuer}#{self.multibase}"

    def sign(self, data: bytes, /) -> bytes:
        """An Ed25519 signature."""
        return self.private.sign(data)

    def controller(self) -> dict[str, Any]:
        """The issuer's document that lists this key."""
        return controller_document(self.issuer, multikeys=[(self.multibase, self.multibase)])


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """One RSA key for the whole run; making one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sign(document: dict[str, Any], signer: TestSigner | None = None) -> dict[str, Any]:
    """The document with our embedded proof."""
    signer = signer or TestSigner()
    return issue(
        document, signer, verification_method=signer.verification_method, created=VALID_FROM
    )


def _criterion(number: int, name: str) -> tuple[ResultDescription, Result]:
    identifier = f"urn:uuid:6f1d9e52-0000-4000-8000-0000000000{number:02d}"
    names = ("Beginning", "Proficient", "Leading")
    texts = (
        "Feedback names what went wrong.",
        "Feedback names the goal and one next step.",
        "Learners give each other feedback and act on it.",
    )
    levels = [
        RubricCriterionLevel(
            id=f"{identifier}#level-{level}",
            name=names[level],
            description=texts[level],
            level=str(level + 1),
            points=str(level),
        )
        for level in range(3)
    ]
    description = ResultDescription.from_criterion(
        id=identifier, name=name, levels=levels, required_level=levels[1].id
    )
    return description, Result(result_description=identifier, achieved_level=levels[2].id)


def full_credential_model(number: int = 1) -> AchievementCredential:
    """A credential as the product makes it: rubric, results, evidence, status, schema."""
    described = [
        _criterion(1, "Feedback that moves learners forward"),
        _criterion(2, "Questions that show what learners think"),
    ]
    base = "https://badges.example.org"
    achievement = Achievement(
        id=f"{base}/achievements/0b6d2f3e-5f7c-4c6d-9d43-4c1c3a1f2b10",
        name="Formative feedback in practice",
        description="Shows in the classroom that feedback changes what learners do next.",
        criteria=Criteria(
            narrative="Two lessons on video and a reflection, scored by two peers.",
            id=f"{base}/achievements/0b6d2f3e-5f7c-4c6d-9d43-4c1c3a1f2b10",
        ),
        achievement_type="MicroCredential",
        alignment=[
            Alignment(
                target_name="6. Assessment",
                target_url="https://standards.example.org/intasc/6",
                target_code="InTASC 6",
                target_framework="Model Core Teaching Standards",
                target_type="CFItem",
            )
        ],
        image=Image(f"{base}/achievements/0b6d2f3e/image.png", caption="A hexagon with a leaf"),
        in_language="en",
        tag=["feedback", "assessment"],
        result_description=[description for description, _result in described],
    )
    identifier = f"00000000-0000-4000-8000-{number:012d}"
    return AchievementCredential(
        id=f"{base}/credentials/{identifier}",
        name="Formative feedback in practice",
        issuer=Profile(
            id=ISSUER,
            name="Northside School District",
            url="https://northside.example.org",
            image=Image(f"{base}/issuers/northside/image.png", caption="Northside's crest"),
        ),
        valid_from=VALID_FROM,
        awarded_date=VALID_FROM,
        credential_subject=AchievementSubject(
            id=f"urn:uuid:{identifier}",
            identifier=[IdentityObject.hashed_email("ada@example.org", salt=f"salt-{number}")],
            achievement=achievement,
            result=[result for _description, result in described],
        ),
        evidence=[
            Evidence(
                id=f"{base}/credentials/{identifier}#evidence",
                name="Reflection",
                narrative="What the learners did with the feedback, and what changed.",
            )
        ],
        credential_schema=[CredentialSchema()],
        credential_status=BitstringStatusListEntry(
            id=f"{STATUS_LIST}#{number}",
            status_list_credential=STATUS_LIST,
            status_list_index=str(number),
        ),
    )


def full_credential(number: int = 1) -> dict[str, Any]:
    """A document of about 4.2 KB with results and rubric, still without a proof."""
    return full_credential_model(number).to_document()


def mini_credential(number: int = 1) -> dict[str, Any]:
    """The smallest useful document, about 0.66 KB, still without a proof."""
    base = "https://badges.example.org"
    return AchievementCredential(
        id=f"{base}/credentials/{number}",
        name="Teamwork",
        issuer=Profile(id=ISSUER, name="Northside"),
        valid_from=VALID_FROM,
        credential_subject=AchievementSubject(
            id=f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
            achievement=Achievement(
                id=f"{base}/achievements/1",
                name="Teamwork",
                description="Works well with others.",
                criteria=Criteria(narrative="Named by two peers."),
            ),
        ),
    ).to_document()


def png(extra: bytes = b"", pixels: int = 8) -> bytes:
    """A small valid PNG; `extra` chunks come before the picture."""
    rows = b"".join(b"\0" + bytes(3 * pixels) for _row in range(pixels))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", pixels, pixels, 8, 2, 0, 0, 0)),
            extra,
            png_chunk(b"IDAT", zlib.compress(rows)),
            png_chunk(b"IEND", b""),
        )
    )


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk written without the code under test."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


SVG = b"""<?xml version="1.0" encoding="utf-8"?>
<!-- a badge with <svg> in a comment -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" aria-label="a > b">
  <circle cx="5" cy="5" r="4"/>
</svg>
"""


def bake_version_2(image: bytes, text: str) -> bytes:
    """An image of Open Badges 2.0, baked by openbadges-bakery."""
    with warnings.catch_warnings():
        # Its baker calls what rfc3986 has deprecated; we only ever read with it.
        warnings.simplefilter("ignore", DeprecationWarning)
        with openbadges_bakery.bake(io.BytesIO(image), text) as baked:
            data: bytes = baked.read()
    return data


def load_vector(name: str) -> dict[str, Any]:
    """A JSON vector of the shared folder."""
    document: dict[str, Any] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return document
