"""A person's page: what stands on it, at which address, for whom; taking back holds at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from badges.app import create_app
from badges.awards import service as awards
from badges.awards.models import Credential
from badges.export import export_static
from badges.holdings import portfolio
from badges.holdings.models import Portfolio
from badges.holdings.pieces import pieces_of
from badges.holdings.portfolio import Section
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Person, owner_like
from tests.badges.holdings.conftest import Elsewhere
from tests.support.badges import NOW, add_person, issue_credential
from tests.support.elsewhere import badge


@pytest.fixture
def held(elsewhere: Elsewhere) -> Credential:
    """A published badge of the learner's."""
    return issue_credential(elsewhere.district)


@pytest.fixture
def client(elsewhere: Elsewhere) -> FlaskClient:
    return create_app(runtime=elsewhere.runtime).test_client()


def begin(elsewhere: Elsewhere, person: Person | None = None) -> Portfolio:
    with elsewhere.runtime.database.transaction() as session:
        return portfolio.begin(session, person or elsewhere.district.learner, NOW)


def save(elsewhere: Elsewhere, **changes: Any) -> Portfolio:
    """Save the learner's page with some of it changed."""
    learner = elsewhere.district.learner
    with elsewhere.runtime.database.transaction() as session:
        row = portfolio.own(session, learner.id)
        assert row is not None
        values: dict[str, Any] = {
            "title": row.title, "intro": row.intro, "sections": portfolio.sections_of(row),
            "version": row.version, **changes,
        }  # fmt: skip
        return portfolio.save(session, learner.id, now=NOW, **values)


def publish(elsewhere: Elsewhere, slug: str = "wren") -> str:
    with elsewhere.runtime.database.transaction() as session:
        portfolio.choose_address(session, elsewhere.district.learner.id, slug, NOW)
        return portfolio.publish(session, elsewhere.district.learner.id, NOW).slug


def test_a_new_page_has_what_is_shown_already_and_nobody_sees_it(
    elsewhere: Elsewhere, held: Credential, client: FlaskClient
) -> None:
    elsewhere.bring()
    row = begin(elsewhere)
    assert (row.title, row.published_at) == ("Wren Samplewood", None)
    assert portfolio.sections_of(row) == [Section("My badges", "", (f"credential:{held.id}",))]
    assert len(row.slug) == 33, "nobody guesses it"
    assert client.get(f"/portfolios/{row.slug}").status_code == 404
    assert client.get("/portfolios/%00").status_code == 404
    assert begin(elsewhere).id == row.id


def test_the_page_shows_what_was_arranged_and_asks_caches_to_ask(
    elsewhere: Elsewhere, held: Credential, client: FlaskClient
) -> None:
    brought = elsewhere.bring()
    begin(elsewhere)
    first = Section("Teaching", "What I work on.", (f"imported:{brought.id}",))
    own = Section("", "", (f"credential:{held.id}",))
    save(elsewhere, title=" W.\0  Samplewood", intro="Hello <b>there</b>", sections=[first, own])
    publish(elsewhere)
    answer = client.get("/portfolios/wren")
    page = answer.text
    assert page.index("Teaching") < page.index("Listening") < page.index("Questions That Open")
    for words in (
        "W. Samplewood", "2 badges", "What I work on.", "Hello &lt;b&gt;there&lt;/b&gt;",
        "partner.example (Partner Institute)", "Last checked on 14 March 2026",
        f'href="/credentials/{held.id}"', 'content="noindex"',
    ):  # fmt: skip
        assert words in page
    assert answer.headers["Cache-Control"] == "public, no-cache"
    again = client.get("/portfolios/wren", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_what_its_holder_takes_back_leaves_the_page_at_once(
    elsewhere: Elsewhere, held: Credential, client: FlaskClient
) -> None:
    begin(elsewhere)
    publish(elsewhere)
    learner = elsewhere.district.learner.id
    with elsewhere.runtime.database.transaction() as session:
        awards.unpublish(session, held.id, learner, NOW)
    assert "Questions That Open" not in client.get("/portfolios/wren").text
    with elsewhere.runtime.database.transaction() as session:
        awards.publish(session, held.id, learner, NOW)
    assert "Questions That Open" in client.get("/portfolios/wren").text, "in its old place"
    with elsewhere.runtime.database.transaction() as session:
        portfolio.unpublish(session, learner, NOW)
    assert client.get("/portfolios/wren").status_code == 404


def test_a_revoked_badge_is_not_shown_and_an_expired_one_says_so(
    elsewhere: Elsewhere, held: Credential, client: FlaskClient
) -> None:
    brought = elsewhere.bring()
    begin(elsewhere)
    both = (f"credential:{held.id}", f"imported:{brought.id}")
    save(elsewhere, sections=[Section("", "", both)])
    publish(elsewhere)
    elsewhere.now = NOW + timedelta(days=4000)
    assert "Expired on 14 March 2029" in client.get("/portfolios/wren").text
    with elsewhere.runtime.database.transaction(elsewhere.district.organisation.scope) as session:
        awards.revoke(session, held.id, "A mistake.", None, elsewhere.now)
    elsewhere.network.revoked = {1}
    elsewhere.check()
    page = client.get("/portfolios/wren").text
    assert "Questions" not in page
    assert "Listening" not in page
    assert "No badge stands here at the moment." in page


def test_others_badges_cannot_be_put_on_it_nor_unproven_ones(
    elsewhere: Elsewhere, held: Credential
) -> None:
    ash = add_person(elsewhere.runtime, elsewhere.district.organisation, "Ash Example")
    theirs = issue_credential(elsewhere.district, ash)
    unproven = elsewhere.bring(badge(2, email="x@else.example"))
    begin(elsewhere)
    mine = f"credential:{held.id}"
    items = (f"credential:{theirs.id}", f"imported:{unproven.id}", mine, mine, "nonsense")
    row = save(elsewhere, sections=[Section("All", "", items), Section("Again", "", (mine,))])
    assert [one.items for one in portfolio.sections_of(row)] == [(mine,), ()]
    with elsewhere.runtime.database.snapshot() as session:
        assert [one.key for one in pieces_of(session, ash.id)] == [f"credential:{theirs.id}"]


def test_an_address_of_ones_own_words_and_what_becomes_of_the_one_before(
    elsewhere: Elsewhere, client: FlaskClient
) -> None:
    ash = add_person(elsewhere.runtime, elsewhere.district.organisation, "Ash Example")
    begin(elsewhere)
    begin(elsewhere, ash)
    publish(elsewhere, "Wren-S")
    assert client.get("/portfolios/wren-s").status_code == 200
    with elsewhere.runtime.database.transaction() as session:
        row = portfolio.choose_address(session, elsewhere.district.learner.id, None, NOW)
    assert client.get("/portfolios/wren-s").status_code == 404
    assert client.get(f"/portfolios/{row.slug}").status_code == 200
    with elsewhere.runtime.database.transaction() as session:
        with pytest.raises(UnprocessableError, match="portfolio_address"):
            portfolio.choose_address(session, ash.id, "wren-s", NOW)
        portfolio.choose_address(session, elsewhere.district.learner.id, "wren-s", NOW)
    assert client.get("/portfolios/wren-s").status_code == 200, "their own comes back to them"


def test_an_address_that_cannot_be_had_is_refused(elsewhere: Elsewhere) -> None:
    begin(elsewhere)
    with elsewhere.runtime.database.transaction() as session:
        for slug in ("ab", "-wren", "wren--s", "wren s", "wrén", "x" * 41, "../etc"):
            with pytest.raises(UnprocessableError) as refused:
                portfolio.choose_address(session, elsewhere.district.learner.id, slug, NOW)
            assert list(refused.value.fields) == ["slug"], slug


def test_every_fault_is_told_by_field_and_nothing_is_kept(elsewhere: Elsewhere) -> None:
    begin(elsewhere)
    long = Section("t" * 200, "x" * 3000, ())
    with pytest.raises(UnprocessableError) as refused:
        save(elsewhere, title=" ", intro="x" * 3000, sections=[long] * 13)
    faults = set(refused.value.fields)
    assert {"title", "intro", "title-0", "text-12", ""} <= faults
    assert save(elsewhere).title == "Wren Samplewood"


def test_two_windows_do_not_overwrite_each_other_unseen(elsewhere: Elsewhere) -> None:
    row = begin(elsewhere)
    save(elsewhere, title="First")
    with pytest.raises(ConflictError, match="portfolio_changed"):
        save(elsewhere, title="Second", version=row.version)


def test_a_page_needs_words_at_its_top_before_it_opens(elsewhere: Elsewhere) -> None:
    begin(elsewhere, Person(id=elsewhere.district.learner.id, **owner_like(elsewhere.lead)))
    with (
        elsewhere.runtime.database.transaction() as session,
        pytest.raises(UnprocessableError, match="portfolio_nameless"),
    ):
        portfolio.publish(session, elsewhere.district.learner.id, NOW)


def test_test_students_open_no_page_and_nobody_one_they_did_not_begin(
    elsewhere: Elsewhere,
) -> None:
    with elsewhere.runtime.database.transaction() as session:
        with pytest.raises(NotFoundError):
            portfolio.publish(session, elsewhere.district.learner.id, NOW)
        table: Any = Person.__table__
        session.connection().execute(update(table).values(is_test=True))
    begin(elsewhere)
    with (
        elsewhere.runtime.database.transaction() as session,
        pytest.raises(ConflictError, match="person_is_test"),
    ):
        portfolio.publish(session, elsewhere.district.learner.id, NOW)


def test_an_export_has_the_open_pages_and_no_others(
    elsewhere: Elsewhere, held: Credential, tmp_path: Path
) -> None:
    brought = elsewhere.bring()
    begin(elsewhere)
    both = (f"credential:{held.id}", f"imported:{brought.id}")
    save(elsewhere, sections=[Section("", "", both)])
    publish(elsewhere)
    ash = add_person(elsewhere.runtime, elsewhere.district.organisation, "Ash Example")
    begin(elsewhere, ash)
    runtime, ring = elsewhere.runtime, elsewhere.district.ring
    export_static(runtime, ring, tmp_path / "out")
    pages = [path.relative_to(tmp_path / "out") for path in tmp_path.glob("out/portfolios/*/*")]
    assert [str(path) for path in pages] == ["portfolios/wren/index.html"]
    page = (tmp_path / "out" / "portfolios" / "wren" / "index.html").read_text("utf-8")
    for target in (
        f"../../credentials/{held.id}/index.html", "../../static/badge-elsewhere.svg",
        f"../../achievements/{held.achievement_version_id}/image.svg",
    ):  # fmt: skip
        assert f'"{target}"' in page
        assert (tmp_path / "out" / "portfolios" / "wren" / target).resolve().exists()


def test_a_section_reads_back_as_it_was() -> None:
    one = Section("Teaching", "Words", ("credential:1", "imported:2"))
    assert Section.from_dict(one.to_dict()) == one
    assert replace(one, title="") != one
