"""A connection and something else at the same moment: wholly before, or wholly after."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from badges.awards.models import Award
from badges.pathways.models import Enrolment, FactRow
from core.errors import MilepostError
from core.identity import Role
from core.runtime import Runtime
from lti_tool.evidence.models import Revision, Submission
from lti_tool.learning.accounts.merging import merge
from lti_tool.lti.accounts import accounts_of
from lti_tool.review.models import ReviewSlot
from tests.lti_tool.learning.accounts.two_schools import LATER, TwoSchools, make_two_schools
from tests.lti_tool.review.test_together import at_once
from tests.lti_tool.review.world import PEERS


@pytest.fixture
def two(any_runtime: Runtime) -> TwoSchools:
    return make_two_schools(any_runtime)


def while_merging(two: TwoSchools, act: Callable[[], object]) -> str:
    """Begin `act` while the connection is written and not committed; how `act` ends."""
    outcome: list[str] = []

    def late() -> None:
        try:
            act()
            outcome.append("done")
        except MilepostError as error:
            outcome.append(error.code)
        except Exception as error:  # a fault is an outcome here
            outcome.append(type(error).__name__)

    with two.world.write() as session:
        merge(session, two.id("Wren"), two.id("W. Abara"), accounts_of=accounts_of, now=LATER)
        thread = threading.Thread(target=late)
        thread.start()
        thread.join(0.3)  # it waits for a lock, or on SQLite for the whole transaction
        assert outcome == []
    thread.join()
    return outcome[0]


def test_of_several_connections_at_once_one_is_made(two: TwoSchools) -> None:
    two.draft_elsewhere("W. Abara")
    acts = [two.merge, two.merge, lambda: two.merge("W. Abara", "Wren")]
    outcomes = at_once(acts)
    assert outcomes == {"done": 1, "account_joined": 2}
    gone = "W. Abara" if two.person("W. Abara").merged_into_id else "Wren"
    assert two.owned(gone) == {}
    assert len(two.rows(Submission)) == 1


def test_connections_in_a_ring_end_as_one_person_or_are_refused(two: TwoSchools) -> None:
    two.world.person("Third", Role.TEACHER, member=False)
    pairs = [("Wren", "W. Abara"), ("W. Abara", "Third"), ("Third", "Wren")]
    outcomes = at_once([lambda pair=pair: two.merge(*pair) for pair in pairs])  # type: ignore[misc]
    assert set(outcomes) <= {"done", "account_joined"}
    assert outcomes["done"] >= 1
    standing = [name for pair in pairs for name in pair[:1] if not two.person(name).merged_into_id]
    for name in ("Wren", "W. Abara", "Third"):
        if name not in standing:
            assert two.owned(name) == {}
    assert len(standing) == 3 - outcomes["done"]


def test_a_draft_begun_meanwhile_is_not_left_with_nobody(two: TwoSchools) -> None:
    assert while_merging(two, lambda: two.draft_elsewhere("W. Abara")) == "account_joined"
    assert two.rows(Submission) == two.rows(Enrolment) == []


def test_drafts_and_a_connection_at_once_lose_nothing(two: TwoSchools) -> None:
    outcomes = at_once([two.merge, lambda: two.draft_elsewhere("W. Abara", empty=True)])
    assert sum(outcomes.values()) == 2
    assert set(outcomes) <= {"done", "account_joined", "accounts_busy"}
    if two.person("W. Abara").merged_into_id:
        assert two.owned("W. Abara") == {}


def test_evidence_sent_meanwhile_finds_its_draft_moved(two: TwoSchools) -> None:
    draft = two.draft_elsewhere("W. Abara")
    assert while_merging(two, lambda: two.send("W. Abara", draft)) == "not_found"
    [submission] = two.rows(Submission, person_id=two.id("Wren"))
    two.send("Wren", draft)
    assert [row.state for row in two.rows(Revision, submission_id=submission.id)] == ["submitted"]


def test_a_decision_made_meanwhile_is_the_joined_persons(two: TwoSchools) -> None:
    revision = two.send("W. Abara", two.draft_elsewhere("W. Abara"))
    assert while_merging(two, lambda: two.meet(revision)) == "done"
    assert [row.person_id for row in two.rows(FactRow)] == [two.id("Wren")]
    assert [row.person_id for row in two.rows(Award)] == [two.id("Wren")]


@pytest.mark.parametrize(("reader", "author"), [("Wren", "W. Abara"), ("W. Abara", "Wren")])
def test_nobody_takes_their_own_work_meanwhile(
    any_runtime: Runtime, reader: str, author: str
) -> None:
    two = make_two_schools(any_runtime, review=PEERS)
    with two.world.write() as session:
        member = two.world._membership(two.world.context, two.people["W. Abara"], [Role.TEACHER])
        session.add(member)
    revision = two.world.send(author)
    outcome = while_merging(two, lambda: two.world.claim(reader, revision))
    assert outcome in {"review_owner", "account_joined"}
    assert {slot.state for slot in two.rows(ReviewSlot)} == {"open"}
