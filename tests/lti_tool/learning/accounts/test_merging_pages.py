"""Two accounts with badges from elsewhere and a page each become one person's."""

from __future__ import annotations

import pytest

from badges.holdings import portfolio
from badges.holdings.models import Portfolio, PortfolioAddress
from badges.holdings.portfolio import Section
from core.runtime import Runtime
from tests.lti_tool.learning.accounts.two_schools import TwoSchools, make_two_schools
from tests.lti_tool.review.world import NOW


@pytest.fixture
def two(runtime: Runtime) -> TwoSchools:
    return make_two_schools(runtime)


def page(two: TwoSchools, name: str, slug: str, *, opened: bool = False) -> None:
    with two.world.write() as session:
        row = portfolio.begin(session, two.person(name), NOW)
        portfolio.choose_address(session, two.id(name), slug, NOW)
        portfolio.save(
            session, two.id(name), title=name, intro="", version=row.version, now=NOW,
            sections=[Section(f"Of {name}", "", ())],
        )  # fmt: skip
        if opened:
            portfolio.publish(session, two.id(name), NOW)


@pytest.mark.parametrize(("opened", "stays"), [("W. Abara", "abara"), ("", "wren")])
def test_the_open_page_goes_on_with_the_sections_of_both(
    two: TwoSchools, opened: str, stays: str
) -> None:
    page(two, "Wren", "wren", opened=opened == "Wren")
    page(two, "W. Abara", "abara", opened=opened == "W. Abara")
    two.merge()
    [row] = two.rows(Portfolio)
    assert (row.person_id, row.slug) == (two.id("Wren"), stays)
    assert (row.published_at is not None) == bool(opened)
    titles = {one.title for one in portfolio.sections_of(row)}
    assert titles == {"Of Wren", "Of W. Abara"}
    assert {one.portfolio_id for one in two.rows(PortfolioAddress)} == {row.id}


def test_one_page_moves_along(two: TwoSchools) -> None:
    page(two, "W. Abara", "abara", opened=True)
    two.merge()
    [row] = two.rows(Portfolio)
    assert (row.person_id, row.slug) == (two.id("Wren"), "abara")
