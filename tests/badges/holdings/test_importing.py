"""Badges from elsewhere: kept after verification, the person's own or not, checked again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from badges.holdings import importing
from badges.holdings.belonging import belongs, identities
from badges.holdings.importing import Brought, NotImportedError, standing
from badges.holdings.models import ImportedBadge
from badges.holdings.stored import report_of
from badges.openbadges.report import Report, Step, failed, not_possible
from badges.public.reading import read_badge
from badges.public.verification import verify_document
from core.addresses import OwnAddress
from core.audit import AuditEvent
from core.errors import ConflictError, NotFoundError
from core.identity import Person, owner_like
from core.scope import unscoped
from tests.badges.holdings.conftest import Elsewhere
from tests.support.badges import NOW, add_person, issue_credential
from tests.support.elsewhere import ACHIEVEMENT, HOME, PARTNER, badge


def confirm(elsewhere: Elsewhere, address: str) -> None:
    """The learner proves an address of their own."""
    with elsewhere.runtime.database.transaction() as session:
        session.add(
            OwnAddress(
                **owner_like(elsewhere.district.learner), person_id=elsewhere.district.learner.id,
                address=address, lookup=address.lower(), state="verified", token_hash=b"x" * 32,
                asked_at=NOW, expires_at=NOW, verified_at=NOW,
            )
        )  # fmt: skip


def test_a_badge_is_kept_with_what_it_says_and_how_it_was_checked(elsewhere: Elsewhere) -> None:
    row = elsewhere.bring()
    assert (row.name, row.issuer, row.issuer_name) == ("Listening", PARTNER, "Partner Institute")
    assert (row.state, row.achievement, row.credential) == (
        "valid", ACHIEVEMENT, f"{HOME}/credentials/1",
    )  # fmt: skip
    assert row.belongs_at == NOW
    with elsewhere.runtime.database.snapshot() as session:
        whole = importing.own_import(session, row.id, row.person_id, whole=True)
    assert json.loads(whole.text) == badge()
    assert report_of(whole.report).valid
    assert "credential" not in whole.report


def test_the_report_reads_back_as_it_was(elsewhere: Elsewhere) -> None:
    elsewhere.network.revoked = {1}
    report = verify_document(elsewhere.runtime, json.dumps(badge()))
    kept = {k: v for k, v in report.to_dict().items() if k != "credential"}
    again = report_of(json.loads(json.dumps(kept))).to_dict()
    assert {k: v for k, v in again.items() if k != "credential"} == kept


@pytest.mark.parametrize("email", ["someone@else.example", None])
def test_a_badge_of_somebody_else_is_kept_and_not_shown_to_be_theirs(
    elsewhere: Elsewhere, email: str | None
) -> None:
    elsewhere.accept()
    row = elsewhere.bring(badge(email=email))
    assert (row.state, row.belongs_at) == ("valid", None)
    assert elsewhere.facts() == []


def test_an_address_that_only_the_lms_claims_shows_nothing(elsewhere: Elsewhere) -> None:
    ash = add_person(
        elsewhere.runtime, elsewhere.district.organisation, "Ash Example", verified=False
    )
    row = elsewhere.bring(badge(email="ash@alder-valley.example"), ash)
    assert row.belongs_at is None


def test_an_address_that_is_confirmed_later_shows_it_at_the_next_check(
    elsewhere: Elsewhere,
) -> None:
    elsewhere.accept()
    row = elsewhere.bring(badge(email="wren@home.example"))
    assert row.belongs_at is None
    confirm(elsewhere, "Wren@home.example")
    elsewhere.later(8)
    assert elsewhere.check() == 1
    assert elsewhere.stored(row).belongs_at == elsewhere.now
    assert [one.achievement for one in elsewhere.facts()] == [ACHIEVEMENT]


def test_a_wallet_that_a_badge_of_ours_is_bound_to_is_theirs(elsewhere: Elsewhere) -> None:
    held = issue_credential(elsewhere.district)
    bound = {**held.unsigned, "credentialSubject": {"id": "did:key:z6MkWallet"}}
    with elsewhere.runtime.database.transaction() as session:
        table: Any = type(held).__table__
        session.connection().execute(
            update(table).where(table.c.id == held.id).values(unsigned=bound)
        )
    with elsewhere.runtime.database.snapshot() as session:
        known = identities(session, elsewhere.district.learner.id)
    assert known == ["wren@alder-valley.example", "did:key:z6MkWallet"]
    of_wallet = Report((), {"credentialSubject": {"id": "did:key:z6MkWallet"}}, 3)
    of_other = Report((), {"credentialSubject": {"id": "did:key:z6MkOther"}}, 3)
    assert belongs(of_wallet, known) is True
    assert belongs(of_other, known) is False


def test_a_hosted_badge_of_version_2_names_its_recipient_in_its_own_way() -> None:
    named = {"recipient": {"type": "email", "hashed": False, "identity": "wren@home.example"}}
    assert belongs(Report((), named, 2), ["wren@home.example"]) is True
    assert belongs(Report((), named, 2), []) is False
    assert belongs(Report((), {}, 2), ["wren@home.example"]) is None


def test_what_a_report_means_for_a_badge() -> None:
    def of(*steps: Any) -> str | None:
        return standing(Report(steps, {}, 3, "json"))

    assert of() == "valid"
    assert of(not_possible(Step.STATUS, "x", "x")) is None
    assert of(failed(Step.TIME, "expired", "x")) == "expired"
    assert of(failed(Step.TIME, "early", "x")) == "broken"
    assert of(failed(Step.STATUS, "revocation", "x")) == "revoked"
    assert of(failed(Step.STATUS, "revoked-because", "x")) == "revoked"
    assert of(failed(Step.STATUS, "suspension", "x")) == "broken"
    assert of(failed(Step.PROOF, "broken", "x"), failed(Step.TIME, "expired", "x")) == "broken"


def test_only_what_holds_in_every_respect_comes_in(elsewhere: Elsewhere) -> None:
    elsewhere.network.revoked = {1}
    with pytest.raises(NotImportedError):
        elsewhere.bring()
    elsewhere.network.revoked, elsewhere.network.down = set(), True
    with pytest.raises(NotImportedError):
        elsewhere.bring()
    changed = {**badge(), "name": "Something grander"}
    elsewhere.network.down = False
    with pytest.raises(NotImportedError):
        elsewhere.bring(changed)


def test_one_badge_comes_in_once_however_many_copies_there_are(elsewhere: Elsewhere) -> None:
    elsewhere.bring()
    with pytest.raises(ConflictError, match="badge_is_known"):
        elsewhere.bring()


def test_a_badge_that_was_issued_to_them_here_stands_on_the_shelf_already(
    elsewhere: Elsewhere,
) -> None:
    held = issue_credential(elsewhere.district)
    elsewhere.later(1)
    with pytest.raises(ConflictError, match="badge_is_own"):
        elsewhere.bring(json.loads(held.document or ""))


def test_test_students_bring_nothing(elsewhere: Elsewhere) -> None:
    with elsewhere.runtime.database.transaction() as session:
        table: Any = Person.__table__
        session.connection().execute(update(table).values(is_test=True))
    with pytest.raises(ConflictError, match="person_is_test"):
        elsewhere.bring()


def test_there_is_an_end_to_how_many_fit(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST", 1)
    elsewhere.bring()
    with pytest.raises(ConflictError, match="too_many_badges"):
        elsewhere.bring(badge(2))


def test_a_later_revocation_is_noticed_and_noted(elsewhere: Elsewhere) -> None:
    row = elsewhere.bring()
    elsewhere.network.revoked = {1}
    assert elsewhere.check() == 0, "not due yet"
    elsewhere.later(8)
    assert elsewhere.check() == 1
    stored = elsewhere.stored(row)
    assert (stored.state, stored.checked_at) == ("revoked", elsewhere.now)
    with elsewhere.runtime.database.snapshot() as session, unscoped(session, "test"):
        actions = {event.action: event.actor_id for event in session.query(AuditEvent)}
    assert actions["imported_badge.added"] == row.person_id
    assert actions["imported_badge.revoked"] is None


def test_an_issuer_that_cannot_be_asked_changes_nothing_and_is_asked_again_soon(
    elsewhere: Elsewhere,
) -> None:
    row = elsewhere.bring()
    elsewhere.network.down = True
    elsewhere.later(8)
    elsewhere.check()
    stored = elsewhere.stored(row)
    assert (stored.state, stored.checked_at) == ("valid", NOW)
    assert stored.tried_at == elsewhere.now
    assert stored.next_check_at == elsewhere.now + importing.SOONER


def test_an_expired_badge_says_so(elsewhere: Elsewhere) -> None:
    row = elsewhere.bring(badge(valid_until=NOW + timedelta(days=3)))
    elsewhere.later(8)
    elsewhere.check()
    assert elsewhere.stored(row).state == "expired"


def test_what_was_removed_is_gone_and_may_come_again(elsewhere: Elsewhere) -> None:
    elsewhere.accept()
    row = elsewhere.bring()
    with elsewhere.runtime.database.transaction() as session:
        importing.remove(session, row.id, row.person_id, elsewhere.now)
    assert [one.withdrawn for one in elsewhere.facts()] == [False, True]
    report = verify_document(elsewhere.runtime, json.dumps(badge()))
    with elsewhere.runtime.database.transaction() as session:
        assert importing.checked(session, row.id, report, elsewhere.now) is None
        assert importing.imports(session, row.person_id) == []
    assert elsewhere.bring().id != row.id


def test_nobody_reaches_the_badge_of_another(elsewhere: Elsewhere) -> None:
    row = elsewhere.bring()
    other = add_person(elsewhere.runtime, elsewhere.district.organisation, "Ash Example")
    with elsewhere.runtime.database.transaction() as session:
        with pytest.raises(NotFoundError):
            importing.own_import(session, row.id, other.id)
        with pytest.raises(NotFoundError):
            importing.remove(session, row.id, other.id, NOW)


def test_a_badge_without_measure_is_refused(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "TEXT_LIMIT", 100)
    with pytest.raises(NotImportedError):
        elsewhere.bring()


@pytest.mark.parametrize(
    "elsewhere", [pytest.param("runtime_pg", marks=pytest.mark.postgres)], indirect=True
)
def test_words_that_the_database_cannot_keep_lose_what_is_in_the_way(elsewhere: Elsewhere) -> None:
    text = json.dumps(badge())
    report = verify_document(elsewhere.runtime, text)
    said = replace(
        read_badge(report.credential or {}), name="Lis\0tening", description="\0", issuer_name="P\0"
    )
    with elsewhere.runtime.database.transaction() as session:
        row = importing.hold(
            session, elsewhere.district.learner.id, Brought(text, "text"), report, said,
            badge_url=elsewhere.district.badge_url, now=NOW,
        )  # fmt: skip
        noted = Report((failed(Step.STATUS, "revoked-because", "%(reason)s", reason="a\0b"),))
        importing.checked(session, row.id, noted, NOW)
    with elsewhere.runtime.database.snapshot() as session:
        kept = importing.own_import(session, row.id, row.person_id, whole=True)
    assert (kept.name, kept.issuer_name) == ("Listening", "P")
    assert report_of(kept.report).steps[0].message.text == "ab"


def test_an_issuer_without_measure_is_refused(elsewhere: Elsewhere) -> None:
    text = json.dumps(badge())
    report = verify_document(elsewhere.runtime, text)
    said = replace(read_badge(report.credential or {}), issuer_id="https://x.example/" + "i" * 600)
    with elsewhere.runtime.database.transaction() as session, pytest.raises(NotImportedError):
        importing.hold(
            session, elsewhere.district.learner.id, Brought(text, "text"), report, said,
            badge_url=elsewhere.district.badge_url, now=NOW,
        )  # fmt: skip
    with elsewhere.runtime.database.snapshot() as session, unscoped(session, "test"):
        assert session.query(ImportedBadge).count() == 0
