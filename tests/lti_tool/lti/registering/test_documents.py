"""What is published or printed for connecting by hand."""

from __future__ import annotations

import pytest

from core.identity import Organisation
from core.runtime import Runtime
from lti_tool.lti.models import Deployment
from lti_tool.lti.registering import exchange, values
from lti_tool.lti.registration import add_deployment, add_platform, change_platform
from tests.lti_tool.lti.registering.conftest import Desk
from tests.lti_tool.lti.registering.platforms import SCOPES
from tests.support.environment import BASE_URL


def test_canvas_reads_a_developer_key_from_an_address(desk: Desk) -> None:
    answer = desk.get("/lti/canvas.json")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    found = answer.get_json()
    assert found["oidc_initiation_url"] == f"{BASE_URL}/lti/login"
    assert found["target_link_uri"] == f"{BASE_URL}/to/home"
    assert found["public_jwk_url"] == f"{BASE_URL}/.well-known/jwks.json"
    assert set(found["scopes"]) == set(SCOPES)
    assert found["custom_fields"] == {
        "milepost_link_history": "$ResourceLink.id.history",
        "milepost_context_history": "$Context.id.history",
    }
    [extension] = found["extensions"]
    assert extension["platform"] == "canvas.instructure.com"
    assert extension["privacy_level"] == "public"
    assert extension["domain"] == BASE_URL.removeprefix("https://")
    places = {one["placement"]: one for one in extension["settings"]["placements"]}
    assert set(places) == {
        "course_navigation", "account_navigation", "link_selection", "assignment_selection",
    }  # fmt: skip
    for name in ("link_selection", "assignment_selection"):
        assert places[name]["message_type"] == "LtiDeepLinkingRequest"
    for name in ("course_navigation", "account_navigation"):
        assert places[name]["message_type"] == "LtiResourceLinkRequest"
    assert places["account_navigation"]["visibility"] == "admins"
    # The picture is served without a launch.
    icon = places["course_navigation"]["icon_url"].removeprefix(BASE_URL)
    assert desk.get(icon).mimetype == "image/svg+xml"


@pytest.mark.parametrize("family", ["canvas", "moodle", "schoology", "generic", "sandbox"])
def test_every_family_is_told_what_it_asks_for(desk: Desk, family: str) -> None:
    with desk.app.test_request_context():
        fields = [
            (str(one.label), one.value, str(one.help))
            for one in values.for_family(BASE_URL, family)
        ]
    typed = {value for _label, value, _help in fields}
    assert f"{BASE_URL}/lti/launch" in typed
    if family == "canvas":
        assert f"{BASE_URL}/lti/canvas.json" in typed
    else:
        assert {f"{BASE_URL}/lti/login", f"{BASE_URL}/.well-known/jwks.json"} <= typed
    assert all(label and value for label, value, _help in fields)


def test_a_platform_comes_out_of_a_document_as_it_went_in(
    runtime: Runtime, organisation: Organisation
) -> None:
    with runtime.database.transaction(organisation.scope) as session:
        made = add_platform(
            session, organisation, name="LMS", family="generic", client_id="a",
            issuer="https://lms.example", auth_login_url="https://lms.example/a",
            auth_token_url="https://lms.example/t", jwks_url="https://lms.example/k",
            token_audience="urn:x", frame_origins=["https://lms.example"], verifies_emails=True,
            role_overrides={"Juggler": "coach"}, privacy_level="email", now=runtime.now(),
        )  # fmt: skip
        add_deployment(session, made, "1", name="All of it", now=runtime.now())
        waiting = Deployment(
            owner_id=made.owner_id, owner_path=made.owner_path, platform_id=made.id,
            deployment_id="2", state="waiting", created_at=runtime.now(),
        )  # fmt: skip
        session.add(waiting)
        session.flush()
        document = exchange.export_platform(session, made.id)
    assert document["deployments"] == [{"deployment_id": "1", "name": "All of it"}]
    with runtime.database.transaction(organisation.scope) as session:
        again = exchange.import_platform(
            session, organisation, {**document, "client_id": "b"}, runtime.now()
        )
        assert exchange.export_platform(session, again.id) == {**document, "client_id": "b"}


def test_the_smallest_document_that_is_enough(runtime: Runtime, organisation: Organisation) -> None:
    document = {
        "name": "LMS", "family": "generic", "issuer": "https://lms.example", "client_id": "a",
        "auth_login_url": "https://lms.example/a", "auth_token_url": "https://lms.example/t",
        "jwks_url": "https://lms.example/k",
    }  # fmt: skip
    with runtime.database.transaction(organisation.scope) as session:
        made = exchange.import_platform(session, organisation, document, runtime.now())
    assert (made.privacy_level, made.frame_origins) == ("full", ["https://lms.example"])


def test_what_administrators_choose_can_be_changed(
    runtime: Runtime, organisation: Organisation
) -> None:
    with runtime.database.transaction(organisation.scope) as session:
        made = add_platform(
            session, organisation, name="Canvas", family="canvas", client_id="a", now=runtime.now()
        )
        assert (made.privacy_level, made.administrators_allowed) == ("full", False)
        change_platform(
            session, made.id, now=runtime.now(), privacy_level="pseudonymous",
            anonymous_allowed=True, administrators_allowed=True, role_overrides={"Aide": "coach"},
        )  # fmt: skip
        assert (made.privacy_level, made.anonymous_allowed) == ("pseudonymous", True)
        assert (made.administrators_allowed, made.role_overrides) == (True, {"Aide": "coach"})
        change_platform(session, made.id, now=runtime.now(), role_overrides={})
        assert made.role_overrides == {}
