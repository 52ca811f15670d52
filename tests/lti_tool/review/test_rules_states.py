from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from lti_tool.review.rules import (
    LEASE,
    LEASE_REMINDERS,
    Kind,
    Refusal,
    RevisionState,
    SlotState,
    can_move_revision,
    can_move_slot,
    claimable,
    may_review,
    may_withdraw,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_slot_moves_only_as_it_should():
    moves = {
        (str(old), str(new)) for old, new in product(SlotState, repeat=2) if can_move_slot(old, new)
    }
    assert moves == {
        ("open", "leased"),
        ("leased", "open"),
        ("leased", "submitted"),
        ("submitted", "released"),
        ("submitted", "voided"),
        ("open", "voided"),
        ("leased", "voided"),
    }


def test_a_revision_moves_only_as_it_should():
    moves = {
        (str(old), str(new))
        for old, new in product(RevisionState, repeat=2)
        if can_move_revision(old, new)
    }
    assert moves == {
        ("draft", "scanning"),
        ("scanning", "submitted"),
        ("submitted", "in_review"),
        ("in_review", "adjudicating"),
        ("in_review", "met"),
        ("in_review", "not_yet"),
        ("adjudicating", "met"),
        ("adjudicating", "not_yet"),
        ("not_yet", "adjudicating"),
        ("draft", "withdrawn"),
        ("scanning", "withdrawn"),
        ("submitted", "withdrawn"),
        ("in_review", "withdrawn"),
        ("adjudicating", "withdrawn"),
    }


@pytest.mark.parametrize("state", list(RevisionState))
def test_work_is_withdrawn_only_before_a_decision(state):
    before = {"draft", "scanning", "submitted", "in_review", "adjudicating"}
    assert may_withdraw(state, decided=False) == (state in before)
    assert not may_withdraw(state, decided=True)


def test_a_slot_is_claimable_when_open_or_when_its_lease_has_run_out():
    assert claimable(SlotState.OPEN, None, NOW)
    assert claimable(SlotState.LEASED, NOW, NOW)
    assert not claimable(SlotState.LEASED, NOW + timedelta(seconds=1), NOW)
    assert not claimable(SlotState.SUBMITTED, NOW - LEASE, NOW)
    assert not claimable(SlotState.VOIDED, None, NOW)


def test_reminders_come_while_the_lease_runs():
    assert all(timedelta(0) < reminder < LEASE for reminder in LEASE_REMINDERS)


def ask(person="p", kind=Kind.PEER, **given):
    people = {"owners": {"author"}, "conflicts": set(), "reviewers": set(), "roles": {"teacher"}}
    return may_review(person, kind=kind, **(people | given))


def test_a_person_who_may_review_is_told_no_reason():
    assert ask() is None
    assert ask(roles={"coach"}, kind=Kind.COACH) is None
    assert ask(roles={"lead"}, kind=Kind.ADJUDICATOR) is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"person": "author"}, Refusal.OWNER),
        ({"owners": {"author", "p"}}, Refusal.OWNER),
        ({"conflicts": {"author"}}, Refusal.CONFLICT),
        ({"owners": {"author", "friend"}, "conflicts": {"friend"}}, Refusal.CONFLICT),
        ({"reviewers": {"p"}}, Refusal.ALREADY_REVIEWING),
        ({"roles": set()}, Refusal.WRONG_ROLE),
        ({"roles": {"teacher"}, "kind": Kind.COACH}, Refusal.WRONG_ROLE),
        ({"roles": {"coach"}, "kind": Kind.PEER}, Refusal.WRONG_ROLE),
        ({"roles": {"teacher"}, "kind": Kind.ADJUDICATOR}, Refusal.WRONG_ROLE),
    ],
)
def test_nobody_reviews_their_own_work_a_friends_or_twice(given, reason):
    assert ask(**given) is reason


def test_a_conflict_with_somebody_else_does_not_matter():
    assert ask(conflicts={"stranger"}) is None
