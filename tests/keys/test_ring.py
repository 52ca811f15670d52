"""The key ring: one active key per algorithm, rotation with overlap, nothing private shown."""

import json
import logging
import pickle
import re
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from sqlalchemy import text

from core.errors import ConflictError, GoneError, NotFoundError
from core.runtime import Runtime
from keys.errors import KeySealError, NoActiveKeyError
from keys.models import SigningKey
from keys.publish import did_document
from keys.ring import LTI_RING, KeyRing
from keys.signer import SoftwareSigner

NOW = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)
RING = "issuer:7a1f"
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(runtime: Runtime, clock: Clock) -> KeyRing:
    made = KeyRing(runtime.database, runtime.config.master_key, monotonic=clock)
    with runtime.database.transaction() as session:
        made.create(session, RING, "Ed25519", NOW)
        made.create(session, RING, "RS256", NOW)
        made.create(session, LTI_RING, "RS256", NOW)
    return made


def rotate(runtime: Runtime, ring: KeyRing, name: str = RING) -> list[SigningKey]:
    with runtime.database.transaction() as session:
        return ring.rotate(session, name, NOW + timedelta(days=1))


def test_an_ed25519_key_signs_what_its_public_half_verifies(ring: KeyRing) -> None:
    key = ring.active(RING, "Ed25519")
    key.signer.public_key.verify(key.signer.sign(b"data"), b"data")  # type: ignore[call-arg]


def test_an_rs256_key_signs_what_its_public_half_verifies(ring: KeyRing) -> None:
    key = ring.active(RING, "RS256")
    key.signer.public_key.verify(  # type: ignore[call-arg]
        key.signer.sign(b"data"), b"data", padding.PKCS1v15(), hashes.SHA256()
    )


@pytest.mark.parametrize("algorithm", ["Ed25519", "RS256"])
def test_signing_the_same_twice_gives_the_same_signature(ring: KeyRing, algorithm: str) -> None:
    signer = ring.active(RING, algorithm).signer  # type: ignore[arg-type]
    assert signer.sign(b"data") == signer.sign(b"data")


def test_pyjwt_takes_the_key_and_the_published_set_verifies_its_token(ring: KeyRing) -> None:
    key = ring.active(LTI_RING, "RS256")
    token = jwt.encode({"sub": "x"}, key.signer.private_key, "RS256", headers={"kid": key.kid})
    published = jwt.PyJWKSet.from_dict(ring.jwks(LTI_RING))
    assert jwt.decode(token, published[key.kid], algorithms=["RS256"]) == {"sub": "x"}


def test_a_second_key_of_one_algorithm_is_refused(runtime: Runtime, ring: KeyRing) -> None:
    with (
        pytest.raises(ConflictError),
        runtime.database.transaction() as session,
    ):
        ring.create(session, RING, "RS256", NOW)


def test_a_ring_without_a_key_says_which_one_is_missing(ring: KeyRing) -> None:
    with pytest.raises(NoActiveKeyError, match=r"lti has no active Ed25519"):
        ring.active(LTI_RING, "Ed25519")


def test_after_rotation_the_new_key_signs_and_the_old_one_stays_published(
    runtime: Runtime, ring: KeyRing
) -> None:
    old = ring.active(RING, "Ed25519")
    new_kids = {row.kid for row in rotate(runtime, ring)}
    assert ring.active(RING, "Ed25519").kid in new_kids
    assert old.kid in {row.kid for row in ring.published(RING)}
    assert ring.jwk(old.kid)["x"] == old.public_jwk["x"]


def test_rotation_may_be_of_one_algorithm_alone(runtime: Runtime, ring: KeyRing) -> None:
    before = ring.active(RING, "RS256").kid
    with runtime.database.transaction() as session:
        (new,) = ring.rotate(session, RING, NOW, algorithm="Ed25519")
    assert new.algorithm == "Ed25519"
    assert ring.active(RING, "RS256").kid == before


def test_a_rotation_that_is_rolled_back_changes_nothing(runtime: Runtime, ring: KeyRing) -> None:
    before = ring.active(RING, "Ed25519").kid

    def rotate_and_break() -> None:
        with runtime.database.transaction() as session:
            ring.rotate(session, RING, NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rotate_and_break()
    assert ring.active(RING, "Ed25519").kid == before


def test_another_process_notices_a_rotation_within_sixty_seconds(
    runtime: Runtime, ring: KeyRing, clock: Clock
) -> None:
    other = KeyRing(runtime.database, runtime.config.master_key, monotonic=clock)
    before = other.active(RING, "Ed25519").kid
    rotate(runtime, ring)
    clock.now += 59
    assert other.active(RING, "Ed25519").kid == before
    clock.now += 1
    assert other.active(RING, "Ed25519").kid == ring.active(RING, "Ed25519").kid != before


def test_a_key_is_parsed_once_however_often_it_is_asked_for(ring: KeyRing, clock: Clock) -> None:
    first = ring.active(RING, "RS256").signer
    clock.now += 3600
    assert ring.active(RING, "RS256").signer is first


def test_a_withdrawn_key_is_replaced_and_published_no_more(runtime: Runtime, ring: KeyRing) -> None:
    bad = ring.active(RING, "Ed25519")
    with runtime.database.transaction() as session:
        new = ring.withdraw(session, bad.kid, NOW)
    assert new is not None
    assert ring.active(RING, "Ed25519").kid == new.kid
    assert bad.kid not in {row.kid for row in ring.published(RING)}
    with pytest.raises(GoneError):
        ring.jwk(bad.kid)


def test_a_key_that_does_not_exist_is_not_found(runtime: Runtime, ring: KeyRing) -> None:
    with pytest.raises(NotFoundError):
        ring.jwk("no-such-key")
    with pytest.raises(NotFoundError), runtime.database.transaction() as session:
        ring.rotate(session, "issuer:unknown", NOW)
    with pytest.raises(NotFoundError), runtime.database.transaction() as session:
        ring.withdraw(session, "no-such-key", NOW)


def test_the_wrong_master_key_is_told_at_the_first_use_and_by_the_check(
    runtime: Runtime, ring: KeyRing
) -> None:
    stranger = KeyRing(runtime.database, bytes(32))
    with pytest.raises(KeySealError, match="MILEPOST_MASTER_KEY"):
        stranger.active(RING, "RS256")
    with pytest.raises(KeySealError, match="MILEPOST_MASTER_KEY"):
        stranger.check()
    ring.check()


def test_a_row_whose_public_half_was_changed_is_refused(runtime: Runtime, ring: KeyRing) -> None:
    kid = ring.active(LTI_RING, "RS256").kid
    other = ring.active(RING, "RS256").public_jwk
    with runtime.database.transaction() as session:
        session.execute(
            text("UPDATE signing_keys SET public_jwk = :jwk WHERE kid = :kid"),
            {"jwk": json.dumps(other), "kid": kid},
        )
    with pytest.raises(Exception, match="does not fit its published half"):
        KeyRing(runtime.database, runtime.config.master_key).active(LTI_RING, "RS256")


def test_the_database_holds_no_private_key_in_the_open(runtime: Runtime, ring: KeyRing) -> None:
    secret = ring.active(RING, "Ed25519").signer.private_key.private_bytes_raw()  # type: ignore
    with runtime.database.snapshot() as session:
        rows = session.execute(text("SELECT * FROM signing_keys")).all()
    whole = b"".join(v if isinstance(v, bytes) else str(v).encode() for row in rows for v in row)
    assert secret not in whole
    assert b"PRIVATE" not in whole


def test_nothing_that_is_published_has_a_private_member(ring: KeyRing) -> None:
    for jwk in ring.jwks(RING)["keys"]:
        assert not PRIVATE_MEMBERS & set(jwk)
        assert not PRIVATE_MEMBERS & set(ring.jwk(jwk["kid"]))
    document = json.dumps(did_document("did:web:x", ring.published(RING)))
    assert not re.search(r'"(d|p|q|dp|dq|qi)":', document)


def test_private_halves_do_not_show_in_repr_or_log(
    ring: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    for algorithm in ("Ed25519", "RS256"):
        key = ring.active(RING, algorithm)  # type: ignore[arg-type]
        der = key.signer.private_bytes()  # type: ignore[attr-defined]
        with caplog.at_level(logging.DEBUG):
            logging.getLogger("t").warning("%r %s %r", key, key.signer, ring)
        for shown in (caplog.text, repr(vars(key)), repr(ring.published(RING))):
            assert der.hex() not in shown
            assert repr(der)[2:-1] not in shown
        assert repr(key.signer) == f"<SoftwareSigner {algorithm}>"


def test_a_private_key_is_not_pickled(ring: KeyRing) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(ring.active(RING, "Ed25519"))


def test_an_algorithm_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="HS256"):
        SoftwareSigner.generate("HS256")  # type: ignore[arg-type]


def test_the_did_document_lists_every_key_that_was_ever_active(
    runtime: Runtime, ring: KeyRing
) -> None:
    did = "did:web:milepost.test:issuers:alder-valley"
    old = ring.active(RING, "Ed25519")
    rotate(runtime, ring)
    withdrawn = ring.active(RING, "RS256").kid
    with runtime.database.transaction() as session:
        ring.withdraw(session, withdrawn, NOW)
    document = did_document(did, ring.published(RING))
    methods = document["verificationMethod"]
    assert document["id"] == did
    assert all(method["controller"] == did for method in methods)
    multikeys = [m for m in methods if m["type"] == "Multikey"]
    assert f"{did}#{old.public_multibase}" in {m["id"] for m in multikeys}
    assert multikeys[0]["publicKeyMultibase"] == ring.active(RING, "Ed25519").public_multibase
    assert f"{did}#{withdrawn}" not in {m["id"] for m in methods}
    assert document["assertionMethod"] == [m["id"] for m in methods]
    assert len(methods) == 4  # two Ed25519; RS256: the retired and the newest
