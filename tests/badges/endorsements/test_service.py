"""Endorsing: signed once, shown only where the endorsed want it, embedded, taken back."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from badges.achievements import service as achievements
from badges.achievements import terms
from badges.achievements.addresses import (
    achievement_url,
    credential_url,
    endorsement_url,
    issuer_url,
    terms_url,
)
from badges.awards import service as awards
from badges.awards.models import Credential
from badges.awards.revisions import sign_revision
from badges.endorsements import additions, jobs, service
from badges.endorsements.additions import of_issuer
from badges.endorsements.signing import sign_endorsement
from badges.export import export_static
from badges.openbadges import Step
from badges.openbadges.endorsements import MAX_ENDORSEMENTS
from badges.openbadges.proofs import known_shape
from badges.public.own_documents import achievement_document, profile
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.outbox import DeliveryError
from core.scope import unscoped
from core.worker import Worker
from tests.badges.endorsements.conftest import LATER, Union
from tests.support.badges import add_person, issue_credential


def stored(union: Union, credential: Credential) -> dict[str, Any]:
    """The signed document as it is now."""
    with union.runtime.database.snapshot() as session:
        found = awards.own_credential(session, credential.id, credential.person_id)
    document: dict[str, Any] = json.loads(found.document or "")
    return document


def of_achievement(union: Union) -> Any:
    return union.target(achievement_url(union.district.badge_url, union.district.version.id))


def of_issuer_target(union: Union) -> Any:
    return union.target(issuer_url(union.district.badge_url, union.district.issuer.slug))


def test_what_is_ours_and_public_is_found_by_its_address_and_nothing_else(union: Union) -> None:
    district = union.district
    base, credential = district.badge_url, issue_credential(district)
    assert union.target(f" {issuer_url(base, 'alder-valley')}/did.json").kind == "issuer"
    assert union.target(district.issuer.did).id == district.issuer.id
    assert of_achievement(union).name == "Questions That Open"
    badge = union.target(f"{credential_url(base, credential.id)}.png")
    assert (badge.kind, badge.subject_id) == (
        "credential", f"{credential_url(base, credential.id)}#award",
    )  # fmt: skip
    base = union.district.badge_url
    for address in (
        "", "nonsense", "https://elsewhere.example/issuers/alder-valley", f"{base}/issuers/nobody",
        f"{base}/achievements/00000000-0000-4000-8000-000000000000", f"{base}/verify",
        "https://[x",
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            union.target(address)
    somebody = add_person(union.runtime, district.organisation, "Ida Hidden")
    credential = issue_credential(district, somebody, published=False)
    with pytest.raises(NotFoundError):
        union.target(credential_url(base, credential.id))


def test_an_endorsement_is_signed_by_a_job_and_verifies(union: Union) -> None:
    made = union.endorse(of_achievement(union), sign=False)
    registry = union.runtime.registry
    jobs.register_jobs(registry, union.runtime)
    Worker(union.runtime.database, registry).drain()
    with union.runtime.database.snapshot() as session:
        found = service.public(session, made.id)
    for form in (found.document, found.jwt):
        report = union.verified(form or "")
        assert report.valid, report.to_dict()
    first = found.document
    sign_endorsement(union.runtime, union.district.ring, made.id)
    with union.runtime.database.snapshot() as session:
        assert service.public(session, made.id).document == first


def test_new_badges_and_documents_carry_what_is_shown(union: Union) -> None:
    about_issuer, about_achievement = of_issuer_target(union), of_achievement(union)
    union.endorse(about_issuer)
    union.endorse(about_achievement, comment="Worth the work.")
    district = union.district
    document = stored(union, issue_credential(district))
    (first,) = document["issuer"]["endorsement"]
    (second,) = document["credentialSubject"]["achievement"]["endorsement"]
    assert first["credentialSubject"]["id"] == district.issuer.did
    assert second["credentialSubject"]["endorsementComment"] == "Worth the work."
    assert first["issuer"]["name"] == "Teachers’ Union"
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    assert known_shape.read(unsigned) is not None, "endorsed badges are signed by the short path"
    report = union.verified(json.dumps(document))
    assert report.valid
    step = report.step(Step.ENDORSEMENTS)
    assert step is not None
    assert step.message.code == "endorsements.hold"
    with union.runtime.database.snapshot() as session:
        made = achievement_document(session, district.version, district.badge_url, LATER)
        praise = of_issuer(session, district.issuer, LATER)
    assert made["endorsement"] == [second]
    assert made["creator"]["endorsement"] == [first]
    assert profile(district.issuer, district.badge_url, praise)["endorsement"] == [first]


def test_nobodys_words_are_forced_upon_another(union: Union) -> None:
    made = union.endorse(of_achievement(union), shown=False)
    district = union.district
    document = stored(union, issue_credential(district))
    assert "endorsement" not in document["credentialSubject"]["achievement"]
    with union.runtime.database.snapshot() as session:
        with pytest.raises(NotFoundError):
            service.public(session, made.id)
        (waiting,) = service.received(session, [district.issuer.id])
    assert (waiting.id, waiting.answer) == (made.id, "waiting")
    answered(union, made.id, shown=True)
    with union.runtime.database.snapshot() as session:
        assert service.public(session, made.id).comment
    answered(union, made.id, shown=False)
    with union.runtime.database.snapshot() as session, pytest.raises(NotFoundError):
        service.public(session, made.id)


def answered(union: Union, endorsement_id: uuid.UUID, *, shown: bool) -> None:
    district = union.district
    with union.runtime.database.transaction(district.organisation.scope) as session:
        service.answer(
            session, endorsement_id, shown=shown, actor_id=district.learner.id,
            badge_url=district.badge_url, now=LATER,
        )  # fmt: skip


def test_a_badge_is_issued_anew_with_what_its_holder_shows(union: Union) -> None:
    district = union.district
    credential = issue_credential(district)
    before = stored(union, credential)
    target = union.target(credential_url(district.badge_url, credential.id))
    made = union.endorse(target, shown=False)
    sign_revision(union.runtime, district.ring, credential.id)
    assert stored(union, credential) == before
    answered(union, made.id, shown=True)
    assert sign_revision(union.runtime, district.ring, credential.id)
    after = stored(union, credential)
    assert after["id"] == before["id"]
    (own,) = after["endorsement"]
    assert own["id"] == endorsement_url(district.badge_url, made.id)
    assert union.verified(json.dumps(after)).valid
    # The earlier copies stay as good as they were.
    assert union.verified(json.dumps(before)).valid
    union.revoke(made, LATER + timedelta(minutes=1))
    assert sign_revision(union.runtime, district.ring, credential.id)
    assert "endorsement" not in stored(union, credential)


def test_a_withdrawn_endorsement_does_not_fail_the_badge_it_stands_in(union: Union) -> None:
    made = union.endorse(of_achievement(union))
    text = json.dumps(stored(union, issue_credential(union.district)))
    union.revoke(made)
    report = union.verified(text)
    assert report.valid
    step = report.step(Step.ENDORSEMENTS)
    assert step is not None
    assert step.message.code == "endorsements.withdrawn"
    (said,) = report.endorsements
    assert said.message.code == "endorsements.withdrawn"
    with union.runtime.database.snapshot() as session:
        found = service.public(session, made.id)
    own = union.verified(found.document or "")
    assert not own.valid
    # And badges that are made from now on do not carry it.
    with union.runtime.database.snapshot() as session:
        assert of_issuer(session, union.district.issuer, LATER) == ()


def test_an_ended_one_stands_in_nothing_new_and_oneself_is_not_endorsed(union: Union) -> None:
    ending = union.endorse(of_issuer_target(union), valid_until=LATER + timedelta(days=1))
    with union.runtime.database.snapshot() as session:
        assert of_issuer(session, union.district.issuer, LATER)
        assert not of_issuer(session, union.district.issuer, LATER + timedelta(days=2))
    union.revoke(ending)
    own = union.target(issuer_url(union.district.badge_url, "union"))
    with pytest.raises(ConflictError):
        union.endorse(own)
    made = union.endorse(of_issuer_target(union))
    with pytest.raises(ConflictError):
        union.endorse(of_issuer_target(union))
    union.revoke(made)
    union.revoke(made)  # again changes nothing
    union.endorse(of_issuer_target(union))
    with pytest.raises(ConflictError):
        answered(union, made.id, shown=True)


def test_faults_are_told_by_their_field_and_unknown_ones_are_refused(union: Union) -> None:
    for comment, days, field in (
        ("", None, "comment"), (" \n ", None, "comment"), ("x" * 2001, None, "comment"),
        ("Good.", -1, "until"),
    ):  # fmt: skip
        until = None if days is None else LATER + timedelta(days=days)
        with pytest.raises(UnprocessableError) as refused:
            union.endorse(of_issuer_target(union), comment=comment, valid_until=until)
        assert set(refused.value.fields) == {field}
    made = union.endorse(of_issuer_target(union))
    nobody = uuid.uuid4()
    with union.runtime.database.transaction() as session:
        for reason in ("", "x" * 501):
            with pytest.raises(UnprocessableError):
                service.revoke(
                    session, made.id, reason, actor_id=None,
                    badge_url=union.district.badge_url, now=LATER,
                )  # fmt: skip
        with pytest.raises(NotFoundError):
            service.find(session, nobody)
    with pytest.raises(DeliveryError) as given_up:
        sign_endorsement(union.runtime, union.district.ring, nobody)
    assert given_up.value.permanent


def test_no_more_stand_in_a_badge_than_are_examined(
    union: Union, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(additions, "MOST", 1)
    union.endorse(of_issuer_target(union))
    with union.runtime.database.transaction() as session:
        union.issuer = achievements.create_issuer(
            session, union.organisation, ring=union.district.ring, slug="later",
            name="Later Union", badge_url=union.district.badge_url, now=LATER,
        )  # fmt: skip
    union.endorse(of_issuer_target(union), now=LATER + timedelta(minutes=1))
    with union.runtime.database.snapshot() as session:
        found = of_issuer(session, union.district.issuer, LATER + timedelta(hours=1))
    assert [one["issuer"]["name"] for one in found] == ["Later Union"]
    assert MAX_ENDORSEMENTS >= 3 * 3


def test_badges_name_the_terms_in_force_and_where_their_current_form_is_found(union: Union) -> None:
    district = union.district
    with union.runtime.database.transaction() as session, unscoped(session, "the test's issuer"):
        first = terms.publish(session, district.issuer, "Share it.", actor_id=None, now=LATER)
        assert first is not None
        again = terms.publish(session, district.issuer, " Share it. ", actor_id=None, now=LATER)
        assert again is None
    credential = issue_credential(district)
    assert stored(union, credential)["termsOfUse"] == [
        {
            "id": terms_url(district.badge_url, "alder-valley", 1),
            "type": "http://purl.org/dc/terms/RightsStatement",
        }
    ]
    with union.runtime.database.transaction() as session:
        ended = terms.publish(session, district.issuer, "", actor_id=None, now=LATER)
        assert ended is not None
        assert ended.number == 2
        assert terms.in_force(session, district.issuer.id) is None
        assert terms.published(session, district.issuer.id, 1).text == "Share it."
        with pytest.raises(NotFoundError):
            terms.published(session, district.issuer.id, 2)
        with pytest.raises(UnprocessableError):
            terms.publish(session, district.issuer, "x" * 20_001, actor_id=None, now=LATER)
    address = f"{credential_url(district.badge_url, credential.id)}/refresh"
    assert stored(union, credential)["refreshService"] == {
        "id": address, "type": "1EdTechCredentialRefresh",
    }  # fmt: skip


def test_an_export_holds_what_is_shown(union: Union, tmp_path: Path) -> None:
    district = union.district
    with union.runtime.database.transaction() as session, unscoped(session, "the test's issuer"):
        terms.publish(session, district.issuer, "Share it.", actor_id=None, now=LATER)
    credential = issue_credential(district)
    shown = union.endorse(of_achievement(union))
    hidden = union.endorse(of_issuer_target(union), shown=False)
    export_static(union.runtime, district.ring, tmp_path / "site")
    folder = tmp_path / "site"
    page = (folder / f"endorsements/{shown.id}/index.html").read_text()
    assert "We looked closely" in page
    link = re.search(r'href="([^"]*achievements[^"]*)"', page)
    assert link is not None
    assert (folder / f"endorsements/{shown.id}" / link[1]).resolve().is_file()
    assert not list(folder.rglob(f"{hidden.id}*"))
    assert (folder / "issuers/alder-valley/terms/1/index.html").is_file()
    signed = json.loads((folder / f"endorsements/{shown.id}.json").read_text())
    made = json.loads((folder / f"achievements/{district.version.id}.json").read_text())
    assert made["endorsement"] == [signed]
    assert (folder / f"credentials/{credential.id}/refresh").is_file()
