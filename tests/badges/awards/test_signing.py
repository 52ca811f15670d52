"""Signing: stored once however often it is tried, the same document every time, and it verifies."""

import json
import os
import signal
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import select, update

from badges.awards import jobs, service
from badges.awards.baking import baked_png, baked_svg
from badges.awards.models import Credential
from badges.awards.proofs import IssuerKeys, sign_both
from badges.awards.signing import ISSUED, sign_credential
from badges.openbadges.baking import unbake
from badges.openbadges.errors import InvalidCredentialError
from badges.pathways.models import FactRow
from core.errors import ConflictError, NotFoundError
from core.outbox import DeliveryError, OutboxMessage
from core.runtime import Runtime
from core.scope import unscoped
from core.worker import Worker
from tests.support.badges import (
    NOW,
    District,
    both_databases,
    earn,
    issue_credential,
    make_district,
)
from tests.support.verifying import verify_badge

LATER = NOW + timedelta(hours=2)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def accepted(district: District) -> Credential:
    with district.runtime.database.transaction() as session:
        award = earn(session, district)
        return service.accept(
            session,
            award.id,
            award.person_id,
            name="Wren Samplewood",
            badge_url=district.badge_url,
            now=LATER,
        )


def stored(district: District, credential: Credential) -> Credential:
    with district.runtime.database.snapshot() as session:
        return service.own_credential(session, credential.id, credential.person_id)


def news(district: District, topic: str) -> list[OutboxMessage]:
    with district.runtime.database.snapshot() as session:
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.topic == topic)))


def sign(district: District, credential: Credential) -> Credential:
    sign_credential(district.runtime, district.ring, credential.id)
    return stored(district, credential)


@both_databases
def test_a_signed_credential_verifies_in_both_forms_for_its_recipient(
    district: District, accepted: Credential
) -> None:
    credential = sign(district, accepted)
    assert credential.state == "signed"
    address = "wren@alder-valley.example"
    for data in (credential.document, credential.jwt):
        report = verify_badge(district, credential, data, recipient=address)
        assert report.valid, report.to_dict()
    stranger = verify_badge(district, credential, recipient="somebody@example.org")
    assert not stranger.valid


def test_a_changed_word_does_not_verify(district: District, accepted: Credential) -> None:
    credential = sign(district, accepted)
    assert credential.document is not None
    changed = credential.document.replace("Wren Samplewood", "Moss Testfield")
    assert not verify_badge(district, credential, changed).valid


def test_it_follows_1edtechs_schema(
    district: District, accepted: Credential, ob3_folder: Path
) -> None:
    schema = json.loads((ob3_folder / "ob_v3p0_achievementcredential_schema.json").read_text())
    document = json.loads(sign(district, accepted).document or "")
    jsonschema.validators.validator_for(schema)(schema).validate(document)


@both_databases
def test_signing_twice_gives_the_identical_document(
    district: District, accepted: Credential
) -> None:
    unsigned = stored(district, accepted)
    keys = IssuerKeys.of(district.ring, unsigned.issuer)
    first, second = (
        sign_both(
            keys,
            unsigned.issuer,
            unsigned.unsigned,
            created=unsigned.proof_created_at,
            badge_url=district.badge_url,
        )
        for _ in range(2)
    )
    assert first == second
    credential = sign(district, accepted)
    assert (credential.document, credential.jwt) == (first.document, first.jwt)


@both_databases
def test_the_job_done_again_changes_nothing(district: District, accepted: Credential) -> None:
    first = sign(district, accepted)
    with district.runtime.database.transaction() as session:
        district.ring.rotate(session, f"issuer:{district.issuer.id}", LATER)
    again = sign(district, accepted)
    assert (again.document, again.signed_at) == (first.document, first.signed_at)
    (told,) = news(district, ISSUED)
    assert told.payload["credential_id"] == str(accepted.id)
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        facts = session.scalars(select(FactRow).where(FactRow.source == "credential")).all()
    assert len(facts) == 1


def test_old_badges_verify_after_a_rotation(district: District, accepted: Credential) -> None:
    credential = sign(district, accepted)
    with district.runtime.database.transaction() as session:
        district.ring.rotate(session, f"issuer:{district.issuer.id}", LATER)
    assert verify_badge(district, credential).valid
    assert verify_badge(district, credential, credential.jwt).valid


def test_a_worker_killed_between_signing_and_storing_loses_and_doubles_nothing(
    runtime: Runtime,
) -> None:
    district = make_district(runtime)
    with runtime.database.transaction() as session:
        award = earn(session, district)
        accepted = service.accept(
            session, award.id, award.person_id, name="Wren", badge_url=district.badge_url, now=LATER
        )
    script = (
        "import sys, uuid; from pathlib import Path\n"
        "from tests.support.environment import make_runtime\n"
        "from keys.ring import KeyRing; import badges.awards.signing as s\n"
        "r = make_runtime(Path(sys.argv[1]))\n"
        "s.sign_credential(r, KeyRing(r.database, r.config.master_key), uuid.UUID(sys.argv[2]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(runtime.config.home), str(accepted.id)],
        env={**os.environ, "MILEPOST_CRASH_POINT": "signed-not-stored", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    before = stored(district, accepted)
    assert (before.state, before.document) == ("accepted", None)
    credential = sign(district, accepted)
    assert credential.unsigned == before.unsigned
    assert verify_badge(district, credential).valid
    assert len(news(district, ISSUED)) == 1


@both_databases
def test_the_worker_signs_what_was_accepted(district: District, accepted: Credential) -> None:
    jobs.register_jobs(district.runtime.registry, district.runtime)
    Worker(district.runtime.database, district.runtime.registry).drain()
    assert stored(district, accepted).state == "signed"
    with district.runtime.database.snapshot() as session:
        assert set(session.scalars(select(OutboxMessage.state))) == {"done"}


def test_a_credential_that_does_not_exist_is_given_up(district: District) -> None:
    with pytest.raises(DeliveryError) as caught:
        sign_credential(district.runtime, district.ring, uuid.uuid4())
    assert caught.value.permanent


def test_what_was_revoked_before_it_was_signed_is_never_signed(
    district: District, accepted: Credential
) -> None:
    with district.runtime.database.transaction(district.organisation.scope) as session:
        service.revoke(session, accepted.id, "Offered by mistake.", None, LATER)
    assert sign(district, accepted).document is None


def test_a_document_that_would_not_verify_is_not_signed(
    district: District, accepted: Credential
) -> None:
    broken: dict[str, Any] = {**stored(district, accepted).unsigned, "unknownTerm": "x"}
    with district.runtime.database.transaction() as session, unscoped(session, "test"):
        session.execute(
            update(Credential).where(Credential.id == accepted.id).values(unsigned=broken)
        )
    with pytest.raises(InvalidCredentialError):
        sign_credential(district.runtime, district.ring, accepted.id)
    assert stored(district, accepted).state == "accepted"


@both_databases
def test_it_is_private_until_its_holder_publishes_it(
    district: District, accepted: Credential
) -> None:
    database = district.runtime.database
    with database.transaction() as session, pytest.raises(ConflictError, match="unsigned"):
        service.publish(session, accepted.id, accepted.person_id, LATER)
    sign(district, accepted)
    with database.transaction() as session:
        with pytest.raises(NotFoundError):
            service.public_credential(session, accepted.id)
        with pytest.raises(NotFoundError):
            service.publish(session, accepted.id, uuid.uuid4(), LATER)
        service.publish(session, accepted.id, accepted.person_id, LATER)
        service.publish(session, accepted.id, accepted.person_id, LATER + timedelta(days=1))
    with database.transaction() as session:
        shown = service.public_credential(session, accepted.id)
        assert shown.published_at == LATER
        service.unpublish(session, accepted.id, accepted.person_id, LATER)
        with pytest.raises(NotFoundError):
            service.public_credential(session, accepted.id)


def test_a_baked_badge_gives_back_what_was_signed(district: District) -> None:
    credential = issue_credential(district)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><path d="M0 0"/></svg>'
    for image in (baked_svg(credential, svg), baked_png(credential, png())):
        assert json.loads(unbake(image).text) == json.loads(credential.document or "")
        assert verify_badge(district, credential, image).valid


def test_a_badge_is_not_baked_before_it_is_signed(district: District, accepted: Credential) -> None:
    with pytest.raises(ConflictError, match="unsigned"):
        baked_png(stored(district, accepted), png())


def png() -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (4, 4), "#1f6f78").save(out, "PNG")
    return out.getvalue()
