"""Signing, verifying and baking a badge of about 4 KB, with results and rubric."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import jwt

from badges.achievements.document import MicroCredential
from badges.achievements.images import SIZES, render_png, render_svg
from badges.openbadges import (
    OfflineResolver,
    Outcome,
    StatusList,
    bake_png,
    bakeable_json,
    close_children,
    issue,
    issue_jwt,
    status_list_document,
    unbake,
    verify,
)
from badges.openbadges.issue import Draft, draft
from badges.openbadges.proofs.vc_jwt import claims
from lti_tool.sample import content
from tests.bench.bench import Bench
from tests.bench.clock import family_cpu, medians, repeated, timed
from tests.bench.figures import Figure, Measured, Peer
from tests.support.ob3 import (
    ISSUER,
    NOW,
    STATUS_LIST,
    VALID_FROM,
    TestSigner,
    full_credential,
    rsa_key,
    sign,
)

CALLS = 20
DOCUMENTS = 64
KEY_ID = "https://badges.example.org/keys/1"
# What eddsa-rdfc-2022 signs in the end: two SHA-256 hashes.
SIGNED_DATA = bytes(range(64))


def sign_full(_bench: Bench) -> Measured:
    """Check a credential and sign it with an eddsa-rdfc-2022 proof, as the worker does."""
    signer, numbers = TestSigner(), count()
    documents = [full_credential(number) for number in range(DOCUMENTS)]

    def ours() -> None:
        issue(
            documents[next(numbers) % DOCUMENTS],
            signer,
            verification_method=signer.verification_method,
            created=VALID_FROM,
        )

    seconds, raw = medians(
        timed(ours), repeated(lambda: signer.private.sign(SIGNED_DATA), 200), calls=CALLS,
        peer_calls=1,
    )  # fmt: skip
    return Measured(1 / seconds, Peer("OpenSSL Ed25519 sign", 1 / raw))


def sign_jwt_ratio(_bench: Bench) -> Measured:
    """The rate of RS256 tokens over PyJWT's own, for the second form of a badge.

    The worker signs both forms of a draft, which was checked for the first (`sign_full`). PyJWT
    encodes and signs the same claims with the same key.
    """
    return _jwt_ratio([draft(full_credential(number)) for number in range(DOCUMENTS)])


def sign_jwt_alone_ratio(_bench: Bench) -> Measured:
    """The same for a badge that is checked and signed as a token alone."""
    return _jwt_ratio([full_credential(number) for number in range(DOCUMENTS)])


def _jwt_ratio(ready: Sequence[Draft | dict[str, Any]]) -> Measured:
    numbers, key = count(), rsa_key()
    payloads = [claims(full_credential(number)) for number in range(DOCUMENTS)]

    def ours() -> str:
        return issue_jwt(ready[next(numbers) % DOCUMENTS], key, key_id=KEY_ID)

    def raw() -> str:
        payload = payloads[next(numbers) % DOCUMENTS]
        return jwt.encode(payload, key, algorithm="RS256", headers={"kid": KEY_ID})

    if jwt.decode(ours(), options={"verify_signature": False}) not in payloads:
        raise RuntimeError("the two tokens do not say the same")
    seconds, peer = medians(repeated(ours, 10), repeated(raw, 10), calls=4, rounds=15)
    return Measured(peer / seconds, Peer("PyJWT RS256 (/cpu s)", 1 / peer))


def verify_full(_bench: Bench) -> Measured:
    """Verify a stranger's credential in full: shape, safe mode, proof, dates and status list.

    Canonicalization runs in a child process, whose CPU time counts.
    """
    signer, numbers = TestSigner(), count()
    texts = [json.dumps(sign(full_credential(number), signer)) for number in range(DOCUMENTS)]
    resolver = OfflineResolver({ISSUER: signer.controller(), STATUS_LIST: _status_list(signer)})

    def ours() -> Outcome:
        text = texts[next(numbers) % DOCUMENTS]
        return verify(text, resolver=resolver, now=NOW).outcome

    if (outcome := ours()) is not Outcome.VALID:
        raise RuntimeError(f"the credential did not verify: {outcome}")
    key, signature = signer.private.public_key(), signer.private.sign(SIGNED_DATA)
    try:
        seconds, raw = medians(
            timed(ours, family_cpu), repeated(lambda: key.verify(signature, SIGNED_DATA), 100),
            calls=CALLS, peer_calls=1,
        )  # fmt: skip
    finally:
        close_children()
    return Measured(1 / seconds, Peer("OpenSSL Ed25519 verify", 1 / raw))


def bake_ratio(bench: Bench) -> Measured:
    """Time of bake_png over a chunk put in by hand; of all sizes of picture, the worst ratio."""
    found: list[tuple[float, float]] = []
    text = bakeable_json(sign(full_credential()))
    for picture in bench.once(_pictures):
        ours, raw = _baking(picture, text)
        found.append((ours / raw, raw * 1e6))
    ratio, raw_us = max(found)
    return Measured(ratio, Peer("raw chunk insert (µs)", raw_us))


def bake_document(bench: Bench) -> Measured:
    """Bake as a download does: read the stored JSON, write it as every reader takes it, bake."""
    picture, stored = bench.once(_pictures)[-1], json.dumps(sign(full_credential()))
    work = repeated(lambda: bake_png(picture, bakeable_json(json.loads(stored))), 50)
    (seconds,) = medians(work, calls=1)
    return Measured(seconds * 1e3)


def _baking(picture: bytes, text: str) -> list[float]:
    def ours() -> bytes:
        return bake_png(picture, text)

    def raw() -> bytes:
        return raw_insert(picture, text)

    if unbake(ours()).text != unbake(raw()).text:
        raise RuntimeError("the two ways to bake do not agree")
    return medians(repeated(ours, 500), repeated(raw, 500), calls=1)


def raw_insert(picture: bytes, text: str) -> bytes:
    """The least that baking can be: one iTXt chunk after IHDR, nothing looked at."""
    body = b"openbadgecredential\0\0\0\0\0" + text.encode()
    checksum = zlib.crc32(body, zlib.crc32(b"iTXt"))
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", checksum)
    return picture[:33] + chunk + picture[33:]


def _pictures(_bench: Bench) -> list[bytes]:
    """A badge of the sample district, in every size that is served."""
    made = MicroCredential.from_dict(content.MICRO_CREDENTIALS[0])
    drawing = render_svg(made.image, made.name, made.level, content.ISSUER["name"])
    return [render_png(drawing, size) for size in SIZES]


def _status_list(signer: TestSigner) -> dict[str, Any]:
    unsigned = status_list_document(
        StatusList(),
        url=STATUS_LIST,
        issuer=ISSUER,
        valid_from=VALID_FROM,
        valid_until=NOW + timedelta(days=1),
    )
    return issue(
        unsigned, signer, verification_method=signer.verification_method, created=VALID_FROM
    )


def _figure(
    name: str, unit: str, target: float | None, measure: Callable[[Bench], Measured]
) -> Figure:
    higher = unit in ("/cpu s", "of peer")
    return Figure(f"badge.{name}", unit, "higher" if higher else "lower", target, measure)


FIGURES = (
    _figure("sign_full_per_cpu_s", "/cpu s", 1000, sign_full),
    _figure("sign_jwt_ratio", "of peer", 0.9, sign_jwt_ratio),
    _figure("sign_jwt_alone_ratio", "of peer", None, sign_jwt_alone_ratio),
    _figure("verify_full_per_cpu_s", "/cpu s", 80, verify_full),
    _figure("bake_png_ratio", "times", 2, bake_ratio),
    _figure("bake_png_document_cpu_ms", "cpu ms", None, bake_document),
)
