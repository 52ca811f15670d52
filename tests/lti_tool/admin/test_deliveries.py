"""Deliveries: read, tried again, dropped with a reason; each within one's own part of the tree."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from flask import Flask

from core.db import utcnow
from core.identity import Role
from core.outbox import Job, bury, claim, drop, hurry, postpone, publish, revive
from core.runtime import Runtime
from core.worker import forget_done
from lti_tool.admin.deliveries import A_PAGE, page
from tests.lti_tool.admin.world import (
    OTHERS,
    activity,
    admin_of,
    another,
    claimed,
    given_up,
    message,
    noted,
    register,
    state,
)
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.support.badges import District


@pytest.mark.parametrize("role", OTHERS)
def test_who_is_no_administrator_retries_nothing(
    app: Flask, district: District, runtime: Runtime, role: Role
) -> None:
    job = given_up(runtime, district.organisation)
    visit = visit_as(app, district, district.learner, frozenset({role, Role.TEACHER}))
    page = f"/micro-credential/{district.achievement.id}"
    answer = visit.post(f"/deliveries/{job.id}/retry", {}, page=page)
    assert answer.status_code == 403
    assert state(runtime, job)[0] == "dead"


def test_nothing_that_waits_is_said_in_words(pia: Visit) -> None:
    page = pia.get("/deliveries")
    assert page.status_code == 200
    assert "Everything has arrived." in page.text
    assert "Nothing is waiting" in page.text


def test_what_has_not_arrived_is_shown_with_the_reason_escaped(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    given_up(runtime, district.organisation, "<script>alert(1)</script> & 422")
    page = pia.get("/deliveries").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; 422" in page
    assert "<script>alert(1)" not in page
    assert "Given up" in page
    assert "One delivery has not arrived." in pia.get("/connections").text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("InvalidCredentialError", "As it is written nobody could verify it"),
        ("NoActiveKeyError", "Its issuer has no key to sign with."),
        ("OverflowError", "Milepost met a fault of its own (OverflowError)."),
        ("IntegrityError (23505)", "Milepost met a fault of its own (IntegrityError (23505))."),
        ("The LMS answered 422.", "The LMS answered 422."),
    ],
)
def test_a_fault_of_our_own_is_told_in_words(
    pia: Visit, district: District, runtime: Runtime, error: str, words: str
) -> None:
    job = given_up(runtime, district.organisation, error)
    for path in ("/deliveries", f"/deliveries/{job.id}"):
        text = pia.get(path).text
        assert words in text
        assert f">{error}<" not in text or words == error


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("credential.sign", "its holder waits for it until it is withdrawn"),
        ("credential.sign_revision", "This version of the badge is then not signed"),
        ("endorsement.sign", "The endorsement is then never signed"),
        ("review.decided>grade.post", "only the other side does not hear of it"),
        ("badge.batch", "It is then never done"),
    ],
)
def test_what_dropping_means_fits_what_is_dropped(
    pia: Visit, district: District, runtime: Runtime, topic: str, words: str
) -> None:
    job = claimed(runtime, district.organisation, topic)
    bury(runtime.database, job, "It did not go.", now=utcnow())
    assert words in pia.get(f"/deliveries/{job.id}").text


def test_what_is_tried_again_by_itself_needs_no_button(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    job = claimed(runtime, district.organisation, "credential.sign")
    postpone(runtime.database, job, "The key does not open.", at=utcnow() + timedelta(hours=1))
    page = pia.get("/deliveries").text
    assert "Tried again" in page
    assert "The key does not open." in page
    assert "/retry" not in page


def test_what_is_only_waiting_its_turn_is_no_trouble(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    with runtime.database.transaction() as session:
        publish(session, "grade.post", "1", {}, organisation_id=district.organisation.id)
    assert "Everything has arrived." in pia.get("/deliveries").text


def test_a_delivery_is_tried_again_when_asked_to(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    job = given_up(runtime, district.organisation)
    answer = pia.post(f"/deliveries/{job.id}/retry", {}, page="/deliveries")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/deliveries")
    assert state(runtime, job) == ("ready", 0)
    assert "tried again within seconds" in pia.get("/deliveries").text


def test_a_second_press_changes_nothing(pia: Visit, district: District, runtime: Runtime) -> None:
    job, _other = given_up(runtime, district.organisation), given_up(runtime, district.organisation)
    path = f"/deliveries/{job.id}/retry"
    for _press in range(2):
        assert pia.post(path, {}, page="/deliveries").status_code == 303
        assert state(runtime, job) == ("ready", 0)


def test_another_organisations_delivery_is_not_there(
    app: Flask, district: District, pia: Visit, runtime: Runtime
) -> None:
    elsewhere = another(runtime, "Brook")
    theirs, mine = given_up(runtime, elsewhere, "Theirs."), given_up(runtime, district.organisation)
    page = pia.get("/deliveries").text
    assert str(mine.id) in page
    assert "Theirs." not in page
    for message_id in (theirs.id, uuid.uuid4()):
        assert pia.get(f"/deliveries/{message_id}").status_code == 404
        for verb in ("retry", "drop"):
            path = f"/deliveries/{message_id}/{verb}"
            answer = pia.post(path, {"reason": "Not mine."}, page="/deliveries")
            assert answer.status_code == 404
    assert state(runtime, theirs)[0] == "dead"


def test_what_belongs_to_no_organisation_is_for_the_top_of_a_tree(
    app: Flask, district: District, pia: Visit, runtime: Runtime
) -> None:
    nobodys = given_up(runtime, None, "The disk is full.")
    below = admin_of(app, district, another(runtime, "Brook", district.organisation))
    mine = given_up(runtime, district.organisation)
    assert "The disk is full." in pia.get("/deliveries").text
    assert "The disk is full." not in below.get("/deliveries").text
    assert below.get(f"/deliveries/{nobodys.id}").status_code == 404
    answer = pia.post(f"/deliveries/{nobodys.id}/retry", {}, page="/deliveries")
    assert answer.status_code == 303
    assert state(runtime, nobodys)[0] == "ready"
    assert state(runtime, mine)[0] == "dead"


def test_an_administrator_looks_down_the_tree_and_not_up(
    app: Flask, district: District, pia: Visit, runtime: Runtime
) -> None:
    school = another(runtime, "Brook", district.organisation)
    below, above = given_up(runtime, school), given_up(runtime, district.organisation)
    assert str(below.id) in pia.get("/deliveries").text
    schools = admin_of(app, district, school)
    page = schools.get("/deliveries").text
    assert str(below.id) in page
    assert str(above.id) not in page
    answer = schools.post(f"/deliveries/{above.id}/retry", {}, page="/deliveries")
    assert answer.status_code == 404


def test_a_retry_needs_the_mark_of_a_form(pia: Visit, district: District, runtime: Runtime) -> None:
    job = given_up(runtime, district.organisation)
    answer = pia.client.post(
        f"/s/{pia.sid}/deliveries/{job.id}/retry", base_url="https://milepost.test", data={}
    )
    assert answer.status_code == 403
    assert state(runtime, job)[0] == "dead"


def test_deliveries_are_listed_oldest_first_on_both_databases(any_runtime: Runtime) -> None:
    place = another(any_runtime, "Alder")
    jobs = [given_up(any_runtime, place), given_up(any_runtime, place)]
    with any_runtime.database.snapshot(place.scope) as session:
        found = page(session, place.scope, "open", 1)
        assert [row.id for row in found.items] == [job.id for job in jobs]


def test_a_delivery_says_what_it_is_for_whom_and_where_without_a_name(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    platform = register(runtime, district.organisation, "Alder Moodle", "1")
    payload = activity(runtime, district.organisation, platform, district.learner)
    job = given_up(runtime, district.organisation, "The platform answered 422.", payload)
    listed = pia.get("/deliveries").text
    assert "A grade" in listed
    assert "Year 5 &lt;Science&gt;, Alder Moodle" in listed
    page = pia.get(f"/deliveries/{job.id}").text
    for words in ("The platform answered 422.", "Alder Moodle", "Noticing", "lms-42", "Given up"):
        assert words in page
    assert district.learner.name is not None
    assert district.learner.name not in page
    assert "One given up" in pia.get("/connections").text


def test_one_that_waits_can_be_tried_at_once(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    job = claimed(runtime, district.organisation, "credential.sign")
    postpone(runtime.database, job, "The key does not open.", at=utcnow() + timedelta(hours=1))
    page = f"/deliveries/{job.id}"
    assert pia.post(f"{page}/retry", {}, page=page).status_code == 303
    found = message(runtime, job)
    assert (found.state, found.next_run_at <= utcnow()) == ("ready", True)


def test_dropping_needs_a_reason(pia: Visit, district: District, runtime: Runtime) -> None:
    job = given_up(runtime, district.organisation)
    page = f"/deliveries/{job.id}"
    for reason in ("", "   \n ", "x" * 501):
        answer = pia.post(f"{page}/drop", {"reason": reason}, page=page)
        assert answer.status_code == 422
        assert "Say in a sentence why it is dropped" in answer.text
        assert reason.strip() in answer.text
    assert state(runtime, job)[0] == "dead"


def test_what_is_dropped_is_kept_with_who_and_why(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    job = given_up(runtime, district.organisation)
    page = f"/deliveries/{job.id}"
    answer = pia.post(f"{page}/drop", {"reason": "The course is <b>over</b>."}, page=page)
    assert answer.status_code == 303
    assert "Everything has arrived." in pia.get("/deliveries").text
    listed = pia.get("/deliveries?show=dropped").text
    assert "The course is &lt;b&gt;over&lt;/b&gt;." in listed
    shown = pia.get(page).text
    assert "Dropped by Pia Specimen:" in shown
    assert "/drop" not in shown
    found = message(runtime, job)
    assert (found.state, found.dropped_by) == ("done", pia.person.id)
    [event] = noted(runtime, job.id)
    assert (event.action, event.actor_id) == ("delivery.drop", pia.person.id)
    assert "course" not in str(event.details)


def test_what_was_dropped_is_never_done_nor_forgotten(any_runtime: Runtime) -> None:
    place = another(any_runtime, "Alder")
    job = given_up(any_runtime, place)
    later = utcnow() + timedelta(days=400)
    with any_runtime.database.transaction() as session:
        assert drop(session, job.id, reason=" Over. ", actor_id=None, now=utcnow())
        assert not drop(session, job.id, reason="Again.", actor_id=None, now=utcnow())
        assert not revive(session, job.id, now=utcnow())
        assert not hurry(session, job.id, now=utcnow())
    assert claim(any_runtime.database, limit=5, now=later) == []
    assert forget_done(any_runtime.database, now=later) == 0
    found = message(any_runtime, job)
    assert (found.dropped_reason, found.state) == ("Over.", "done")


def test_what_has_not_been_tried_or_is_on_its_way_is_not_dropped(any_runtime: Runtime) -> None:
    place = another(any_runtime, "Alder")
    under_way = claimed(any_runtime, place, "mail")
    with any_runtime.database.transaction() as session:
        publish(session, "mail", "fresh", {}, organisation_id=place.id)
        assert not drop(session, under_way.id, reason="No.", actor_id=None, now=utcnow())
    [fresh] = claim(any_runtime.database, limit=5, now=utcnow())
    postpone(any_runtime.database, fresh, "It did not answer.", at=utcnow())
    with any_runtime.database.transaction() as session:
        assert drop(session, fresh.id, reason="No.", actor_id=None, now=utcnow())
        with pytest.raises(ValueError, match="why"):
            drop(session, under_way.id, reason=" ", actor_id=None, now=utcnow())


def test_of_eight_who_drop_at_once_one_decides(any_runtime: Runtime) -> None:
    job = given_up(any_runtime, another(any_runtime, "Alder"))
    together, answers = threading.Barrier(8), []

    def press(n: int) -> None:
        together.wait(30)
        with any_runtime.database.transaction() as session:
            answers.append(drop(session, job.id, reason=f"{n}", actor_id=None, now=utcnow()))

    threads = [threading.Thread(target=press, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(answers) == {True: 1, False: 7}


def test_a_worker_and_a_person_never_both_take_a_delivery(any_runtime: Runtime) -> None:
    place = another(any_runtime, "Alder")
    for _round in range(6):
        job = claimed(any_runtime, place, "mail")
        postpone(any_runtime.database, job, "Not yet.", at=utcnow())
        together, won = threading.Barrier(2), []

        def work(together: threading.Barrier = together, won: list[str] = won) -> None:
            together.wait(30)
            won += ["worker" for _ in claim(any_runtime.database, limit=1, now=utcnow())]

        def press(
            together: threading.Barrier = together, won: list[str] = won, job: Job = job
        ) -> None:
            together.wait(30)
            with any_runtime.database.transaction() as session:
                dropped = drop(session, job.id, reason="Over.", actor_id=None, now=utcnow())
            won += ["person"] if dropped else []

        threads = [threading.Thread(target=one) for one in (work, press)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(won) == 1
        found = message(any_runtime, job)
        assert found.state == ("leased" if won == ["worker"] else "done")


def test_many_deliveries_come_in_pages(pia: Visit, district: District, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        for number in range(A_PAGE + 3):
            publish(session, "mail", str(number), {}, organisation_id=district.organisation.id)
    for job in claim(runtime.database, limit=100, now=utcnow()):
        bury(runtime.database, job, f"Answer {job.key}.", now=utcnow())
    first, second = pia.get("/deliveries").text, pia.get("/deliveries?page=2").text
    assert first.count("/retry") == A_PAGE
    assert second.count("/retry") == 3
    assert 'rel="next"' in first
    assert 'rel="prev"' in second
    for odd in ("0", "-1", "99", "x", "²", "9" * 30):
        assert pia.get(f"/deliveries?page={odd}&show=nonsense").status_code == 200


@pytest.mark.parametrize("show", ["open", "dead", "waiting", "dropped"])
def test_each_kind_has_a_page_that_says_when_it_is_empty(pia: Visit, show: str) -> None:
    page = pia.get(f"/deliveries?show={show}")
    assert page.status_code == 200
    assert "Nothing" in page.text


def test_a_list_of_people_that_cannot_be_read_names_its_course(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    platform = register(runtime, district.organisation, "Alder Moodle", "1")
    payload = activity(runtime, district.organisation, platform)
    job = claimed(
        runtime, district.organisation, "lti.roster", {"context_id": payload["context_id"]}
    )
    bury(runtime.database, job, "The platform answered 403.", now=utcnow())
    listed = pia.get("/deliveries").text
    assert "A list of people" in listed
    assert "Year 5 &lt;Science&gt;, Alder Moodle" in listed
    assert "given up" not in pia.get("/connections").text
