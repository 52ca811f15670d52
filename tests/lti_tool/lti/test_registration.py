"""Registering platforms by hand: what the families know, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import ConflictError, UnprocessableError
from core.identity import Organisation, create_organisation
from core.runtime import Runtime
from lti_tool.lti.families import is_frame_source, is_web_address, origin_allowed
from lti_tool.lti.models import Platform
from lti_tool.lti.registration import (
    add_deployment,
    add_platform,
    deployments_of,
    list_platforms,
)


def add(runtime: Runtime, organisation: Organisation, **changes: Any) -> Platform:
    values: dict[str, Any] = {
        "name": "District Moodle",
        "family": "moodle",
        "client_id": "abc",
        "site_url": "https://moodle.district.example/",
        "now": runtime.now(),
        **changes,
    }
    with runtime.database.transaction(organisation.scope) as session:
        return add_platform(session, organisation, **values)


def test_moodles_addresses_follow_from_the_sites(
    runtime: Runtime, organisation: Organisation
) -> None:
    moodle = add(runtime, organisation)
    assert moodle.issuer == "https://moodle.district.example"
    assert moodle.auth_login_url == "https://moodle.district.example/mod/lti/auth.php"
    assert moodle.auth_token_url == "https://moodle.district.example/mod/lti/token.php"
    assert moodle.jwks_url == "https://moodle.district.example/mod/lti/certs.php"
    assert moodle.frame_origins == ["https://moodle.district.example"]


def test_a_moodle_in_a_folder_is_framed_from_its_origin(
    runtime: Runtime, organisation: Organisation
) -> None:
    moodle = add(runtime, organisation, site_url="https://district.example/moodle")
    assert moodle.issuer == "https://district.example/moodle"
    assert moodle.frame_origins == ["https://district.example"]


def test_canvas_and_schoology_have_addresses_of_their_own(
    runtime: Runtime, organisation: Organisation
) -> None:
    canvas = add(runtime, organisation, family="canvas", site_url="")
    assert canvas.issuer == "https://canvas.instructure.com"
    assert canvas.auth_login_url.startswith("https://sso.canvaslms.com/")
    assert canvas.frame_origins == ["https://*.instructure.com"]
    schoology = add(runtime, organisation, family="schoology", site_url="")
    assert schoology.issuer == "https://schoology.schoology.com"
    base = "https://lti-service.svc.schoology.com/lti-service"
    assert schoology.auth_login_url == f"{base}/authorize-redirect"
    assert schoology.auth_token_url == f"{base}/access-token"
    assert schoology.jwks_url == f"{base}/.well-known/jwks"


def test_what_is_given_wins_over_what_the_family_knows(
    runtime: Runtime, organisation: Organisation
) -> None:
    beta = "https://sso.beta.canvaslms.com/api/lti/authorize_redirect"
    canvas = add(
        runtime, organisation, family="canvas", site_url="", auth_login_url=beta,
        issuer="https://canvas.beta.instructure.com", frame_origins=["https://learn.district.example"],
    )  # fmt: skip
    assert (canvas.auth_login_url, canvas.issuer) == (beta, "https://canvas.beta.instructure.com")
    assert canvas.frame_origins == ["https://learn.district.example"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"family": "blackboard"}, "family"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": " abc"}, "client_id"),
        ({"site_url": ""}, "issuer"),
        ({"site_url": "http://moodle.district.example"}, "auth_login_url"),
        ({"jwks_url": "http://moodle.district.example/keys"}, "jwks_url"),
        ({"jwks_url": "file:///etc/passwd"}, "jwks_url"),
        ({"auth_token_url": "https://user:word@moodle.district.example/token"}, "auth_token_url"),
        ({"auth_login_url": "javascript:alert(1)"}, "auth_login_url"),
        ({"frame_origins": ["https://a.example; script-src *"]}, "frame_origins"),
        ({"frame_origins": ["*"]}, "frame_origins"),
        ({"frame_origins": ["https://a.example/path"]}, "frame_origins"),
        ({"role_overrides": {"Juggler": "lead"}}, "role_overrides"),
        ({"role_overrides": {"Juggler": "administrator"}}, "role_overrides"),
        ({"token_audience": "a\nb"}, "token_audience"),
    ],
)
def test_what_cannot_be_registered(
    runtime: Runtime, organisation: Organisation, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(UnprocessableError) as refused:
        add(runtime, organisation, **changes)
    assert field in refused.value.fields
    with runtime.database.snapshot(organisation.scope) as session:
        assert list_platforms(session) == []


def test_every_fault_is_told_at_once(runtime: Runtime, organisation: Organisation) -> None:
    with pytest.raises(UnprocessableError) as refused:
        add(runtime, organisation, name="", client_id="", site_url="http://moodle.example")
    assert {"name", "client_id", "jwks_url"} <= set(refused.value.fields)


def test_http_is_accepted_on_this_machine_alone(
    runtime: Runtime, organisation: Organisation
) -> None:
    assert add(runtime, organisation, family="sandbox", site_url="http://127.0.0.1:8001").issuer


def test_the_same_issuer_and_client_twice(runtime: Runtime, organisation: Organisation) -> None:
    add(runtime, organisation)
    with pytest.raises(ConflictError) as refused:
        add(runtime, organisation, name="Again")
    assert (refused.value.status, refused.value.code) == (409, "platform_exists")


def test_another_organisation_cannot_take_it_either_and_is_not_shown_it(
    runtime: Runtime, organisation: Organisation
) -> None:
    add(runtime, organisation)
    with runtime.database.transaction() as session:
        other = create_organisation(session, name="Other", slug="other")
    with pytest.raises(ConflictError):
        add(runtime, other)
    with runtime.database.snapshot(other.scope) as session:
        assert list_platforms(session) == []


def test_deployments(runtime: Runtime, organisation: Organisation) -> None:
    moodle = add(runtime, organisation)
    with runtime.database.transaction() as session:
        school = create_organisation(
            session, name="Alder School", slug="alder-school", parent=organisation
        )
        other = create_organisation(session, name="Other", slug="other")
    with runtime.database.transaction(organisation.scope) as session:
        add_deployment(session, moodle, "1", now=runtime.now())
        below = add_deployment(session, moodle, "2", organisation=school, now=runtime.now())
        assert below.owner_id == school.id
        with pytest.raises(ConflictError):
            add_deployment(session, moodle, "1", now=runtime.now())
        with pytest.raises(UnprocessableError):
            add_deployment(session, moodle, "3", organisation=other, now=runtime.now())
        with pytest.raises(UnprocessableError):
            add_deployment(session, moodle, "", now=runtime.now())
        assert [one.deployment_id for one in deployments_of(session, moodle)] == ["1", "2"]


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        ("https://lms.example/a?b=c", True),
        ("http://localhost:8001/", True),
        ("http://lms.example/", False),
        ("https://lms.example\\@evil.example", False),
        ("https://lms.example:port/", False),
        ("https://[::1", False),
        ("https://", False),
        ("", False),
        ("https://lms.example/\n", False),
        ("https://a b.example/", False),
    ],
)
def test_web_addresses(url: str, usable: bool) -> None:
    assert is_web_address(url) is usable


@pytest.mark.parametrize(
    ("source", "usable"),
    [
        ("https://lms.example", True),
        ("https://lms.example:8443", True),
        ("https://*.lms.example", True),
        ("http://127.0.0.1:8001", True),
        ("https://lms.example/", False),
        ("https://lms.example 'self'", False),
        ("https://lms.example;", False),
        ("https:", False),
        ("'self'", False),
    ],
)
def test_frame_sources(source: str, usable: bool) -> None:
    assert is_frame_source(source) is usable


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://lms.example/course", True),
        ("https://school.canvas.example/x", True),
        ("https://canvas.example/x", False),
        ("https://evilcanvas.example/", False),
        ("http://school.canvas.example/", False),
        ("https://lms.example.evil.example/", False),
        ("javascript:alert(1)", False),
    ],
)
def test_origins_that_are_allowed(url: str, allowed: bool) -> None:
    assert origin_allowed(url, ["https://lms.example", "https://*.canvas.example"]) is allowed
