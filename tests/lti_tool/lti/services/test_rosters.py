"""The course list is the LMS's: who stands on it, who left, and who never stood there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import ConflictError
from core.identity import Person
from core.scope import unscoped
from lti_tool.courses import rosters
from lti_tool.courses.models import Context
from tests.lti_tool.lti.services.conftest import Scene
from tests.support.hostile_platform import INSTRUCTOR, LEARNER
from tests.support.local_http import Answer
from tests.support.platforms import Enrolled
from tests.support.platforms.base import NRPS

TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"


def sync(scene: Scene) -> None:
    """As if somebody pressed the button, a minute after the last time."""
    with scene.runtime.database.transaction() as session, unscoped(session, "test"):
        context = session.scalars(select(Context)).one()
        at = scene.runtime.now() + timedelta(minutes=len(scene.messages("lti.roster")))
        assert rosters.request_sync(session, context, at)
    scene.work()


def names(scene: Scene) -> set[str | None]:
    return {person.name for person in scene.all(Person)}


def states(scene: Scene) -> dict[str, str | None]:
    found = {}
    for one in scene.platform.people:
        member = scene.member(one.user_id)
        found[one.user_id] = member.state if member else None
    return found


def test_everybody_on_every_page_of_moodle_s_list_is_known_by_their_right_name(
    moodle: Scene,
) -> None:
    moodle.platform.people += [Enrolled(str(n), "Pupil", f"No. {n}") for n in range(20, 28)]
    moodle.launch("3")
    sync(moodle)
    assert len(names(moodle)) == 11
    assert "Mara O'Example & Sons" in names(moodle)
    member = moodle.member("7")
    assert member is not None
    assert (member.roles, member.launched) == (["teacher"], False)
    assert moodle.context().roster_synced_at is not None
    assert moodle.context().roster_note is None
    pages = [one for one in moodle.platform.server.requests if "memberships" in one.path]
    assert len(pages) == 4


def test_whoever_left_is_closed_and_not_deleted_and_comes_back(moodle: Scene) -> None:
    moodle.launch("3")
    sync(moodle)
    mara = moodle.platform.people.pop(1)
    sync(moodle)
    gone = moodle.member("7")
    assert gone is not None
    assert (gone.state, gone.left_at is not None) == ("left", True)
    [news] = moodle.messages("course.left")
    assert news.payload["person_ids"] == [str(gone.person_id)]
    moodle.platform.people.append(mara)
    sync(moodle)
    back = moodle.member("7")
    assert back is not None
    assert (back.id, back.state, back.left_at) == (gone.id, "active", None)


def test_a_site_administrator_who_was_never_listed_is_not_closed(moodle: Scene) -> None:
    moodle.platform.site_administrator("2", "Pia", "Specimen")
    moodle.launch("2")
    sync(moodle)
    assert states(moodle)["2"] == "active"


def test_whoever_was_closed_and_launches_all_the_same_stays(moodle: Scene) -> None:
    moodle.launch("3")
    sync(moodle)
    moodle.platform.people[2].on_roster = False
    sync(moodle)
    assert states(moodle)["8"] == "left"
    moodle.launch("8")
    sync(moodle)
    member = moodle.member("8")
    assert member is not None
    assert (member.state, member.launched, member.left_at) == ("active", True, None)


def test_an_assistant_stays_a_coach_whatever_moodle_s_list_says(moodle: Scene) -> None:
    moodle.platform.assistant("9", "Rosa", "Ejemplo")
    moodle.launch("9")
    sync(moodle)
    member = moodle.member("9")
    assert member is not None
    assert member.roles == ["coach"]


def test_a_role_that_changed_is_noted_where_lists_can_be_trusted(canvas: Scene) -> None:
    canvas.launch("8")
    canvas.platform.people[2].roles = (INSTRUCTOR,)
    sync(canvas)
    member = canvas.member("8")
    assert member is not None
    assert member.roles == ["coach"]


def test_inactive_and_deleted_people_are_closed(canvas: Scene) -> None:
    canvas.launch("7")
    canvas.launch("8")
    for one, status in zip(canvas.platform.people[1:], ("Inactive", "Deleted"), strict=True):
        one.status = status
    sync(canvas)
    assert states(canvas) == {"3": "active", "7": "left", "8": "left"}


def test_schoology_s_pages_of_a_hundred_are_read_to_the_end(schoology: Scene) -> None:
    schoology.platform.people += [Enrolled(f"u{n}", "Pupil", f"No. {n}") for n in range(248)]
    schoology.launch("7")
    sync(schoology)
    assert len(schoology.all(Person)) == 251
    pages = [one for one in schoology.platform.server.requests if "memberships" in one.path]
    assert [one.query["limit"] for one in pages] == [["100"]] * 3


def test_test_students_are_marked(canvas: Scene) -> None:
    canvas.platform.people.append(Enrolled("t", "Test", "Student", roles=(LEARNER, TEST_USER)))
    canvas.launch("7")
    sync(canvas)
    assert {one.name for one in canvas.all(Person) if one.is_test} == {"Test Student"}


@pytest.mark.parametrize(
    ("level", "kept"),
    [("full", ("Noor Prøve", "user8@school.example")), ("name", ("Noor Prøve", None)),
     ("email", (None, "user8@school.example")), ("pseudonymous", (None, None))],
)  # fmt: skip
def test_no_more_is_kept_than_of_a_launch(canvas: Scene, level: str, kept: Any) -> None:
    from lti_tool.lti.models import Platform, PlatformUser

    with canvas.runtime.database.transaction() as session:
        session.connection().execute(Platform.__table__.update().values(privacy_level=level))
    canvas.installation.tool.platforms.forget()
    canvas.launch("7")
    sync(canvas)
    [noor] = [row.person_id for row in canvas.all(PlatformUser) if row.sub == "8"]
    [person] = [row for row in canvas.all(Person) if row.id == noor]
    assert (person.name, person.email) == kept


@pytest.mark.parametrize("to", ["https://elsewhere.example/members?page=2", "{url}?from=0"])
def test_a_list_that_leads_elsewhere_or_round_closes_nobody_and_sends_no_token(
    standard: Scene, to: str
) -> None:
    standard.launch("7")
    sync(standard)
    standard.platform.people.pop()
    members = standard.platform.members_url()
    standard.platform.links["next"] = to.format(url=members)
    sync(standard)
    assert standard.member("8").state == "active"  # type: ignore[union-attr]
    assert "nobody was closed" in str(standard.context().roster_note)
    hosts = {one.headers["host"] for one in standard.platform.server.requests}
    assert len(hosts) == 1
    assert len([one for one in standard.platform.server.requests if one.path == "/members"]) <= 4


def test_an_empty_list_closes_nobody(standard: Scene) -> None:
    standard.launch("7")
    sync(standard)
    standard.platform.people.clear()
    sync(standard)
    assert standard.member("8").state == "active"  # type: ignore[union-attr]
    assert standard.context().roster_note == "The LMS answered with an empty list, so nobody was"\
        " closed."  # fmt: skip


def test_a_refused_list_says_which_scope_is_missing(standard: Scene) -> None:
    standard.launch("7")
    standard.platform.granted.clear()
    sync(standard)
    context = standard.context()
    assert "did not grant the scope contextmembership.readonly" in str(context.roster_note)
    assert context.roster_synced_at is None
    [job] = [one for one in standard.messages("lti.roster") if one.attempts]
    assert job.state == "done", "it is asked again with the next round, not as a failed delivery"


def test_a_refusal_without_a_reason_says_what_to_allow(standard: Scene) -> None:
    standard.launch("7")
    standard.platform.answers["/members"] = [Answer(403, b"<html>")]
    sync(standard)
    assert "Allow Milepost to read names and roles" in str(standard.context().roster_note)


@pytest.mark.parametrize("answer", [Answer(500), Answer(200, b"<html>"), Answer(200, b'{"a": 1}')])
def test_a_list_that_cannot_be_read_now_is_tried_again(standard: Scene, answer: Answer) -> None:
    standard.launch("7")
    standard.platform.answers["/members"] = [answer]
    sync(standard)
    [job] = [one for one in standard.messages("lti.roster") if one.attempts]
    assert (job.state, job.attempts) == ("ready", 1)
    assert standard.context().roster_note


def test_only_changes_are_read_where_they_are_offered(standard: Scene) -> None:
    standard.platform.differences = []
    standard.launch("7")
    sync(standard)
    joined = standard.platform.member_json(Enrolled("9", "Rosa", "Ejemplo"))
    left = {**standard.platform.member_json(standard.platform.people[2]), "status": "Deleted"}
    standard.platform.differences = [joined, left]
    sync(standard)
    assert len([one for one in standard.platform.server.requests if one.path == "/members"]) == 1
    assert "Rosa Ejemplo" in names(standard)
    assert states(standard) == {"3": "active", "7": "active", "8": "left"}


def test_changes_that_are_no_longer_told_are_made_good_by_the_whole_list(standard: Scene) -> None:
    standard.platform.differences = []
    standard.launch("7")
    sync(standard)
    standard.platform.differences = None
    standard.platform.people.pop()
    sync(standard)
    assert standard.member("8").state == "left"  # type: ignore[union-attr]


def test_odd_entries_are_passed_over(standard: Scene) -> None:
    odd = ["x", None, {}, {"user_id": ""}, {"user_id": True}, {"user_id": "a\nb"},
           {"user_id": "x" * 300}, {"user_id": 12, "roles": "Learner", "name": 7},
           {"user_id": "ok", "roles": ["Learner", 4, None], "name": "<b>Bo</b>"}]  # fmt: skip
    standard.launch("7")
    standard.platform.answers["/members"] = [standard.platform.json({"members": odd})]
    sync(standard)
    assert names(standard) >= {None, "<b>Bo</b>"}
    assert len(standard.all(Person)) == 3


def test_asking_twice_in_a_moment_asks_once(standard: Scene) -> None:
    standard.launch("7")
    now = standard.runtime.now().replace(second=10)
    with standard.runtime.database.transaction() as session, unscoped(session, "test"):
        context = session.scalars(select(Context)).one()
        assert rosters.request_sync(session, context, now)
        assert not rosters.request_sync(session, context, now + timedelta(seconds=5))


def test_a_course_without_a_list_says_so(standard: Scene) -> None:
    standard.launch("7", **{NRPS: {}})
    with standard.runtime.database.transaction() as session, unscoped(session, "test"):
        context = session.scalars(select(Context)).one()
        with pytest.raises(ConflictError, match="no list"):
            rosters.request_sync(session, context, standard.runtime.now())


def test_lists_are_read_on_a_schedule_in_courses_that_are_alive(standard: Scene) -> None:
    standard.launch("7")
    standard.work()
    standard.work()
    [first] = standard.messages("lti.roster")
    now = standard.runtime.now()
    with standard.runtime.database.transaction() as session, unscoped(session, "test"):
        assert rosters.request_due(session, now + timedelta(hours=11)) == 0
        assert rosters.request_due(session, now + timedelta(hours=15)) == 1
        assert rosters.request_due(session, now + timedelta(hours=16)) == 0
        assert rosters.request_due(session, now + timedelta(days=60)) == 0, "nobody was there"
    assert timedelta(0) <= first.next_run_at - now <= timedelta(minutes=11)


def test_two_accounts_of_one_person_are_one_member(standard: Scene) -> None:
    from lti_tool.lti.models import PlatformUser

    standard.platform.people[2].roles = (INSTRUCTOR,)
    page = standard.launch("7")
    with standard.runtime.database.transaction() as session, unscoped(session, "test"):
        first = session.scalars(select(PlatformUser)).one()
        second = PlatformUser(
            owner_id=first.owner_id, owner_path=first.owner_path, platform_id=first.platform_id,
            sub="8", person_id=first.person_id, created_at=first.created_at,
        )  # fmt: skip
        session.add(second)
    sync(standard)
    member = standard.member("8")
    assert member is not None
    assert (str(member.person_id), member.roles) == (page["person_id"], ["coach", "teacher"])
