"""Two people turn out to be one: everything moves, nothing is rewritten, or nothing happens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from badges.achievements import service as achievements
from badges.awards import published_evidence
from badges.awards import service as awards
from badges.awards.evidence_models import PublishedEvidence
from badges.awards.models import Award, Credential
from badges.awards.signing import sign_credential
from badges.pathways.models import Enrolment, FactRow
from core.audit import AuditEvent
from core.errors import ConflictError
from core.identity import Person, Role, RoleGrant, grant, ids_of, joined, owner_like
from core.outbox import OutboxMessage, publish
from core.runtime import Runtime
from core.web.sessions import WebSession, start_session
from keys.shared import ring_of
from lti_tool.courses.models import Membership
from lti_tool.evidence.models import Submission
from lti_tool.learning.accounts.columns import COLUMNS, table_of, undecided
from lti_tool.learning.accounts.merging import SETTLE, settle
from lti_tool.learning.accounts.obstacles import KeptApartError, Obstacle
from lti_tool.learning.evidence_pieces import pieces_of
from lti_tool.lti.models import PlatformUser
from lti_tool.review import intake
from lti_tool.review.models import ConflictOfInterest, Review, ReviewSlot
from tests.lti_tool.learning.accounts.two_schools import LATER, TwoSchools, make_two_schools
from tests.lti_tool.review.world import NOW, PEERS
from tests.support.badges import decision


@pytest.fixture
def two(any_runtime: Runtime) -> TwoSchools:
    return make_two_schools(any_runtime)


def apart(two: TwoSchools) -> tuple[Obstacle, ...]:
    """What keeps the two apart; nothing was moved."""
    before = two.owned("W. Abara")
    with pytest.raises(KeptApartError) as refused:
        two.merge()
    assert two.person("W. Abara").merged_into_id is None
    assert two.owned("W. Abara") == before
    assert two.rows(AuditEvent, action="account.joined") == []
    return refused.value.obstacles


def test_every_column_that_names_a_person_is_decided_on() -> None:
    assert undecided() == set()


def test_every_decision_is_about_a_column_that_exists() -> None:
    for table, column in COLUMNS:
        assert column in table_of(table).c, (table, column)


def test_work_courses_accounts_and_roles_of_both_are_one_persons(two: TwoSchools) -> None:
    two.world.draft("Wren")
    two.draft_elsewhere("W. Abara")
    with two.world.write() as session:
        grant(session, two.people["W. Abara"], Role.LEAD, source="test", now=NOW)
    two.merge()
    assert len(two.rows(Submission, person_id=two.id("Wren"))) == 2
    assert len(two.rows(Enrolment, person_id=two.id("Wren"), state="active")) == 2
    assert len(two.rows(Membership, person_id=two.id("Wren"))) == 2
    assert {row.sub for row in two.rows(PlatformUser, person_id=two.id("Wren"))} == {
        "Canvas-Wren", "Moodle-W. Abara",
    }  # fmt: skip
    assert [row.role for row in two.rows(RoleGrant, person_id=two.id("Wren"))] == ["lead"]


def test_nothing_names_the_second_but_history(two: TwoSchools) -> None:
    two.meet(two.send("W. Abara", two.draft_elsewhere("W. Abara")))
    assert len(two.owned("W. Abara")) > 5
    two.merge()
    assert two.owned("W. Abara") == {}


def test_the_emptied_row_points_and_says_nothing_else(two: TwoSchools) -> None:
    two.merge()
    gone = two.person("W. Abara")
    assert gone.merged_into_id == two.id("Wren")
    assert (gone.name, gone.given_name, gone.email, gone.locale) == (None, None, None, None)
    kept = two.person("Wren")
    assert (kept.name, kept.given_name, kept.locale) == ("Wren", "Wren", "en-IE")
    with two.world.read() as session:
        assert joined(session, gone.id) == kept.id
        assert ids_of(session, kept.id) == [kept.id, gone.id]


def test_who_was_joined_before_points_on(two: TwoSchools) -> None:
    two.merge()
    two.world.person("Third", Role.TEACHER, member=False)
    two.merge("Third", "Wren")
    assert two.person("W. Abara").merged_into_id == two.id("Third")
    assert two.person("Wren").merged_into_id == two.id("Third")


def test_visits_of_the_second_end_and_those_of_the_first_go_on(two: TwoSchools) -> None:
    with two.world.write() as session:
        for name in ("Wren", "W. Abara"):
            start_session(
                session, person_id=two.id(name), organisation_id=two.world.organisation.id,
                organisation_path=two.world.organisation.path, context_id=None, platform_id=None,
                roles=frozenset({Role.TEACHER}), data={}, hours=8, now=NOW,
            )  # fmt: skip
    two.merge()
    assert [row.person_id for row in two.rows(WebSession)] == [two.id("Wren")]


def test_it_is_noted_for_both_and_older_notes_stay(two: TwoSchools) -> None:
    two.draft_elsewhere("W. Abara")
    two.merge()
    [took] = two.rows(AuditEvent, action="account.took_over")
    [joined_] = two.rows(AuditEvent, action="account.joined")
    assert (took.about_id, joined_.about_id) == (two.id("Wren"), two.id("W. Abara"))
    assert took.actor_id == joined_.actor_id == two.id("Wren")
    assert took.details["rows"]["submissions"] == 1


def test_facts_of_both_are_judged_together(two: TwoSchools) -> None:
    """A badge that needs both accounts' facts is offered at the connection."""
    two.draft_elsewhere("W. Abara", empty=True)
    with two.world.write() as session:
        # Their own enrolment waits while the fact that meets it stands in the other account.
        table = FactRow.__table__
        session.connection().execute(
            table.insert().values(**_fact_for(two))  # type: ignore[attr-defined]
        )
    merged = two.merge()
    assert [award.achievement_id for award in merged.awards] == [two.second_achievement.id]
    [award] = two.rows(Award, person_id=two.id("Wren"))
    assert award.state == "offered"


def _fact_for(two: TwoSchools) -> dict[str, object]:
    with two.world.read() as session:
        version = achievements.current(session, two.second_achievement.id)
    fact = decision(version, at=NOW)
    wren = two.people["Wren"]
    return {
        **owner_like(wren), "id": wren.id, "person_id": wren.id, "kind": fact.kind,
        "source": fact.source, "source_id": fact.source_id, "revision": fact.revision,
        "at": fact.at, "data": fact.to_dict(), "recorded_at": NOW,
    }  # fmt: skip


def test_badges_move_with_every_word(two: TwoSchools) -> None:
    revision = two.draft_elsewhere("W. Abara")
    two.send("W. Abara", revision)
    two.meet(revision)
    [award] = two.rows(Award)
    before = two.rows(FactRow)
    two.merge()
    [moved] = two.rows(Award, person_id=two.id("Wren"))
    assert (moved.id, moved.receipt) == (award.id, award.receipt)
    after = two.rows(FactRow, person_id=two.id("Wren"))
    assert [row.data for row in after] == [row.data for row in before]


def test_evidence_that_the_second_showed_to_strangers_closes(two: TwoSchools) -> None:
    revision = two.draft_elsewhere("W. Abara")
    two.send("W. Abara", revision)
    two.meet(revision)
    [award] = two.rows(Award)
    base = two.world.runtime.config.badge_url
    with two.world.write() as session:
        badge = awards.accept(
            session, award.id, two.id("W. Abara"), name=None, badge_url=base, now=LATER
        )
    sign_credential(two.world.runtime, ring_of(two.world.runtime), badge.id)
    with two.world.write() as session:
        [piece] = [
            one.piece for one in pieces_of(session, award) if one.piece.key == "text:reflection"
        ]
        published_evidence.publish(
            session, badge.id, two.id("W. Abara"), [piece], consent=True, badge_url=base, now=LATER
        )
    two.merge()
    [row] = two.rows(PublishedEvidence, person_id=two.id("Wren"))
    assert row.withdrawn_at == LATER
    [job] = two.rows(OutboxMessage, topic=published_evidence.REWRITE)
    assert job.payload == {"credential_id": str(badge.id)}


def test_what_is_still_to_be_delivered_is_addressed_anew(two: TwoSchools) -> None:
    revision = two.draft_elsewhere("W. Abara")
    two.send("W. Abara", revision)
    two.meet(revision)
    with two.world.write() as session:
        people = [str(two.id(name)) for name in ("Robin", "W. Abara")]
        publish(session, "course.people_left", "1", {"person_ids": people})
    two.merge()
    [job] = two.rows(OutboxMessage, topic="review.decided")
    assert job.payload["person_id"] == str(two.id("Wren"))
    [job] = two.rows(OutboxMessage, topic="course.people_left")
    assert job.payload["person_ids"] == [str(two.id(name)) for name in ("Robin", "Wren")]


def test_work_on_one_micro_credential_in_both_keeps_them_apart(two: TwoSchools) -> None:
    two.world.draft("Wren")
    two.draft("W. Abara", two.world.achievement, two.second_course)
    assert apart(two) == (Obstacle("own_work", "Questions That Open"),)


def test_an_empty_draft_keeps_nobody_apart(two: TwoSchools) -> None:
    two.world.draft("Wren")
    two.draft("W. Abara", two.world.achievement, two.second_course, empty=True)
    two.merge()
    [active] = two.rows(Enrolment, person_id=two.id("Wren"), state="active")
    [left] = two.rows(Enrolment, person_id=two.id("Wren"), state="left")
    assert active.id != left.id
    assert len(two.rows(Submission, person_id=two.id("Wren"))) == 2


def test_the_enrolment_with_work_stays_whichever_account_it_is_in(two: TwoSchools) -> None:
    two.draft("Wren", two.world.achievement, two.world.context, empty=True)
    two.draft("W. Abara", two.world.achievement, two.second_course)
    [wanted] = two.rows(Enrolment, person_id=two.id("W. Abara"))
    two.merge()
    [active] = two.rows(Enrolment, person_id=two.id("Wren"), state="active")
    assert active.id == wanted.id


def test_what_was_taken_back_undecided_keeps_nobody_apart(two: TwoSchools) -> None:
    two.world.draft("Wren")
    revision = two.draft("W. Abara", two.world.achievement, two.second_course)
    two.send("W. Abara", revision)
    with two.world.write() as session:
        intake.withdraw(session, revision.id, two.id("W. Abara"), NOW)
    two.merge()


def test_the_same_badge_in_both_keeps_them_apart(two: TwoSchools) -> None:
    for name, course in (("Wren", two.world.context), ("W. Abara", two.second_course)):
        revision = two.draft(name, two.world.achievement, course)
        two.send(name, revision)
        two.meet(revision, "Ilse" if name == "Wren" else "Otto")
    assert apart(two) == (Obstacle("own_work", "Questions That Open"),)


def test_two_accounts_of_one_lms_are_kept_apart(two: TwoSchools) -> None:
    two.account("W. Abara", "Canvas")
    assert apart(two) == (Obstacle("same_lms", "Canvas"),)


def test_who_has_reviewed_the_other_is_kept_apart(any_runtime: Runtime) -> None:
    two = make_two_schools(any_runtime, review={**PEERS, "k": 1})
    _colleagues(two)
    revision = two.world.send("Wren")
    two.world.review("W. Abara", revision, 3, 3)
    assert apart(two) == (Obstacle("own_reviews", "Questions That Open"),)


def test_a_review_of_the_other_that_was_only_begun_goes_back(any_runtime: Runtime) -> None:
    two = make_two_schools(any_runtime, review=PEERS)
    _colleagues(two)
    revision = two.world.send("Wren")
    two.world.claim("W. Abara", revision)
    two.world.save("W. Abara", revision, 3, None)
    two.merge()
    assert {slot.state for slot in two.rows(ReviewSlot, revision_id=revision.id)} == {"open"}
    assert two.rows(Review) == []
    with pytest.raises(ConflictError, match="account_joined"):
        two.world.claim("W. Abara", revision)


def test_nobody_reads_their_own_work_afterwards(any_runtime: Runtime) -> None:
    two = make_two_schools(any_runtime, review=PEERS)
    _colleagues(two)
    revision = two.world.send("W. Abara")
    two.merge()
    with pytest.raises(Exception, match="review_owner"):
        two.world.claim("Wren", revision)


def test_two_readings_of_one_work_stay_two_peoples(any_runtime: Runtime) -> None:
    two = make_two_schools(any_runtime, review=PEERS)
    _colleagues(two)
    revision = two.world.send("Robin")
    two.world.claim("Wren", revision)
    two.world.claim("W. Abara", revision)
    assert apart(two) == (Obstacle("both_read", "Questions That Open"),)


def test_reviews_that_were_given_stay_given(any_runtime: Runtime) -> None:
    two = make_two_schools(any_runtime, review=PEERS)
    _colleagues(two)
    revision = two.world.send("Robin")
    two.world.review("W. Abara", revision, 3, 3)
    before = two.rows(Review)
    two.merge()
    [review] = two.rows(Review, reviewer_id=two.id("Wren"))
    assert (review.id, review.summary, review.submitted_at) == (
        before[0].id, before[0].summary, before[0].submitted_at,
    )  # fmt: skip


def test_the_same_course_grant_and_conflict_are_joined(two: TwoSchools) -> None:
    world = two.world
    with world.write() as session:
        session.add(world._membership(world.context, two.people["W. Abara"], [Role.COACH]))
        for name in ("Wren", "W. Abara"):
            grant(session, two.people[name], Role.LEAD, source="test", now=NOW)
        found = session.scalars(select(RoleGrant).where(RoleGrant.person_id == two.id("Wren")))
        found.one().ended_at = NOW
    revision = world.send("Robin")
    with world.write() as session:
        for name in ("Wren", "W. Abara"):
            session.add(
                ConflictOfInterest(
                    owner_id=revision.owner_id,
                    owner_path=revision.owner_path,
                    reviewer_id=two.id(name),
                    submission_id=revision.submission_id,
                    declared_at=NOW,
                )
            )
    two.merge()
    [member] = two.rows(Membership, context_id=world.context.id, person_id=two.id("Wren"))
    assert member.roles == ["coach", "teacher"]
    [lead] = two.rows(RoleGrant, person_id=two.id("Wren"))
    assert lead.ended_at is None
    assert len(two.rows(ConflictOfInterest)) == 1


def test_what_a_launch_under_way_still_wrote_is_settled_later(two: TwoSchools) -> None:
    two.merge()
    [job] = two.rows(OutboxMessage, topic=SETTLE)
    assert job.next_run_at == LATER + timedelta(minutes=2)
    gone, late = two.people["W. Abara"], two.world.course("Late")
    with two.world.write() as session:
        session.add(two.world._membership(late, gone, [Role.TEACHER]))
        session.connection().execute(
            update(Person.__table__).where(Person.__table__.c.id == gone.id).values(name="W.")
        )
    with two.world.database.transaction() as session:
        assert settle(session, gone.id) == {"memberships": 1}
    assert two.rows(Membership, context_id=late.id)[0].person_id == two.id("Wren")
    assert two.person("W. Abara").name is None
    with two.world.database.transaction() as session:
        assert settle(session, gone.id) == {}
        assert settle(session, two.id("Wren")) == {}


def test_nothing_is_begun_in_the_name_of_who_was_joined(two: TwoSchools) -> None:
    two.merge()
    with pytest.raises(ConflictError, match="account_joined"):
        two.draft_elsewhere("W. Abara")
    assert two.rows(Submission) == []


def test_nobody_is_joined_twice(two: TwoSchools) -> None:
    two.merge()
    with pytest.raises(ConflictError, match="account_joined"):
        two.merge()
    assert two.rows(Credential) == []


def _colleagues(two: TwoSchools) -> None:
    """Both accounts are teachers of the first course, so that they can meet in its reviews."""
    with two.world.write() as session:
        session.add(
            two.world._membership(two.world.context, two.people["W. Abara"], [Role.TEACHER])
        )
