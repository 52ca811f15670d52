"""Mail about one's badges: to confirmed addresses, of what people want to hear, once."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from badges.awards import service as awards
from badges.awards.models import Award, Credential
from badges.awards.reissuing import Change, reissue
from badges.endorsements.targets import of_credential
from core import addresses, mail
from core.db import utcnow
from core.identity import Organisation, Person
from core.outbox import OutboxMessage
from core.runtime import Runtime
from core.scope import unscoped
from core.worker import KEEP_DONE, Worker
from lti_tool.app import create_app, register_jobs
from lti_tool.learning.notices import choices
from lti_tool.learning.notices import jobs as notices
from tests.badges.endorsements.conftest import Union, union
from tests.lti_tool.learning.conftest import Visit, mark_as_test_student, visit_as
from tests.support.badges import District, add_person, earn, issue_credential, make_district
from tests.support.mailbox import Mailbox, with_mail

WREN = "wren@alder-valley.example"


@pytest.fixture
def box(runtime: Runtime) -> Mailbox:
    return with_mail(runtime)


@pytest.fixture
def app(runtime: Runtime, box: Mailbox) -> Flask:
    register_jobs(runtime)
    return create_app(runtime=runtime)


@pytest.fixture
def district(app: Flask, runtime: Runtime, organisation: Organisation) -> District:
    return make_district(runtime, organisation)


def work(runtime: Runtime) -> None:
    Worker(runtime.database, runtime.registry).drain()


def offer(runtime: Runtime, district: District, person: Person | None = None) -> Award:
    with runtime.database.transaction() as session:
        return earn(session, district, person)


def queued(runtime: Runtime) -> int:
    with runtime.database.snapshot() as session:
        rows = select(func.count()).select_from(OutboxMessage)
        return session.scalar(rows.where(OutboxMessage.topic == mail.SEND)) or 0


def test_an_offer_is_told_once_and_without_the_persons_data_in_the_row(
    runtime: Runtime, district: District, box: Mailbox
) -> None:
    offer(runtime, district)
    work(runtime)
    work(runtime)
    told = box.only(WREN)
    assert told.subject == "A badge waits for you: Questions That Open"
    assert "Hello Wren Samplewood," in told.text
    assert "Alder Valley Schools" in told.text
    assert told.paths("/access") == ["/access"]
    with runtime.database.snapshot() as session:
        payloads = session.scalars(select(OutboxMessage.payload)).all()
    assert WREN not in json.dumps(payloads)


def test_an_offer_that_was_answered_before_the_mail_went_is_not_told(
    runtime: Runtime, district: District, box: Mailbox
) -> None:
    award = offer(runtime, district)
    with runtime.database.transaction() as session:
        awards.decline(session, award.id, district.learner.id, utcnow())
    work(runtime)
    assert box.mails() == []


def test_a_signed_badge_is_told(runtime: Runtime, district: District, box: Mailbox) -> None:
    credential = issue_credential(district)
    work(runtime)
    told = box.only(WREN)
    assert told.subject == "Your badge is ready: Questions That Open"
    assert f"/credentials/{credential.id}" in told.text


def test_a_private_badge_is_told_without_its_address(
    runtime: Runtime, district: District, box: Mailbox
) -> None:
    credential = issue_credential(district, published=False)
    work(runtime)
    assert "Only you see it until you publish it." in box.only(WREN).text
    assert str(credential.id) not in box.only(WREN).text


def test_a_withdrawn_badge_is_told_with_the_reason(
    runtime: Runtime, district: District, box: Mailbox
) -> None:
    credential = issue_credential(district)
    work(runtime)
    box.empty()
    reason = "Issued twice <by mistake>.\nBcc: all@home.example"
    with runtime.database.transaction(district.organisation.scope) as session:
        awards.revoke(session, credential.id, reason, None, utcnow())
    work(runtime)
    told = box.only(WREN)
    assert told.subject == "Your badge was withdrawn: Questions That Open"
    assert "Issued twice <by mistake>." in told.text
    assert "Issued twice &lt;by mistake&gt;." in told.html
    assert told.message["Bcc"] is None


@pytest.mark.parametrize("kind", choices.KINDS)
def test_what_somebody_turned_off_stays_quiet(
    runtime: Runtime, district: District, union: Union, box: Mailbox, kind: str
) -> None:
    with runtime.database.transaction() as session:
        wanted = set(choices.KINDS) - {kind}
        choices.choose(session, district.learner.id, wanted, utcnow())
    offer(runtime, district)
    work(runtime)
    credential = _accept(runtime, district)
    work(runtime)
    with runtime.database.snapshot() as session:
        badge = awards.own_credential(session, credential.id, credential.person_id)
    union.endorse(of_credential(badge, district.badge_url), shown=False)
    work(runtime)
    _ends(runtime, credential, timedelta(days=20))
    notices.tell_of_endings(runtime, utcnow())
    work(runtime)
    with runtime.database.transaction(district.organisation.scope) as session:
        change = Change("corrected", name="Wren S.", note="Misspelt.")
        reissue(
            session, credential.id, change, actor_id=None, badge_url=district.badge_url,
            now=utcnow(),
        )  # fmt: skip
    work(runtime)
    with runtime.database.transaction(district.organisation.scope) as session:
        awards.revoke(session, credential.id, "A mistake.", None, utcnow())
    work(runtime)
    starts = {
        "offered": "A badge waits", "issued": "Your badge is ready",
        "changed": "Your badge was corrected", "revoked": "Your badge was withdrawn",
        "expiring": "Your badge is valid until", "endorsed": "Somebody has put their name",
    }  # fmt: skip
    told = [
        next(k for k, start in starts.items() if m.subject.startswith(start)) for m in box.mails()
    ]
    assert sorted(told) == sorted(wanted)
    assert queued(runtime) == len(wanted)


def _accept(runtime: Runtime, district: District) -> Credential:
    with runtime.database.transaction() as session, unscoped(session, "test"):
        award = session.scalars(select(Award)).one()
        return awards.accept(
            session, award.id, district.learner.id, name="Wren", badge_url=district.badge_url,
            now=utcnow(),
        )  # fmt: skip


def _ends(runtime: Runtime, credential: Credential, after: timedelta) -> datetime:
    """Let the badge end `after` from now, as if it had been accepted a year ago."""
    now = utcnow()
    with runtime.database.transaction() as session:
        table = Credential.__table__
        session.connection().execute(
            update(table)  # type: ignore[arg-type]
            .where(table.c.id == credential.id)
            .values(valid_until=now + after, accepted_at=now - timedelta(days=365))
        )
    return now


def test_nobody_is_written_to_at_an_address_that_is_not_confirmed(
    runtime: Runtime, district: District, box: Mailbox
) -> None:
    ash = add_person(runtime, district.organisation, "Ash Example", verified=False)
    offer(runtime, district, ash)
    work(runtime)
    assert box.mails() == []
    assert queued(runtime) == 0


def test_a_test_student_is_told_nothing(runtime: Runtime, district: District, box: Mailbox) -> None:
    offer(runtime, district)
    mark_as_test_student(runtime, district.learner)
    work(runtime)
    assert box.mails() == []


def test_somebody_who_turned_it_off_before_it_was_sent_hears_nothing(
    runtime: Runtime, district: District, box: Mailbox
) -> None:
    offer(runtime, district)
    job = Worker(runtime.database, runtime.registry)
    while queued(runtime) == 0:
        job.batch = 1
        job.run_due()
    with runtime.database.transaction() as session:
        choices.choose(session, district.learner.id, (), utcnow())
    work(runtime)
    assert box.mails() == []


def test_without_a_mail_server_no_row_is_written(
    runtime: Runtime, organisation: Organisation
) -> None:
    register_jobs(runtime)
    district = make_district(runtime, organisation)
    offer(runtime, district)
    work(runtime)
    assert queued(runtime) == 0
    assert notices.tell_of_endings(runtime, utcnow()) == 0


# Badges that end soon.


def test_an_end_is_told_thirty_days_before_and_seven_and_never_twice(
    runtime: Runtime, district: District, box: Mailbox
) -> None:
    credential = issue_credential(district)
    work(runtime)
    box.empty()
    now = _ends(runtime, credential, timedelta(days=40))
    counts = []
    for days in range(41):
        at = now + timedelta(days=days)
        counts.append(sum(notices.tell_of_endings(runtime, at) for _every_six_hours in range(4)))
    assert counts == [int(days in (10, 33)) for days in range(41)]
    work(runtime)
    subjects = {told.subject for told in box.mails(WREN)}
    assert len(box.mails(WREN)) == 2
    assert all(s.startswith("Your badge is valid until ") for s in subjects)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Midway"])
def test_a_letter_names_the_last_day_that_everybody_reads(
    runtime: Runtime, district: District, box: Mailbox, zone: str
) -> None:
    credential = issue_credential(district)
    work(runtime)
    box.empty()
    end = (utcnow() + timedelta(days=6)).replace(hour=23, minute=59, second=59, microsecond=0)
    _ends(runtime, credential, end - utcnow())
    with runtime.database.transaction() as session, unscoped(session, "the test's rows"):
        session.execute(
            update(Credential).where(Credential.id == credential.id).values(valid_until=end)
        )
        session.execute(
            update(Person).where(Person.id == district.learner.id).values(timezone=zone)
        )
    notices.tell_of_endings(runtime, utcnow())
    work(runtime)
    day = f"{end:%B} {end.day}, {end.year}"
    assert box.only(WREN).subject.startswith(f"Your badge is valid until {day}: ")


def test_a_row_outlives_the_time_in_which_it_might_be_written_again() -> None:
    longest, shortest = notices.DAYS
    assert timedelta(days=longest - shortest) < KEEP_DONE
    assert timedelta(days=shortest) < KEEP_DONE


@pytest.mark.parametrize(
    ("valid", "left", "told"),
    [
        (365, 31, None), (365, 30, 30), (365, 8, 30), (365, 7, 7), (365, 1, 7),
        (59, 29, None), (60, 29, 30), (13, 6, None), (14, 6, 7), (30, 7, 7),
    ],
)  # fmt: skip
def test_a_short_life_is_not_announced_as_ending_from_the_start(
    valid: int, left: int, told: int | None
) -> None:
    now = utcnow()
    until = now + timedelta(days=left)
    assert notices.due(until - timedelta(days=valid), until, now) == told


def test_a_renewed_or_withdrawn_badge_is_not_announced_as_ending(
    runtime: Runtime, district: District, box: Mailbox
) -> None:
    credential = issue_credential(district)
    work(runtime)
    box.empty()
    now = _ends(runtime, credential, timedelta(days=20))
    assert notices.tell_of_endings(runtime, now) == 1
    with runtime.database.transaction(district.organisation.scope) as session:
        awards.revoke(session, credential.id, "A mistake.", None, now)
    work(runtime)
    assert [told.subject for told in box.mails()] == [
        "Your badge was withdrawn: Questions That Open"
    ]


def test_the_recurring_job_is_there(runtime: Runtime, district: District) -> None:
    assert runtime.registry.recurring[notices.EXPIRING] == timedelta(hours=6)


def test_everybody_is_told_however_many_there_are(
    runtime: Runtime, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "_AT_ONCE", 2)
    people = [add_person(runtime, district.organisation, f"P{n} Test") for n in range(5)]
    for person in people:
        _ends(runtime, issue_credential(district, person), timedelta(days=5))
    assert notices.tell_of_endings(runtime, utcnow()) == 5
    assert notices.tell_of_endings(runtime, utcnow()) == 0


# The pages.


def test_the_page_keeps_what_was_ticked(app: Flask, runtime: Runtime, district: District) -> None:
    visit = visit_as(app, district, district.learner)
    page = visit.get("/notices").text
    assert page.count("checked") == len(choices.KINDS)
    assert WREN in page
    answer = visit.post("/notices", {"kinds": "revoked"})
    assert answer.status_code == 303
    assert visit.get("/notices").text.count("checked") == 1
    with runtime.database.snapshot() as session:
        assert choices.quiet(session, district.learner.id) == set(choices.KINDS) - {"revoked"}
    visit.client.post(
        f"/s/{visit.sid}/notices", base_url="https://milepost.test",
        data={"csrf_token": visit.token("/notices"), "kinds": [*choices.KINDS, "nonsense"]},
    )  # fmt: skip
    with runtime.database.snapshot() as session:
        assert choices.quiet(session, district.learner.id) == frozenset()


def test_the_pages_say_kindly_that_no_mail_is_sent(
    runtime: Runtime, organisation: Organisation
) -> None:
    app = create_app(runtime=runtime)
    district = make_district(runtime, organisation)
    visit = visit_as(app, district, district.learner)
    assert "No mail is sent from here." in visit.get("/notices").text
    page = visit.get("/address").text
    assert "No mail is sent from here." in page
    assert "Send me a link" not in page


def confirmed(visit: Visit, box: Mailbox, address: str) -> None:
    assert visit.post("/address", {"address": address}).status_code == 303
    runtime: Runtime = visit.client.application.extensions["milepost"]
    work(runtime)
    path = next(p for m in box.mails(address) for p in m.paths("/access/address/"))
    stranger = visit.client.application.test_client()  # another browser, without the visit
    for _preview in range(2):
        page = stranger.get(path, base_url="https://milepost.test")
        assert page.status_code == 200
        assert address in page.text
    assert stranger.post(path, base_url="https://milepost.test").status_code == 200
    work(runtime)


def test_an_own_address_is_confirmed_used_and_removed(
    app: Flask, runtime: Runtime, district: District, box: Mailbox
) -> None:
    visit, own = visit_as(app, district, district.learner), "wren@home.example"
    assert visit.post("/address", {"address": own}).status_code == 303
    page = visit.get("/address").text
    assert "A link is on its way." in page
    assert "none yet" in page
    with runtime.database.snapshot() as session:
        assert addresses.current(session, district.learner.id) is None, "asking confirms nothing"
    confirmed(visit, box, own)
    assert f"{own}, confirmed" in visit.get("/address").text
    assert own in visit.get("/kept").text
    assert [m.subject for m in box.mails(WREN)] == ["Another address was added to your badges"]
    offer(runtime, district)
    work(runtime)
    assert any(m.subject.startswith("A badge waits") for m in box.mails(own))
    assert visit.post("/address/remove", {}, page="/address").status_code == 303
    assert "none yet" in visit.get("/address").text


def test_a_new_address_takes_the_place_of_the_old_one_only_once_it_is_confirmed(
    app: Flask, runtime: Runtime, district: District, box: Mailbox
) -> None:
    visit = visit_as(app, district, district.learner)
    confirmed(visit, box, "one@home.example")
    assert visit.post("/address", {"address": "two@home.example"}).status_code == 303
    with runtime.database.snapshot() as session:
        found = addresses.current(session, district.learner.id)
        assert found is not None
        assert found.address == "one@home.example"
    confirmed(visit, box, "two@home.example")
    with runtime.database.snapshot() as session:
        found = addresses.current(session, district.learner.id)
        assert found is not None
        assert found.address == "two@home.example"
        assert addresses.holders(session, "one@home.example") == []
    assert "Another address was added to your badges" in {
        m.subject for m in box.mails("one@home.example")
    }


def test_a_link_to_confirm_works_for_an_hour_and_once(
    app: Flask, runtime: Runtime, district: District, box: Mailbox
) -> None:
    visit, own = visit_as(app, district, district.learner), "wren@home.example"
    visit.post("/address", {"address": own})
    work(runtime)
    path = box.only(own).path("/access/address/")
    at = utcnow()
    runtime.clock = lambda: at + timedelta(minutes=61)
    for method in ("GET", "POST"):
        answer = app.test_client().open(path, method=method, base_url="https://milepost.test")
        assert answer.status_code == 410
        assert "address_link_expired" in answer.text
    runtime.clock = lambda: at
    assert app.test_client().post(path, base_url="https://milepost.test").status_code == 200
    again = app.test_client().post(path, base_url="https://milepost.test")
    assert again.status_code == 410
    assert "address_link_used" in again.text


def test_asking_again_ends_the_link_before(
    app: Flask, runtime: Runtime, district: District, box: Mailbox
) -> None:
    visit, own = visit_as(app, district, district.learner), "wren@home.example"
    visit.post("/address", {"address": own})
    work(runtime)
    first = box.only(own).path("/access/address/")
    box.empty()
    visit.post("/address", {"address": own})
    work(runtime)
    assert app.test_client().get(first, base_url="https://milepost.test").status_code == 410
    second = box.only(own).path("/access/address/")
    assert app.test_client().get(second, base_url="https://milepost.test").status_code == 200


@pytest.mark.parametrize("typed", ["", "wren", "a@b.example\r\nBcc: c@d.example", "a@b"])
def test_what_is_no_address_stays_in_the_field(
    app: Flask, district: District, runtime: Runtime, typed: str
) -> None:
    visit = visit_as(app, district, district.learner)
    answer = visit.post("/address", {"address": typed})
    assert answer.status_code == 422
    assert "Type one whole address" in answer.text
    assert queued(runtime) == 0


def test_nobody_floods_a_strangers_mailbox(
    app: Flask, runtime: Runtime, district: District, box: Mailbox
) -> None:
    visit = visit_as(app, district, district.learner)
    target = "stranger@home.example"
    answers = [visit.post("/address", {"address": target}).status_code for _ in range(5)]
    assert answers == [303, 303, 303, 429, 429]
    others = [visit.post("/address", {"address": f"s{n}@home.example"}) for n in range(7)]
    assert Counter(answer.status_code for answer in others) == {303: 5, 429: 2}
    assert "many times in a short while" in others[-1].text


def test_a_test_student_confirms_nothing(app: Flask, runtime: Runtime, district: District) -> None:
    mark_as_test_student(runtime, district.learner)
    visit = visit_as(app, district, district.learner)
    assert "Practice only." in visit.get("/address").text
    answer = visit.post("/address", {"address": "wren@home.example"}, page="/notices")
    assert answer.status_code == 409
    assert queued(runtime) == 0


__all__ = ["union"]
