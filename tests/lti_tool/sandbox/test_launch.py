"""The launch as a tool sees it, judged by PyJWT and by PyLTI1p3's validators."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from flask.testing import FlaskClient
from pylti1p3.message_validators import ResourceMessageValidator
from pylti1p3.roles import StaffRole, StudentRole, TeacherRole

from lti_tool.sandbox import Sandbox, SandboxConfig
from lti_tool.sandbox.driver import FlaskSender, passing_form
from lti_tool.sandbox.errors import AuthorizationRefusedError, NotFoundError
from lti_tool.sandbox.people import (
    ILSE_MUSTER,
    NOOR_PROVE,
    PEOPLE,
    PIA_SPECIMEN,
    ROSA_EJEMPLO,
    TEO_EXEMPEL,
    WREN_SAMPLEWOOD,
)
from tests.lti_tool.sandbox.actors import START, TurnableClock

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
QUESTIONS = "Asking better questions"


def request_for(
    sandbox: Sandbox,
    person: str = WREN_SAMPLEWOOD,
    link: str = QUESTIONS,
    target: str = "window",
    **changes: str | None,
) -> dict[str, str]:
    """What a tool sends to the authorization endpoint after a login initiation."""
    begun = sandbox.make_initiation(person, sandbox.link(link).id, target=target)
    params = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": begun.params["client_id"],
        "redirect_uri": "http://localhost:8000/lti/launch",
        "login_hint": begun.params["login_hint"],
        "lti_message_hint": begun.params["lti_message_hint"],
        "state": "state-1",
        "nonce": "nonce-1",
        **changes,
    }
    return {name: value for name, value in params.items() if value is not None}


def launched(sandbox: Sandbox, person: str = WREN_SAMPLEWOOD, **how: Any) -> dict[str, Any]:
    """The claims of a launch, decoded by PyJWT with the published key."""
    answer = sandbox.authorize(request_for(sandbox, person, **how), signed_in=person)
    token = answer.fields["id_token"]
    key = jwt.PyJWKSet.from_dict(sandbox.jwks())[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience="milepost-tool",
        issuer="http://127.0.0.1:8001",
        options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "nonce"]},
    )
    return claims


def test_initiation_names_everything_a_tool_with_several_registrations_needs(
    sandbox: Sandbox,
) -> None:
    url, params = sandbox.make_initiation(WREN_SAMPLEWOOD, sandbox.link(QUESTIONS).id)
    assert url == "http://localhost:8000/lti/login"
    assert params.pop("lti_message_hint")
    assert params == {
        "iss": "http://127.0.0.1:8001",
        "login_hint": WREN_SAMPLEWOOD,
        "target_link_uri": "http://localhost:8000/micro-credentials/questions",
        "client_id": "milepost-tool",
        "lti_deployment_id": "1",
    }


def test_an_id_token_is_posted_to_the_tool_with_the_state(sandbox: Sandbox) -> None:
    answer = sandbox.authorize(request_for(sandbox), signed_in=WREN_SAMPLEWOOD)
    assert answer.url == "http://localhost:8000/lti/launch"
    assert answer.fields.keys() == {"id_token", "state"}
    assert answer.fields["state"] == "state-1"
    header = jwt.get_unverified_header(answer.fields["id_token"])
    assert header["alg"] == "RS256"
    assert header["kid"] == sandbox.jwks()["keys"][0]["kid"]


@pytest.mark.parametrize("person", [WREN_SAMPLEWOOD, ILSE_MUSTER, PIA_SPECIMEN])
@pytest.mark.parametrize("target", ["window", "iframe"])
def test_an_independent_library_accepts_the_message(
    sandbox: Sandbox, person: str, target: str
) -> None:
    assert ResourceMessageValidator().validate(launched(sandbox, person, target=target))


def test_the_token_carries_every_claim_of_a_resource_link_launch(sandbox: Sandbox) -> None:
    link = sandbox.link(QUESTIONS)
    claims = launched(sandbox, target="iframe")
    now = int(START.timestamp())
    assert (claims["iat"], claims["exp"]) == (now, now + 60)
    assert (claims["azp"], claims["nonce"], claims["sub"]) == ("milepost-tool", "nonce-1", "3")
    assert claims["name"] == "Wren Samplewood"
    assert claims["email"] == "wren.samplewood@aldervalley.example"
    assert claims[f"{CLAIM}message_type"] == "LtiResourceLinkRequest"
    assert claims[f"{CLAIM}version"] == "1.3.0"
    assert claims[f"{CLAIM}deployment_id"] == "1"
    assert claims[f"{CLAIM}target_link_uri"] == link.target_link_uri
    assert claims[f"{CLAIM}resource_link"] == {
        "id": link.id,
        "title": QUESTIONS,
        "description": link.description,
    }
    assert claims[f"{CLAIM}context"]["id"] == "2"
    assert claims[f"{CLAIM}context"]["title"] == "Alder Valley: Teaching circle"
    assert claims[f"{CLAIM}launch_presentation"] == {
        "document_target": "iframe",
        "return_url": f"http://127.0.0.1:8001/links/{link.id}/return",
        "locale": "en",
        "width": 965,
        "height": 650,
    }
    assert claims[f"{CLAIM}custom"] == {
        "micro_credential": "questions",
        "who": "Wren Samplewood",
        "odd": "$Unknown.thing",
    }
    assert claims[f"{CLAIM}tool_platform"]["guid"]
    assert claims[AGS]["lineitems"].startswith("http://127.0.0.1:8001/services/ags/2/lineitems")
    assert "/lineitem?" in claims[AGS]["lineitem"]
    assert len(claims[AGS]["scope"]) == 4
    assert claims[NRPS]["service_versions"] == ["2.0"]


def test_roles_are_those_of_each_person(sandbox: Sandbox) -> None:
    for person in (WREN_SAMPLEWOOD, TEO_EXEMPEL, NOOR_PROVE):
        assert StudentRole(launched(sandbox, person)).check()
    for person in (ILSE_MUSTER, ROSA_EJEMPLO):
        assert TeacherRole(launched(sandbox, person)).check()
    administrator = launched(sandbox, PIA_SPECIMEN)
    assert StaffRole(administrator).check()
    assert {role.rpartition("/")[2] for role in administrator[f"{CLAIM}roles"]} == {
        "membership#Administrator",
        "person#Administrator",
    }
    assert len(administrator[f"{CLAIM}roles"]) == 3


def test_a_link_that_shares_nothing_keeps_names_and_addresses_back(sandbox: Sandbox) -> None:
    claims = launched(sandbox, NOOR_PROVE, link="First weeks")
    assert not {"name", "given_name", "family_name", "email"} & claims.keys()
    assert ResourceMessageValidator().validate(claims)


def test_a_link_without_a_gradebook_item_has_no_lineitem_claim(sandbox: Sandbox) -> None:
    assert "lineitem" not in launched(sandbox, link="Reading room")[AGS]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"response_type": "code"}, "unsupported_response_type"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"prompt": "login"}, "invalid_request"),
        ({"nonce": None}, "invalid_request"),
        ({"nonce": "n" * 5000}, "invalid_request"),
        ({"login_hint": TEO_EXEMPEL}, "login_required"),
        ({"login_hint": None}, "login_required"),
        ({"lti_message_hint": "made-up"}, "invalid_request"),
        ({"lti_message_hint": None}, "invalid_request"),
    ],
)
def test_errors_go_back_to_the_tool_by_form_post_with_the_state(
    sandbox: Sandbox, changes: dict[str, str | None], error: str
) -> None:
    answer = sandbox.authorize(request_for(sandbox, **changes), signed_in=WREN_SAMPLEWOOD)
    assert answer.url == "http://localhost:8000/lti/launch"
    assert answer.fields["error"] == error
    assert answer.fields["state"] == "state-1"
    assert "id_token" not in answer.fields


@pytest.mark.parametrize("signed_in", [None, "99"])
def test_nobody_signed_in_is_login_required(sandbox: Sandbox, signed_in: str | None) -> None:
    answer = sandbox.authorize(request_for(sandbox), signed_in=signed_in)
    assert answer.fields["error"] == "login_required"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "other"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "http://localhost:8000/lti/launch/"},
        {"redirect_uri": "http://evil.example/lti/launch"},
    ],
)
def test_an_unknown_client_or_redirect_is_never_answered_to(
    sandbox: Sandbox, client: FlaskClient, changes: dict[str, str | None]
) -> None:
    params = request_for(sandbox, **changes)
    with pytest.raises(AuthorizationRefusedError):
        sandbox.authorize(params, signed_in=WREN_SAMPLEWOOD)
    client.post("/sign-in", data={"person": WREN_SAMPLEWOOD})
    page = client.post("/auth", data=params)
    assert page.status_code == 400
    assert "evil.example" not in page.text
    assert "data-passes-on" not in page.text


def test_somebody_elses_message_hint_is_refused(sandbox: Sandbox) -> None:
    theirs = sandbox.make_initiation(TEO_EXEMPEL, sandbox.link(QUESTIONS).id).params
    mine = request_for(sandbox, lti_message_hint=theirs["lti_message_hint"])
    assert sandbox.authorize(mine, signed_in=WREN_SAMPLEWOOD).fields["error"] == "invalid_request"


def test_a_message_hint_works_again_for_ten_minutes(sandbox: Sandbox, clock: TurnableClock) -> None:
    params = request_for(sandbox)
    clock.turn(minutes=9, seconds=59)
    assert "id_token" in sandbox.authorize(params, signed_in=WREN_SAMPLEWOOD).fields
    clock.turn(seconds=1)
    assert sandbox.authorize(params, signed_in=WREN_SAMPLEWOOD).fields["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("person", "link", "target"),
    [
        ("99", QUESTIONS, "window"),
        (WREN_SAMPLEWOOD, "First weeks", "window"),
        (WREN_SAMPLEWOOD, QUESTIONS, "popup"),
    ],
)
def test_a_launch_begins_only_for_people_of_the_course(
    sandbox: Sandbox, person: str, link: str, target: str
) -> None:
    with pytest.raises(NotFoundError):
        sandbox.make_initiation(person, sandbox.link(link).id, target=target)


def test_the_login_is_posted_by_default_and_a_redirect_where_asked(
    sandbox: Sandbox, client: FlaskClient
) -> None:
    link = sandbox.link(QUESTIONS)
    client.post("/sign-in", data={"person": WREN_SAMPLEWOOD})
    page = FlaskSender(client).send("GET", f"http://127.0.0.1:8001/links/{link.id}/start")
    form = passing_form(page)
    assert form is not None
    assert form[0] == "http://localhost:8000/lti/login"
    assert form[1]["login_hint"] == WREN_SAMPLEWOOD
    redirect = client.get(f"/links/{link.id}/start?method=get&target=iframe")
    parts = urlsplit(redirect.headers["Location"])
    assert parts.netloc == "localhost:8000"
    assert parse_qs(parts.query).keys() == form[1].keys()
    assert client.get(f"/links/{link.id}/start?target=popup").status_code == 400
    assert client.get(f"/links/{link.id}/start?method=put").status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_authorization_endpoint_takes_get_and_post(
    sandbox: Sandbox, client: FlaskClient, method: str
) -> None:
    client.post("/sign-in", data={"person": WREN_SAMPLEWOOD})
    where = "query_string" if method == "GET" else "data"
    page = client.open("/auth", method=method, **{where: request_for(sandbox)})
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert 'name="id_token"' in page.text
    assert 'action="http://localhost:8000/lti/launch"' in page.text


def test_without_a_cookie_the_request_is_posted_once_more_from_our_own_page(
    sandbox: Sandbox, client: FlaskClient
) -> None:
    sender = FlaskSender(client)
    first = sender.send("POST", "http://127.0.0.1:8001/auth", request_for(sandbox))
    form = passing_form(first)
    assert form is not None
    assert form[0] == "http://127.0.0.1:8001/auth"
    second = passing_form(sender.send("POST", *form))
    assert second is not None
    assert second[1]["error"] == "login_required"


def test_repeated_parameters_are_refused(sandbox: Sandbox, client: FlaskClient) -> None:
    client.post("/sign-in", data={"person": WREN_SAMPLEWOOD})
    params = [*request_for(sandbox).items(), ("nonce", "another")]
    page = client.get("/auth", query_string=params)
    assert page.status_code == 400
    assert "nonce" in page.text


def test_what_the_tool_sends_is_escaped_in_the_page(sandbox: Sandbox, client: FlaskClient) -> None:
    client.post("/sign-in", data={"person": WREN_SAMPLEWOOD})
    params = request_for(sandbox, state='"><script>alert(1)</script>')
    assert "<script>alert" not in client.post("/auth", data=params).text


def test_the_key_set_holds_public_members_only(client: FlaskClient) -> None:
    keys = client.get("/jwks.json").get_json()["keys"]
    assert [key.keys() for key in keys] == [{"kty", "n", "e", "kid", "alg", "use"}]


def test_discovery_names_the_same_addresses(client: FlaskClient, config: SandboxConfig) -> None:
    document = client.get("/.well-known/openid-configuration").get_json()
    assert document["issuer"] == config.issuer
    assert document["authorization_endpoint"] == config.authorization_url
    assert document["token_endpoint"] == config.token_url
    assert document["jwks_uri"] == config.jwks_url


def test_everybody_has_a_distinct_address_at_the_sample_district() -> None:
    addresses = {person.email for person in PEOPLE.values()}
    assert len(addresses) == 6
    assert all(address.endswith("@aldervalley.example") for address in addresses)
