"""The list of connections: for administrators, each within their own part of the tree."""

from __future__ import annotations

import pytest
from flask import Flask

from core.identity import Role
from core.runtime import Runtime
from tests.lti_tool.admin.world import OTHERS, admin_of, another, register
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.support.badges import District


@pytest.mark.parametrize("path", ["/connections", "/deliveries"])
@pytest.mark.parametrize("role", OTHERS)
def test_who_is_no_administrator_is_told_so(
    app: Flask, district: District, path: str, role: Role
) -> None:
    visit = visit_as(app, district, district.learner, frozenset({role}))
    answer = visit.get(path)
    assert answer.status_code == 403
    assert "Your role here does not include this page." in answer.text


def test_a_session_without_any_role_is_told_so(app: Flask, district: District) -> None:
    visit = visit_as(app, district, district.learner, frozenset())
    assert visit.get("/connections").status_code == 403


def test_without_platforms_the_page_says_how_to_connect_one(pia: Visit) -> None:
    page = pia.get("/connections")
    assert page.status_code == 200
    assert "No platform yet" in page.text
    assert "/connections/new" in page.text


def test_platforms_are_shown_with_their_deployments_within_the_organisation(
    app: Flask, district: District, pia: Visit, runtime: Runtime
) -> None:
    elsewhere = another(runtime, "Brook")
    register(runtime, district.organisation, "Alder <b>Moodle</b>", "1", "2")
    register(runtime, elsewhere, "Brook Moodle", "1")
    page = pia.get("/connections").text
    assert "One platform may open Milepost." in page
    assert "Alder &lt;b&gt;Moodle&lt;/b&gt;" in page
    assert "2 deployments" in page
    assert "Never launched" in page
    assert "https://alder.example.org" in page
    assert "Brook" not in page
    assert "Brook Moodle" in admin_of(app, district, elsewhere).get("/connections").text
