"""A code from one side, a confirmation on both; and everything that ends it before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from core.audit import AuditEvent
from core.errors import ConflictError, MilepostError
from core.identity import OrganisationKind, Role, create_organisation, owner_of
from core.runtime import Runtime
from lti_tool.learning.accounts import linking
from lti_tool.learning.accounts.columns import table_of
from lti_tool.learning.accounts.models import AccountLink
from lti_tool.lti.accounts import accounts_of
from tests.lti_tool.learning.accounts.two_schools import TwoSchools, make_two_schools
from tests.lti_tool.review.test_together import at_once
from tests.lti_tool.review.world import NOW

KEY = bytes(32)


@pytest.fixture
def two(runtime: Runtime) -> TwoSchools:
    return make_two_schools(runtime)


@pytest.fixture
def both(any_runtime: Runtime) -> TwoSchools:
    """On both databases, for what locks decide."""
    return make_two_schools(any_runtime)


def start(two: TwoSchools, name: str = "Wren", minutes: float = 0) -> tuple[AccountLink, str]:
    with two.world.write() as session:
        return linking.start(
            session, two.id(name), accounts_of, key=KEY, now=NOW + timedelta(minutes=minutes)
        )


def enter(
    two: TwoSchools, code: str, name: str = "W. Abara", minutes: float = 0
) -> AccountLink | None:
    now = NOW + timedelta(minutes=minutes)
    with two.world.write() as session:
        return linking.enter(session, two.id(name), code, accounts_of, key=KEY, now=now)


def confirm(two: TwoSchools, link: AccountLink, side: str, minutes: float = 0) -> object:
    now = NOW + timedelta(minutes=minutes)
    with two.world.write() as session:
        if side == "second":
            return linking.confirm_second(session, two.id("W. Abara"), link.id, now)
        return linking.confirm_first(session, two.id("Wren"), link.id, accounts_of, now)


def cancel(two: TwoSchools, name: str, link: AccountLink) -> None:
    with two.world.write() as session:
        linking.cancel(session, two.id(name), link.id, NOW)


def standing(two: TwoSchools, name: str, minutes: float = 0) -> tuple[str, str] | None:
    with two.world.read() as session:
        found = linking.standing(session, two.id(name), NOW + timedelta(minutes=minutes))
    return (found.side, found.state) if found else None


def test_a_code_and_both_confirmations_join_the_two(both: TwoSchools) -> None:
    assert standing(both, "Wren") is None
    link, code = start(both)
    assert standing(both, "Wren") == ("first", "waiting")
    assert enter(both, code, minutes=14) is not None
    assert standing(both, "Wren", 14) == ("first", "entered")
    assert standing(both, "W. Abara", 14) == ("second", "entered")
    confirm(both, link, "second", 15)
    assert standing(both, "Wren", 15) == ("first", "confirmed")
    assert both.person("W. Abara").merged_into_id is None
    assert confirm(both, link, "first", 60) is not None
    assert both.person("W. Abara").merged_into_id == both.id("Wren")
    assert confirm(both, link, "first", 60) is None


def test_a_code_is_short_plain_and_kept_nowhere(two: TwoSchools) -> None:
    link, code = start(two)
    assert len(code) == 8
    assert set(code) <= set("ACDEFGHJKMNPQRTVWXY34679")
    [row] = two.rows(AccountLink)
    assert code.encode() not in row.code_hash
    assert link.expires_at == NOW + timedelta(minutes=15)


@pytest.mark.parametrize("typed", ["{0}", " {0} ", "{1}-{2}", "{3}", "{1} - {2}"])
def test_a_code_may_be_typed_as_people_type(two: TwoSchools, typed: str) -> None:
    _link, code = start(two)
    assert enter(two, typed.format(code, code[:4], code[4:], code.lower())) is not None


def test_a_code_is_good_once(both: TwoSchools) -> None:
    both.world.person("Third", Role.TEACHER, member=False)
    both.account("Third", "Moodle")
    _link, code = start(both)
    assert enter(both, code) is not None
    assert enter(both, code, "Third") is None


def test_of_two_who_type_a_code_at_once_one_has_it(both: TwoSchools) -> None:
    both.world.person("Third", Role.TEACHER, member=False)
    both.account("Third", "Moodle")
    _link, code = start(both)
    found: list[AccountLink | None] = []
    at_once([lambda name=name: found.append(enter(both, code, name))  # type: ignore[misc]
             for name in ("W. Abara", "Third")])  # fmt: skip
    assert sorted(one is None for one in found) == [False, True]


def test_a_code_ends_after_fifteen_minutes(two: TwoSchools) -> None:
    _link, code = start(two)
    assert enter(two, code, minutes=15) is None
    assert standing(two, "Wren", 15) == ("first", "expired")


def test_what_was_confirmed_on_one_side_alone_runs_out(two: TwoSchools) -> None:
    link, code = start(two)
    enter(two, code)
    confirm(two, link, "second")
    with pytest.raises(ConflictError, match="connection_over"):
        confirm(two, link, "first", 61)
    assert two.person("W. Abara").merged_into_id is None


def test_five_wrong_codes_and_the_account_waits(two: TwoSchools) -> None:
    _link, code = start(two)
    for _n in range(5):
        assert enter(two, "ACDEFGHJ") is None
    with pytest.raises(ConflictError, match="tries_used_up"):
        enter(two, code)
    assert len(two.rows(AuditEvent, action=linking.WRONG)) == 5
    _link, code = start(two, minutes=16)
    assert enter(two, code, minutes=16) is not None


def test_many_guesses_at_once_are_five(both: TwoSchools) -> None:
    outcomes = at_once([lambda: enter(both, "ACDEFGHJ")] * 9)
    assert outcomes == {"done": 5, "tries_used_up": 4}


def test_a_wrong_code_ends_nothing_that_is_open(two: TwoSchools) -> None:
    _link, code = start(two)
    enter(two, code)
    assert enter(two, "ACDEFGHJ") is None
    assert standing(two, "W. Abara") == ("second", "entered")


def test_a_new_code_ends_the_old_one(two: TwoSchools) -> None:
    _link, old = start(two)
    _link, new = start(two)
    assert enter(two, old) is None
    assert enter(two, new) is not None
    assert [row.state for row in two.rows(AccountLink)].count("cancelled") == 1


def test_who_asked_for_codes_on_both_sides_goes_on_with_the_one_that_was_typed(
    two: TwoSchools,
) -> None:
    _link, code = start(two)
    start(two, "W. Abara")
    assert enter(two, code) is not None
    assert standing(two, "W. Abara") == ("second", "entered")


def test_two_codes_at_once_leave_one_open(both: TwoSchools) -> None:
    outcomes = at_once([lambda: start(both)] * 4)
    assert outcomes == {"done": 4}
    assert len(both.rows(AccountLink, state="waiting")) == 1


def test_codes_are_not_made_without_end(two: TwoSchools) -> None:
    for _n in range(10):
        start(two)
    with pytest.raises(ConflictError, match="codes_used_up"):
        start(two)
    start(two, minutes=61)


@pytest.mark.parametrize("who", ["Wren", "W. Abara"])
@pytest.mark.parametrize("confirmed", [False, True])
def test_either_side_ends_it_at_any_point(two: TwoSchools, who: str, confirmed: bool) -> None:
    link, code = start(two)
    enter(two, code)
    if confirmed:
        confirm(two, link, "second")
    cancel(two, who, link)
    cancel(two, who, link)
    for side in ("second", "first"):
        with pytest.raises(ConflictError, match="connection_over"):
            confirm(two, link, side)
    assert standing(two, "Wren") == ("first", "cancelled")


def test_the_first_side_cannot_go_ahead_alone(two: TwoSchools) -> None:
    link, code = start(two)
    with pytest.raises(ConflictError, match="other_side_missing"):
        confirm(two, link, "first")
    enter(two, code)
    with pytest.raises(ConflictError, match="other_side_missing"):
        confirm(two, link, "first")


def test_nobody_else_confirms_or_cancels(two: TwoSchools) -> None:
    link, code = start(two)
    enter(two, code)
    robin = two.id("Robin")
    with two.world.write() as session:
        for act in (
            lambda: linking.confirm_second(session, robin, link.id, NOW),
            lambda: linking.confirm_second(session, two.id("Wren"), link.id, NOW),
            lambda: linking.confirm_first(session, robin, link.id, accounts_of, NOW),
            lambda: linking.confirm_first(session, two.id("W. Abara"), link.id, accounts_of, NOW),
            lambda: linking.cancel(session, robin, link.id, NOW),
        ):
            with pytest.raises(MilepostError, match="connection_unknown"):
                act()


def test_ones_own_code_is_said_to_be_that(two: TwoSchools) -> None:
    _link, code = start(two)
    with pytest.raises(ConflictError, match="code_of_ones_own"):
        enter(two, code, "Wren")
    assert standing(two, "Wren") == ("first", "waiting")


def test_accounts_of_two_trees_stay_apart(two: TwoSchools) -> None:
    with two.world.database.transaction() as session:
        other = create_organisation(
            session, name="Far Away", slug="far-away", kind=OrganisationKind.DISTRICT
        )
        people = table_of("people")
        session.connection().execute(
            update(people).where(people.c.id == two.id("W. Abara")).values(**owner_of(other))
        )
    _link, code = start(two)
    with pytest.raises(ConflictError, match="accounts_apart"):
        enter(two, code)


def test_test_students_and_visits_without_an_account_are_not_connected(two: TwoSchools) -> None:
    two.world.person("Test Student", Role.TEACHER, is_test=True)
    two.account("Test Student", "Canvas")
    for name, code in (("Test Student", "person_is_test"), ("Robin", "account_missing")):
        with pytest.raises(MilepostError, match=code):
            start(two, name)
        with pytest.raises(MilepostError, match=code):
            enter(two, "ACDEFGHJ", name)


def test_two_confirmations_at_once_join_once(both: TwoSchools) -> None:
    link, code = start(both)
    enter(both, code)
    confirm(both, link, "second")
    assert at_once([lambda: confirm(both, link, "first")] * 4) == {"done": 4}
    assert len(both.rows(AuditEvent, action="account.joined")) == 1


def test_a_cancellation_and_a_confirmation_at_once_are_one_of_the_two(both: TwoSchools) -> None:
    link, code = start(both)
    enter(both, code)
    confirm(both, link, "second")
    outcomes = at_once(
        [lambda: confirm(both, link, "first"), lambda: cancel(both, "W. Abara", link)]
    )
    assert outcomes in (
        {"done": 1, "accounts_connected": 1}, {"done": 1, "connection_over": 1},
    )  # fmt: skip
    [row] = both.rows(AccountLink)
    assert (both.person("W. Abara").merged_into_id is not None) == (row.state == "done")
