"""The roster service by itself: filters that are forgotten, caps, and headers of all kinds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.http import Response
from keys.shared import ring_of
from lti_tool.lti.platforms import KnownPlatform, Platforms
from lti_tool.lti.quirks import quirks_of
from lti_tool.lti.services.connector import Connector
from lti_tool.lti.services.nrps import NamesAndRoles, _member
from lti_tool.lti.services.paging import relations
from lti_tool.lti.services.tokens import AccessTokens
from tests.lti_tool.lti.services.conftest import Scene
from tests.support.platforms import Enrolled


def service(scene: Scene, **options: int) -> tuple[NamesAndRoles, KnownPlatform]:
    runtime = scene.runtime
    tokens = AccessTokens(runtime.http, ring_of(runtime), runtime.now)
    platform = Platforms(runtime.database).get(scene.installation.platform_id)
    assert platform is not None
    return NamesAndRoles(Connector(runtime.http, tokens), **options), platform


def test_a_role_filter_that_moodle_forgets_is_put_back(moodle: Scene) -> None:
    moodle.platform.people += [Enrolled(str(n), "Pupil", f"No. {n}") for n in range(20, 26)]
    reader, platform = service(moodle)
    roster = reader.read(platform, moodle.platform.members_url(), role="Learner")
    assert roster.complete
    assert {member.user_id for member in roster.members} == {
        "7", "8", "20", "21", "22", "23", "24", "25",
    }  # fmt: skip
    asked = [one for one in moodle.platform.server.requests if "memberships" in one.path]
    assert [one.query["role"] for one in asked] == [["Learner"]] * 3


def test_a_resource_link_s_own_list_is_asked_for_by_its_id(canvas: Scene) -> None:
    reader, platform = service(canvas)
    roster = reader.read(platform, canvas.platform.members_url(), resource_link_id="link-1")
    assert roster.complete
    [asked] = [one for one in canvas.platform.server.requests if "names_and_roles" in one.path]
    assert asked.query["rlid"] == ["link-1"]


def test_pages_and_people_are_capped(moodle: Scene) -> None:
    moodle.platform.people += [Enrolled(str(n), "Pupil", f"No. {n}") for n in range(20, 40)]
    reader, platform = service(moodle)
    few = reader.read(platform, moodle.platform.members_url(), most_pages=2)
    assert (len(few.members), few.complete) == (6, False)
    assert "more than 2 pages" in few.stopped
    reader, platform = service(moodle, most_members=5)
    capped = reader.read(platform, moodle.platform.members_url())
    assert (len(capped.members), capped.complete) == (5, False)


def test_a_list_of_changes_on_another_site_is_not_kept(standard: Scene) -> None:
    standard.platform.links["differences"] = "https://elsewhere.example/changes"
    reader, platform = service(standard)
    assert reader.read(platform, standard.platform.members_url()).differences_url is None


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('</m?p=2>; rel="next"', {"next": "https://l.example/m?p=2"}),
        ("<https://l.example/m?p=2>; rel=next", {"next": "https://l.example/m?p=2"}),
        ("<https://l.example/m?p=2>;title=x;rel='next'", {"next": "https://l.example/m?p=2"}),
        ('<https://l.example/1>; rel="first", <https://l.example/2>; rel="next last"',
         {"first": "https://l.example/1", "next": "https://l.example/2",
          "last": "https://l.example/2"}),
        ("<javascript:alert(1)>; rel=next", {}),
        ("<http://l.example/plain>; rel=next", {}),
        ("<//elsewhere.example/m>; rel=next", {"next": "https://elsewhere.example/m"}),
        ("next", {}),
        ("<>; rel=next", {}),
        ("<https://[bad>; rel=next", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_link_headers(moodle: Scene, header: str, found: dict[str, str]) -> None:
    _reader, platform = service(moodle)
    assert relations(platform, answer(header), "https://l.example/m") == found


@given(st.text(max_size=300))
def test_no_link_header_is_too_odd(header: str) -> None:
    platform = KnownPlatform.__new__(KnownPlatform)
    object.__setattr__(platform, "family", "moodle")
    for url in relations(platform, answer(f"<{header}>; rel=next"), "https://l.example/m").values():
        assert url.startswith(("https://", "http://"))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
_entries = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(
        ("user_id", "roles", "status", "name", "given_name", "family_name", "email"), _json
    )
)  # fmt: skip


@given(_entries | _json)
def test_no_entry_of_a_list_is_too_odd(entry: object) -> None:
    for family in ("moodle", "canvas"):
        member = _member(entry, "full", quirks_of(family))
        if member is not None:
            assert member.user_id
            assert member.person.sub == member.user_id
            assert member.person.name is None or 0 < len(member.person.name) <= 200


def answer(header: str) -> Response:
    return Response(200, {"link": header}, b"", "https://l.example/m")
