"""Tools register themselves with the practice LMS, as with Moodle or with Canvas."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from lti_tool.sandbox import Sandbox, SandboxConfig
from lti_tool.sandbox.people import PIA_SPECIMEN, WREN_SAMPLEWOOD
from lti_tool.sandbox.vocabulary import ALL_SCOPES, TOOL_CONFIGURATION
from tests.lti_tool.sandbox.actors import TurnableClock
from tests.lti_tool.sandbox.test_pages import become

TOOL = "http://localhost:8000"
LINK = f"{TOOL}/lti/register/abc"


@pytest.fixture(autouse=True)
def administrator(client: FlaskClient) -> None:
    become(client, PIA_SPECIMEN)


def added(client: FlaskClient, variant: str = "moodle") -> dict[str, str]:
    """What the tool's registration address is opened with."""
    page = client.post("/tools/add", data={"link": LINK, "variant": variant})
    assert page.status_code == 200
    [address] = re.findall(r'<iframe[^>]* src="([^"]+)"', page.text)
    assert unescape(address).startswith(f"{LINK}?")
    query = parse_qs(urlsplit(unescape(address)).query)
    return {name: values[0] for name, values in query.items()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def document(**changes: Any) -> dict[str, Any]:
    ours = {
        "domain": "localhost:8000",
        "target_link_uri": f"{TOOL}/to/home",
        "claims": ["sub", "iss", "name", "email"],
        "messages": [
            {"type": "LtiResourceLinkRequest", "label": "Tool"},
            {"type": "LtiDeepLinkingRequest", "label": "Choose", "placements": ["ContentArea"]},
        ],
        **changes.pop("ours", {}),
    }
    return {
        "client_name": "Tool",
        "initiate_login_uri": f"{TOOL}/lti/login",
        "jwks_uri": f"{TOOL}/.well-known/jwks.json",
        "redirect_uris": [f"{TOOL}/lti/launch"],
        "response_types": ["id_token"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join([*ALL_SCOPES, "unknown"]),
        TOOL_CONFIGURATION: ours,
        **changes,
    }


def post(client: FlaskClient, token: str, **changes: Any) -> Any:
    return client.post("/registration", json=document(**changes), headers=bearer(token))


@pytest.mark.parametrize(
    ("variant", "family"),
    [("moodle", "moodle"), ("canvas", "canvas"), ("plain", "practice-lms")],
)
def test_the_configuration_is_the_kinds_and_needs_the_token(
    client: FlaskClient, config: SandboxConfig, variant: str, family: str
) -> None:
    told = added(client, variant)
    path = told["openid_configuration"].removeprefix(config.base_url)
    assert client.get(path).status_code == 401
    assert client.get(path, headers=bearer("wrong")).status_code == 401
    found = client.get(path, headers=bearer(told["registration_token"])).get_json()
    assert found["issuer"] == config.base_url
    assert found["registration_endpoint"] == f"{config.base_url}/registration"
    about = found["https://purl.imsglobal.org/spec/lti-platform-configuration"]
    assert about["product_family_code"] == family
    other = "/registration/other/openid-configuration"
    assert client.get(other, headers=bearer(told["registration_token"])).status_code == 404


def test_as_moodle(client: FlaskClient) -> None:
    answer = post(client, added(client)["registration_token"])
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    found = answer.get_json(force=True)
    ours = found[TOOL_CONFIGURATION]
    assert ours["deployment_id"] == "2"
    assert ours["messages"] == [{"type": "LtiDeepLinkingRequest"}]
    assert found["scope"].split() == list(ALL_SCOPES)
    again = post(client, added(client)["registration_token"]).get_json(force=True)
    assert again["client_id"] == found["client_id"]
    assert again[TOOL_CONFIGURATION]["deployment_id"] == "2"


def test_as_canvas(client: FlaskClient) -> None:
    first, second = (post(client, added(client, "canvas")["registration_token"]) for _ in range(2))
    assert first.status_code == 201
    found = first.get_json()
    assert found["client_id"].isdigit()
    assert "deployment_id" not in found[TOOL_CONFIGURATION]
    assert found[TOOL_CONFIGURATION]["messages"][1]["placements"] == ["ContentArea"]
    assert second.get_json()["client_id"] != found["client_id"]


def test_a_token_is_good_once_and_for_an_hour(client: FlaskClient, clock: TurnableClock) -> None:
    token = added(client)["registration_token"]
    assert post(client, token).status_code == 200
    assert post(client, token).status_code == 401
    token = added(client)["registration_token"]
    clock.turn(hours=1)
    assert post(client, token).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": ""},
        {"client_name": 7},
        {"redirect_uris": []},
        {"redirect_uris": "x"},
        {"redirect_uris": ["https://evil.example/x"]},
        {"jwks_uri": "https://evil.example/keys"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"response_types": ["code"]},
        {TOOL_CONFIGURATION: None},
        {"ours": {"domain": "localhost"}},
        {"ours": {"messages": ["x"]}},
        {"ours": {"custom_parameters": "x=y"}},
    ],
)
def test_what_is_refused_leaves_the_token_good(
    client: FlaskClient, changes: dict[str, Any]
) -> None:
    token = added(client)["registration_token"]
    assert post(client, token, **changes).status_code == 400
    assert post(client, token).status_code == 200


def test_a_tool_waits_until_it_is_switched_on(client: FlaskClient, sandbox: Sandbox) -> None:
    found = post(client, added(client)["registration_token"]).get_json(force=True)
    client_id = found["client_id"]
    assert "waits to be switched on" in client.get("/tools").text
    assert sandbox.config_for(client_id).client_id == "milepost-tool"
    assert client.post(f"/tools/{client_id}/activate").status_code == 303
    assert "switched on" in client.get("/tools").text
    link = sandbox.links()[0]
    begun = sandbox.make_initiation(WREN_SAMPLEWOOD, link.id, client_id=client_id)
    assert begun.params["client_id"] == client_id
    assert begun.params["lti_deployment_id"] == "2"
    assert client.post(f"/tools/{client_id}/delete").status_code == 303
    assert "Tools that registered themselves" in client.get("/tools").text
    assert client_id not in client.get("/tools").text
    for action in ("activate", "delete"):
        assert client.post(f"/tools/{client_id}/{action}").status_code == 404


def test_towards_a_tool_launches_hold_what_it_asked_for_and_no_more(
    client: FlaskClient, sandbox: Sandbox
) -> None:
    token = added(client)["registration_token"]
    asked = {"claims": ["sub", "email"], "custom_parameters": {"course": "$Context.id", "n": 7}}
    client_id = post(client, token, ours=asked).get_json(force=True)["client_id"]
    client.post(f"/tools/{client_id}/activate")
    link = sandbox.links()[0]
    seen = sandbox.config_for(client_id).limited(link)
    assert (seen.share_name, seen.share_email) == (False, True)
    assert seen.custom["course"] == "$Context.id"
    assert "n" not in seen.custom
    assert sandbox.config.limited(link) == link


def test_only_the_administrator_adds_tools(client: FlaskClient) -> None:
    become(client, WREN_SAMPLEWOOD)
    assert client.get("/tools").status_code == 403
    assert client.post("/tools/add", data={"link": LINK}).status_code == 403
    assert "Tools of this LMS" not in client.get("/").text


@pytest.mark.parametrize(
    "data", [{"link": "https://evil.example/x"}, {"link": ""}, {"link": LINK, "variant": "x"}]
)
def test_links_of_others_are_refused_in_words(client: FlaskClient, data: dict[str, str]) -> None:
    assert client.post("/tools/add", data=data).status_code == 400


def test_another_site_adds_no_tool(client: FlaskClient) -> None:
    answer = client.post("/tools/add", data={"link": LINK}, headers={"Origin": TOOL})
    assert answer.status_code == 403
