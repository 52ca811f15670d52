"""The badge's page as it is put together: filled skeletons, and a tag that knows every change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import escape

from badges.app import create_app
from badges.awards import service as awards
from badges.awards.models import Credential
from badges.awards.published import PageRow, published_row
from badges.public.credential_page import Days, Standing, page_context, page_html, page_tag
from badges.public.skeletons import Skeletons
from core.errors import NotFoundError
from core.runtime import Runtime
from core.scope import unscoped
from tests.badges.public.conftest import HTML
from tests.support.badges import District, add_person, both_databases, issue_credential

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(TEXT, TEXT, st.booleans()), min_size=1, max_size=6))
def test_a_filled_skeleton_is_the_page_that_would_have_been_rendered(
    contexts: list[tuple[str, str, bool]],
) -> None:
    def render(context: Mapping[str, Any]) -> str:
        name, title = escape(context["name"]), escape(context["title"])
        return f"{title}: {name}, {name}{'!' if context['loud'] else ''}{'' if name else 'nobody'}"

    skeletons = Skeletons(render, frozenset({"name"}))
    for name, title, loud in contexts:
        context = {"name": name, "title": title, "loud": loud}
        assert skeletons.page(context) == render(context)


NAMES = st.one_of(st.none(), TEXT.filter(lambda text: bool(text.strip())))


@settings(max_examples=25)
@given(
    name=NAMES,
    state=st.sampled_from(["signed", "revoked"]),
    reason=st.one_of(st.none(), TEXT),
    years=st.sampled_from([-1, 0, 5]),
    revision=st.sampled_from([1, 2]),
)
def test_pages_of_many_badges_are_what_their_template_says(
    made: tuple[Flask, PageRow],
    name: str | None,
    state: str,
    reason: str | None,
    years: int,
    revision: int,
) -> None:
    app, row = made
    document = json.loads(row.document)
    entries = [e for e in document["credentialSubject"]["identifier"] if e["hashed"]]
    if name is not None:
        entries.append({"hashed": False, "identityHash": name, "identityType": "name"})
    document["credentialSubject"]["identifier"] = entries
    changed = replace(
        row,
        document=json.dumps(document),
        state=state,
        revoked_at=NOON,
        revocation_reason=reason,
        revision=revision,
        revised_at=NOON,
    )
    runtime: Runtime = app.extensions["milepost"]
    runtime.clock = lambda: NOON + timedelta(days=365 * years)
    path = f"/credentials/{row.id}"
    with app.test_request_context(path):
        context = page_context(changed, path)
        assert page_html(changed, path) == render_template("public/credential.html", **context)


@pytest.fixture
def made(app: Flask, credential: Credential) -> tuple[Flask, PageRow]:
    return app, PageRow.of(credential)


def test_the_tag_changes_with_everything_that_the_page_says(made: tuple[Flask, PageRow]) -> None:
    app, row = made
    runtime: Runtime = app.extensions["milepost"]
    runtime.clock = lambda: NOON
    later = NOON + timedelta(days=1)
    seen = set()
    with app.test_request_context("/"):
        assert page_tag(row) == page_tag(row)
        for other in (
            row,
            replace(row, signed_at=NOON),
            replace(row, state="revoked"),
            replace(row, state="revoked", revocation_reason="twice"),
            replace(row, revision=2),
            replace(row, issuer_name="Another"),
            replace(row, valid_until=NOON),
            replace(row, valid_from=later),
        ):
            seen.add(page_tag(other))
        runtime.clock = lambda: later
        seen.add(page_tag(row))
    with app.test_request_context("/", headers={"Accept-Language": "es"}):
        runtime.clock = lambda: NOON
        seen.add(page_tag(row))
    assert len(seen) == 10


def test_a_cache_must_ask_whether_its_copy_holds(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    runtime.clock = lambda: NOON
    page = client.get(f"/credentials/{credential.id}", headers=HTML)
    assert page.headers["Cache-Control"] == "public, no-cache"
    tag = {**HTML, "If-None-Match": page.headers["ETag"]}
    assert client.get(f"/credentials/{credential.id}", headers=tag).status_code == 304
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, credential.id, "issued twice", None, NOON)
    after = client.get(f"/credentials/{credential.id}", headers=tag)
    assert after.status_code == 200
    assert "Do not rely on this badge" in after.text


def test_compressed_and_plain_pages_are_the_same(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    import gzip

    runtime.clock = lambda: NOON
    plain = client.get(f"/credentials/{credential.id}", headers=HTML)
    packed = client.get(
        f"/credentials/{credential.id}", headers={**HTML, "Accept-Encoding": "gzip"}
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in plain.headers["Vary"]


def test_two_holders_do_not_share_words(client: FlaskClient, district: District) -> None:
    first = issue_credential(district)
    other = add_person(district.runtime, district.organisation, "Noor Elsewhere")
    second = issue_credential(district, other)
    pages = [client.get(f"/credentials/{one.id}", headers=HTML).text for one in (first, second)]
    assert "Wren Samplewood" in pages[0]
    assert "Wren Samplewood" not in pages[1]
    assert "Noor Elsewhere" in pages[1]
    assert str(first.id) not in pages[1]


def test_each_level_is_told_with_what_it_means(client: FlaskClient, credential: Credential) -> None:
    page = client.get(f"/credentials/{credential.id}", headers=HTML).text
    assert "Planned questions: secure." in page
    assert "Reviewed by 1 coach" in page


def test_how_to_check_it_elsewhere_is_told(client: FlaskClient, credential: Credential) -> None:
    page = client.get(f"/credentials/{credential.id}", headers=HTML).text
    assert f'href="/credentials/{credential.id}.json" download' in page
    assert "It must name milepost.test as the issuer’s domain" in page


def test_badges_of_one_micro_credential_share_one_skeleton(
    app: Flask, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    render = Skeletons._made

    def counted(self: Skeletons, context: Mapping[str, Any]) -> list[str]:
        made.append(context["earner"])
        return render(self, context)

    monkeypatch.setattr(Skeletons, "_made", counted)
    other = add_person(district.runtime, district.organisation, "Noor Elsewhere")
    for found in (issue_credential(district), issue_credential(district, other)):
        with app.test_request_context("/"):
            page_html(PageRow.of(found), f"/credentials/{found.id}")
    assert made == ["Wren Samplewood"]


@both_databases
def test_the_prepared_row_is_what_objects_say(district: District) -> None:
    found = issue_credential(district)
    row = published_row(district.runtime.database, found.id)
    assert row == PageRow.of(found)
    with pytest.raises(NotFoundError):
        published_row(district.runtime.database, district.learner.id)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "UTC", "Pacific/Midway"])
@pytest.mark.parametrize(
    ("end", "day"),
    [
        (datetime(2029, 6, 30, 23, 59, 59, tzinfo=UTC), "30 June 2029"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "31 December 9999"),
        (datetime(1, 1, 1, tzinfo=UTC), "1 January 1"),
    ],
)
def test_the_day_of_an_end_does_not_depend_on_the_zone(
    app: Flask, zone: str, end: datetime, day: str
) -> None:
    with app.test_request_context():
        days = Days("en", ZoneInfo(zone))
        assert days.last_day(end) == days.of(Standing("expired", end)) == day
        assert days.last_day(None) == ""
        assert days.day(end)
        assert days.time(end)


def test_a_badge_that_ends_with_the_calendar_has_its_page(
    runtime: Runtime, district: District
) -> None:
    runtime.config = replace(runtime.config, default_timezone="Pacific/Kiritimati")
    ends = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    credential = issue_credential(district)
    with runtime.database.transaction() as session, unscoped(session, "the test's badge"):
        row = session.get_one(Credential, credential.id)
        told = json.loads(row.document or "")
        row.document = json.dumps({**told, "validUntil": "9999-12-31T23:59:59Z"})
        row.valid_until, row.published_at = ends, NOON
    client = create_app(runtime=runtime).test_client()
    page = client.get(f"/credentials/{credential.id}", headers=HTML)
    assert page.status_code == 200
    assert "31 December 9999" in page.text
    assert client.get(f"/credentials/{credential.id}.pdf").status_code == 200
