"""Badges that were given: found, corrected, withdrawn; who may, and what everybody is told."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from badges.achievements.service import issuer_keys
from badges.awards import service
from badges.awards.models import Credential, CredentialRevision
from badges.period import Period
from core.db import utcnow
from core.identity import Person, Role, create_organisation
from core.outbox import bury, claim, postpone
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.programme.issued import reading
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.lti_tool.programme.issued.conftest import work
from tests.support.badges import District, add_person, issue_credential
from tests.support.mailbox import Mailbox

WREN = "wren@alder-valley.example"


def stored(district: District, credential: Credential) -> Credential:
    with district.runtime.database.snapshot() as session:
        return service.own_credential(session, credential.id, credential.person_id)


def test_before_any_badge_was_given_the_page_says_so(lead: Visit) -> None:
    page = lead.get("/issued").text
    assert "No badge has been given yet" in page
    assert 'type="checkbox"' not in page


def test_badges_are_found_by_name_address_state_and_day(
    district: District, lead: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    wren = issue_credential(district)
    other = add_person(district.runtime, district.organisation, "Ash Testfield")
    ash = issue_credential(district, other)
    for query, there, absent in (
        ("", ("Wren Samplewood", "Ash Testfield"), ()),
        ("?text=samplewood", ("Wren Samplewood",), ("Ash Testfield",)),
        ("?text=ASH@alder-valley.example", ("Ash Testfield",), ("Wren Samplewood",)),
        (f"?text=https://milepost.test/credentials/{wren.id}", ("Wren Samp",), ("Ash Test",)),
        (f"?achievement={district.achievement.id}&state=valid", ("Ash Testfield",), ()),
        ("?state=withdrawn", ("No badge is like that",), ("Ash Testfield",)),
        ("?since=2026-03-15", ("No badge is like that",), ("Ash Testfield",)),
        ("?since=2026-03-14&until=2026-03-14", ("Ash Testfield",), ()),
        ("?text=%25", ("No badge is like that",), ()),
        ("?state=x&achievement=x&since=x&page=x", ("Ash Testfield",), ()),
        ("?since=0001-01-01&until=9999-12-31", ("Ash Testfield",), ()),
    ):
        page = lead.get(f"/issued{query}").text
        assert all(text in page for text in there), query
        assert not any(text in page for text in absent), query
    monkeypatch.setattr(reading, "A_PAGE", 1)
    pages = [lead.get(f"/issued?page={n}").text for n in (1, 2, "9" * 20)]
    assert sorted("Ash Testfield" in page for page in pages) == sorted(
        "Wren Samplewood" not in page for page in pages
    )
    assert str(ash.id) in lead.get("/issued").text + pages[1]


def test_a_correction_is_shown_before_it_is_issued_and_told_to_its_holder(
    runtime: Runtime, district: District, lead: Visit, holder: Visit, box: Mailbox
) -> None:
    credential = issue_credential(district)
    work(runtime)
    box.empty()
    path = f"/issued/{credential.id}/correct"
    form = {
        "name": "Wren S. Samplewood", "version": str(district.version.id), "level-planned": "4",
        "level-wait": "3", "until": "", "note": "The name was cut <short>.",
    }  # fmt: skip
    shown = lead.post(path, {**form, "do": "show"}).text
    for text in ("Wren S. Samplewood", "Extending", "Without an end", "The name was cut &lt;short"):
        assert text in shown
    assert stored(district, credential).revision == 1
    missing = lead.post(path, {**form, "do": "issue", "note": " "})
    assert missing.status_code == 422
    assert "The holder of the badge will read this." in missing.text
    assert "Wren S. Samplewood" in missing.text
    answer = lead.post(path, {**form, "do": "issue"})
    assert answer.status_code == 303
    assert "Its next version is being signed" in lead.get(f"/issued/{credential.id}").text
    work(runtime)
    badge = stored(district, credential)
    assert (badge.revision, badge.recipient_name) == (2, "Wren S. Samplewood")
    assert badge.valid_until is None
    page = lead.get(f"/issued/{credential.id}").text
    assert "Version 2: Corrected" in page
    assert "The name was cut &lt;short&gt;." in page
    told = box.only(WREN)
    assert told.subject == "Your badge was corrected: Questions That Open"
    assert "The name was cut <short>." in told.text
    assert "The name was cut &lt;short&gt;." in holder.get(f"/badges/{credential.award_id}").text


def test_a_correction_that_changes_nothing_or_cannot_be_is_answered_in_words(
    district: District, lead: Visit
) -> None:
    credential = issue_credential(district)
    path = f"/issued/{credential.id}/correct"
    same = {
        "name": "Wren Samplewood", "version": str(district.version.id), "level-planned": "3",
        "level-wait": "3", "until": "2029-03-14", "note": "Nothing.",
    }  # fmt: skip
    for changes, words in (
        ({}, "Nothing is different yet"),
        ({"until": "soon"}, "There is no such day in the calendar."),
        ({"version": str(uuid.uuid4())}, "Choose one of the versions."),
        ({"name": "Wren\u202e"}, "Write the name as others should read it"),
        ({"level-planned": "99"}, "Choose one of these."),
        ({"level-wait": "zz"}, "Choose one of these."),
        ({"name": "Other", "note": "n" * 10_000}, "This has 10000 characters; at most 500 fit."),
    ):
        answer = lead.post(path, {**same, **changes, "do": "issue"})
        assert answer.status_code == 422
        assert words in answer.text
    assert stored(district, credential).revision == 1


def test_badges_are_withdrawn_after_one_question(
    runtime: Runtime, district: District, lead: Visit
) -> None:
    first = issue_credential(district)
    other = add_person(runtime, district.organisation, "Ash Testfield")
    second = issue_credential(district, other)
    data = {"credential": [str(first.id), str(second.id)]}
    asked = lead.post("/issued/withdraw", data, page="/issued")
    assert "Withdraw these 2 badges?" in asked.text
    assert stored(district, first).state == "signed"
    empty = lead.post("/issued/withdraw", {**data, "do": "withdraw", "reason": ""}, page="/issued")
    assert empty.status_code == 422
    assert "Everybody who opens the badge will read this." in empty.text
    done = lead.post(
        "/issued/withdraw", {**data, "do": "withdraw", "reason": "Cut short."}, page="/issued"
    )
    assert done.status_code == 303
    assert "2 badges are withdrawn." in lead.get("/issued").text
    late = {**data, "do": "withdraw", "reason": "Me too."}
    assert lead.post("/issued/withdraw", late, page="/issued").status_code == 303
    assert "somebody has done it before you" in lead.get("/issued").text
    assert {stored(district, one).state for one in (first, second)} == {"revoked"}
    page = lead.get(f"/issued/{first.id}").text
    assert "Cut short." in page
    assert "stays withdrawn" in page
    assert lead.get(f"/issued/{first.id}/correct").status_code == 409


def test_without_a_choice_nothing_is_withdrawn(district: District, lead: Visit) -> None:
    issue_credential(district)
    assert lead.post("/issued/withdraw", {}, page="/issued").status_code == 303
    assert "Choose at least one badge first." in lead.get("/issued").text
    lost = lead.post("/issued/withdraw", {"credential": str(uuid.uuid4())}, page="/issued")
    assert lost.status_code == 404


@pytest.mark.parametrize("path", ["/issued", "/issued/renewals", "/issued/keys"])
def test_who_leads_nothing_is_told_so(app: Flask, district: District, path: str) -> None:
    teacher = visit_as(app, district, district.learner, frozenset({Role.TEACHER, Role.COACH}))
    assert teacher.get(path).status_code == 403


def test_a_lead_sees_neither_others_badges_nor_a_way_to_their_own(
    app: Flask, runtime: Runtime, district: District
) -> None:
    credential = issue_credential(district)
    own = visit_as(app, district, district.learner, frozenset({Role.LEAD}))
    page = own.get(f"/issued/{credential.id}").text
    assert "This badge is yours." in page
    assert "/correct" not in page
    assert own.get(f"/issued/{credential.id}/correct").status_code == 403
    with runtime.database.transaction() as session:
        elsewhere = create_organisation(session, name="Brook", slug="brook")
    stranger = add_person(runtime, elsewhere, "Sage Elsewhere")
    district.organisation = elsewhere
    other = visit_as(app, district, stranger, frozenset({Role.LEAD}))
    assert other.get(f"/issued/{credential.id}").status_code == 404
    assert "No badge has been given yet" in other.get("/issued").text


def test_a_renewal_is_asked_answered_and_told(
    runtime: Runtime, district: District, lead: Visit, holder: Visit, box: Mailbox
) -> None:
    credential = issue_credential(district)
    work(runtime)
    box.empty()
    page = f"/badges/{credential.award_id}"
    assert "You can ask from" in holder.get(f"{page}/renewal").text
    assert "Nobody asks for a renewal" in lead.get("/issued/renewals").text
    ends = utcnow().replace(microsecond=0) + timedelta(days=40)
    with runtime.database.transaction() as session, unscoped(session, "the test's badge"):
        session.execute(
            update(Credential).where(Credential.id == credential.id).values(valid_until=ends)
        )
    assert f"{page}/renewal" in holder.get(page).text
    too_long = holder.post(f"{page}/renewal", {"words": "x" * 2001, "do": "ask"})
    assert too_long.status_code == 422
    asked = holder.post(f"{page}/renewal", {"words": "I <still> do this.", "do": "ask"})
    assert asked.status_code == 303
    listed = lead.get("/issued/renewals").text
    assert "I &lt;still&gt; do this." in listed
    request_id = listed.split("/issued/renewals/")[1].split("#")[0].split('"')[0]
    answer = f"/issued/renewals/{request_id}"
    unsaid = lead.post(answer, {"do": "perhaps", "answer": "So."}, page="/issued/renewals")
    assert unsaid.status_code == 422
    silent = lead.post(answer, {"do": "decline"}, page="/issued/renewals")
    assert silent.status_code == 422
    assert (
        lead.post(
            answer, {"do": "decline", "answer": "Show one lesson."}, page="/issued/renewals"
        ).status_code
        == 303
    )
    work(runtime)
    assert "Show one lesson." in box.only(WREN).text
    assert "Show one lesson." in holder.get(f"{page}/renewal").text
    box.empty()
    renewed = lead.post(
        f"/issued/{credential.id}/renew", {"until": ""}, page=f"/issued/{credential.id}"
    )
    assert renewed.status_code == 303
    work(runtime)
    assert box.only(WREN).subject == "Your badge is renewed: Questions That Open"
    assert stored(district, credential).valid_until == Period.parse("P3Y").after(ends)


def test_a_key_is_withdrawn_and_its_badges_signed_anew(
    runtime: Runtime, district: District, lead: Visit, box: Mailbox
) -> None:
    credential = issue_credential(district)
    work(runtime)
    box.empty()
    with runtime.database.snapshot() as session:
        key = next(one for one in issuer_keys(session, district.issuer) if one.public_multibase)
    path = f"/issued/keys/{key.kid}/withdraw"
    assert "verifies no more" in lead.get(path).text
    assert lead.post(path, {"reason": ""}).status_code == 422
    answer = lead.post(path, {"reason": "Found in a backup."})
    assert answer.status_code == 303
    progress = answer.headers["Location"].split(str(lead.sid))[1]
    assert "This goes on by itself" in lead.get(progress).text
    work(runtime)
    assert "Everything that the key signed is signed anew." in lead.get(progress).text
    assert stored(district, credential).revision == 2
    assert box.only(WREN).subject == "Your badge was signed again: Questions That Open"
    assert "1 of 1 signed anew" in lead.get("/issued/keys").text
    for kid, status in (("unheard", 404), (key.kid, 200)):
        assert lead.get(f"/issued/keys/{kid}/withdraw").status_code == status


def test_a_new_key_takes_an_old_ones_place(district: District, lead: Visit) -> None:
    with district.runtime.database.snapshot() as session:
        [kid, _other] = [one.kid for one in issuer_keys(session, district.issuer)]
    for words in ("A new key signs from now on.", "There is a newer key already"):
        lead.post(f"/issued/keys/{kid}/rotate", {}, page="/issued/keys")
        assert words in lead.get("/issued/keys").text


def test_a_schools_administrator_does_not_touch_the_districts_keys(
    app: Flask, runtime: Runtime, district: District
) -> None:
    with runtime.database.snapshot() as session:
        kid = issuer_keys(session, district.issuer)[0].kid
    with runtime.database.transaction() as session:
        school = create_organisation(
            session, name="Brook School", slug="brook", parent=district.organisation
        )
    district.organisation = school
    person = add_person(runtime, school, "Sage Schooler")
    visit = visit_as(app, district, person, frozenset({Role.ADMINISTRATOR}))
    assert "No issuer of yours yet" in visit.get("/issued/keys").text
    assert visit.get(f"/issued/keys/{kid}/withdraw").status_code == 403


HUNDRED = "Choose a day within the next hundred years."


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("soon", "There is no such day in the calendar."),
        ("2027-02-30", "There is no such day in the calendar."),
        ("2026-03-14", "Choose a day after the one on which it ends now."),
        ("0001-01-01", "Choose a day after the one on which it ends now."),
        ("9999-12-31", HUNDRED),
    ],
)
def test_a_renewal_to_a_day_that_cannot_be_stays_on_the_page_with_what_was_typed(
    district: District, lead: Visit, until: str, words: str
) -> None:
    credential = issue_credential(district)
    page = f"/issued/{credential.id}"
    answer = lead.post(f"{page}/renew", {"until": until}, page=page)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{until}"' in answer.text
    assert stored(district, credential).revision == 1


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("0001-01-01", "Choose a day after the one on which it was earned."),
        ("2026-03-14", "Choose a day after the one on which it was earned."),
        ("9999-12-31", HUNDRED),
    ],
)
def test_a_correction_to_an_end_that_cannot_be_is_told_at_its_field(
    district: District, lead: Visit, until: str, words: str
) -> None:
    credential = issue_credential(district)
    path = f"/issued/{credential.id}/correct"
    for do in ("show", "issue"):
        answer = lead.post(path, {**_as_it_is(district), "until": until, "do": do})
        assert answer.status_code == 422
        assert words in answer.text
        assert f'value="{until}"' in answer.text
    assert "Being signed" not in lead.get(f"/issued/{credential.id}").text


def test_a_preview_names_days_as_people_read_them(district: District, lead: Visit) -> None:
    credential = issue_credential(district)
    shown = lead.post(
        f"/issued/{credential.id}/correct",
        {**_as_it_is(district), "until": "2031-06-30", "do": "show"},
    ).text
    assert "14 March 2029" in shown
    assert "30 June 2031" in shown
    assert ">2031-06-30<" not in shown


def test_of_two_who_correct_a_badge_at_once_the_second_is_told(
    district: District, lead: Visit
) -> None:
    credential = issue_credential(district)
    path = f"/issued/{credential.id}/correct"
    form = {**_as_it_is(district), "seen": "1"}
    assert 'name="seen" value="1"' in lead.get(path).text
    first = lead.post(path, {**form, "name": "Wren S. Samplewood", "do": "issue"})
    assert first.status_code == 303
    for do in ("show", "issue"):
        late = lead.post(path, {**form, "name": "Wren T. Sample", "do": do})
        assert late.status_code == 409
        for text in ("a newer version than the one that you opened", "Wren T. Sample",
                     "Wren S. Samplewood", 'name="seen" value="2"'):  # fmt: skip
            assert text in late.text
    hasty = lead.post(path, {**form, "until": "9999-12-31", "do": "issue"})
    assert hasty.status_code == 409
    assert HUNDRED in hasty.text
    assert "a newer version than the one that you opened" in hasty.text
    assert "Version 3" not in lead.get(f"/issued/{credential.id}").text
    again = lead.post(path, {**form, "seen": "2", "name": "Wren T. Sample", "do": "issue"})
    assert again.status_code == 303


def test_a_version_that_cannot_be_signed_is_told_and_the_next_one_holds(
    runtime: Runtime, district: District, lead: Visit
) -> None:
    credential = issue_credential(district)
    work(runtime)
    path, page = f"/issued/{credential.id}/correct", f"/issued/{credential.id}"
    lead.post(path, {**_as_it_is(district), "name": "Wren X", "do": "issue"})
    with runtime.database.transaction() as session, unscoped(session, "the test's row"):
        row = session.scalars(
            select(CredentialRevision).where(CredentialRevision.number == 2)
        ).one()
        row.unsigned = {**row.unsigned, "validUntil": "never"}
    work(runtime)
    told = lead.get(page).text
    assert "Version 2 could not be signed." in told
    assert "some seconds" not in told
    assert "Being signed" not in told
    lead.post(path, {**_as_it_is(district), "name": "Wren S. Samplewood", "do": "issue"})
    work(runtime)
    assert stored(district, credential).recipient_name == "Wren S. Samplewood"
    assert "could not be signed." not in lead.get(page).text


@pytest.mark.parametrize("end", ["dead", "tried again"])
def test_a_signature_that_takes_longer_is_not_promised_in_seconds(
    runtime: Runtime, district: District, lead: Visit, end: str
) -> None:
    credential = issue_credential(district)
    work(runtime)
    page = f"/issued/{credential.id}"
    form = {**_as_it_is(district), "name": "Wren X", "do": "issue"}
    lead.post(f"{page}/correct", form)
    assert "some seconds" in lead.get(page).text
    now = utcnow()
    [job] = claim(runtime.database, limit=10, now=now)
    if end == "dead":
        bury(runtime.database, job, "NoActiveKeyError", now=now)
    else:
        postpone(runtime.database, job, "NoActiveKeyError", at=now + timedelta(hours=1))
    told = lead.get(page).text
    assert "Its signature takes longer than usual." in told
    assert "some seconds" not in told


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Vienna", "Pacific/Midway"])
@pytest.mark.parametrize(
    ("end", "day"),
    [
        (datetime(2029, 6, 30, 23, 59, 59, tzinfo=UTC), "30 June 2029"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "31 December 9999"),
        (datetime(1, 1, 1, 23, 59, 59, tzinfo=UTC), "1 January 1"),
    ],
)
def test_an_end_is_one_day_for_whoever_reads_of_it(
    runtime: Runtime, district: District, lead: Visit, holder: Visit, end: datetime, day: str,
    zone: str,
) -> None:  # fmt: skip
    credential = issue_credential(district)
    work(runtime)
    with runtime.database.transaction() as session, unscoped(session, "the test's rows"):
        people = (lead.person.id, holder.person.id)
        session.execute(update(Person).where(Person.id.in_(people)).values(timezone=zone))
        session.execute(
            update(Credential).where(Credential.id == credential.id).values(valid_until=end)
        )
    for visit, page in (
        (lead, "/issued"), (lead, f"/issued/{credential.id}"),
        (holder, f"/badges/{credential.award_id}/renewal"),
    ):  # fmt: skip
        answer = visit.get(page)
        assert answer.status_code == 200
        assert f">{day}</time>" in answer.text


def _as_it_is(district: District) -> dict[str, str]:
    """The form of a correction with what the badge says already."""
    return {
        "name": "Wren Samplewood", "version": str(district.version.id), "level-planned": "3",
        "level-wait": "3", "until": "2029-03-14", "note": "It was wrong.",
    }  # fmt: skip
