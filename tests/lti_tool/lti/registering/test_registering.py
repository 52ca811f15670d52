"""An LMS opens a link, its administrator agrees, and both sides know each other."""

from __future__ import annotations

import pytest

from lti_tool.lti.registering import links
from tests.lti_tool.lti.registering.conftest import Desk
from tests.lti_tool.lti.registering.platforms import (
    AGS,
    CANVAS,
    CONFIGURATION,
    NRPS,
    REGISTRATION,
    SCOPES,
    TOOL,
    Canvas,
    Generic,
    Moodle,
    Platform,
)
from tests.support.environment import BASE_URL
from tests.support.local_http import LocalServer


def test_the_page_says_what_will_be_shared_and_asks_nothing_of_the_lms_yet(
    desk: Desk, server: LocalServer
) -> None:
    moodle = Moodle(server)
    page = desk.open(desk.link(), moodle)
    assert page.status_code == 200
    for said in ("Alder Valley Schools", moodle.url.split("/")[2], "Names and e-mail addresses",
                 "gradebook", "Nothing is stored or sent before you press the button"):  # fmt: skip
        assert said in page.text
    assert server.requests == []
    assert desk.platforms() == []
    assert "frame-ancestors *" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


def test_moodle_is_stored_with_its_deployment(desk: Desk, server: LocalServer) -> None:
    moodle = Moodle(server)
    done = desk.register(desk.link(), moodle)
    assert done.status_code == 200, done.text
    assert "<mp-close>" in done.text
    assert "You can close this window." in done.text
    [stored] = desk.platforms()
    assert (stored.issuer, stored.client_id, stored.family) == (server.url, "client-1", "moodle")
    assert stored.auth_login_url == f"{server.url}/auth"
    assert stored.auth_token_url == f"{server.url}/token"
    assert stored.jwks_url == f"{server.url}/jwks.json"
    assert stored.frame_origins == [server.url]
    assert stored.owner_id == desk.organisation.id
    assert stored.privacy_level == "full"
    assert stored.features["version"] == "4.5 (Build: 20241007)"
    assert stored.features["messages"] == ["LtiDeepLinkingRequest"]
    assert set(stored.features["scopes"]) == set(SCOPES)
    assert desk.deployments() == {"7": "active"}


def test_what_moodle_is_told(desk: Desk, server: LocalServer) -> None:
    moodle = Moodle(server)
    desk.register(desk.link(), moodle)
    [asked] = moodle.posted
    assert asked["redirect_uris"] == [f"{BASE_URL}/lti/launch"]
    assert asked["initiate_login_uri"] == f"{BASE_URL}/lti/login"
    assert asked["jwks_uri"] == f"{BASE_URL}/.well-known/jwks.json"
    assert asked["token_endpoint_auth_method"] == "private_key_jwt"
    assert asked["response_types"] == ["id_token"]
    assert set(asked["grant_types"]) == {"client_credentials", "implicit"}
    assert set(asked["scope"].split()) == set(SCOPES)
    ours = asked[TOOL]
    # Moodle compares the domain with the host and port of the target.
    assert ours["domain"] == ours["target_link_uri"].split("/")[2]
    assert ours["claims"] == ["iss", "sub", "name", "given_name", "family_name", "email"]
    assert ours["custom_parameters"] == {"milepost_context_history": "$Context.id.history"}
    kinds = {one["type"]: one for one in ours["messages"]}
    assert set(kinds) == {"LtiResourceLinkRequest", "LtiDeepLinkingRequest"}
    assert kinds["LtiDeepLinkingRequest"]["placements"] == ["ContentArea"]
    assert not any(name.startswith(CANVAS) for name in ours)


def test_both_requests_carry_the_lmss_token_and_our_name(desk: Desk, server: LocalServer) -> None:
    desk.register(desk.link(), Moodle(server))
    assert [one.path for one in server.requests] == [CONFIGURATION, REGISTRATION]
    for one in server.requests:
        assert one.headers["authorization"] == "Bearer one-hour-token"
        assert one.headers["user-agent"].startswith("Milepost/")


def test_an_lms_without_a_registration_token(desk: Desk, server: LocalServer) -> None:
    generic = Generic(server)
    generic.bearer_fits = lambda request: "authorization" not in request.headers  # type: ignore[method-assign]
    path = desk.link()
    done = desk.press(path, desk.get(path, openid_configuration=generic.url))
    assert done.status_code == 200, done.text


def test_canvas_extensions(desk: Desk, server: LocalServer) -> None:
    canvas = Canvas(server)
    done = desk.register(desk.link(), canvas)
    assert done.status_code == 200, done.text
    [asked] = canvas.posted
    ours = asked[TOOL]
    assert ours[f"{CANVAS}privacy_level"] == "public"
    by_place = {one["placements"][0]: one for one in ours["messages"]}
    # Written as this Canvas writes them, and nothing that it does not offer.
    assert set(by_place) == {
        "course_navigation",
        "account_navigation",
        f"{CANVAS}link_selection",
        f"{CANVAS}assignment_selection",
    }
    course = by_place["course_navigation"]
    assert course["type"] == "LtiResourceLinkRequest"
    assert course[f"{CANVAS}course_navigation/default_enabled"] is True
    assert course[f"{CANVAS}visibility"] == "members"
    assert by_place["account_navigation"][f"{CANVAS}visibility"] == "admins"
    assert by_place[f"{CANVAS}assignment_selection"]["type"] == "LtiDeepLinkingRequest"
    assert all(one["icon_uri"].startswith(f"{BASE_URL}/static/") for one in ours["messages"])
    assert ours["custom_parameters"] == {
        "milepost_link_history": "$ResourceLink.id.history",
        "milepost_context_history": "$Context.id.history",
    }


def test_canvas_gives_no_deployment_so_the_first_place_waits_for_approval(
    desk: Desk, server: LocalServer
) -> None:
    done = desk.register(desk.link(), Canvas(server))
    assert "open it once from there" in done.text
    [stored] = desk.platforms()
    assert (stored.client_id, stored.family) == ("10000000000042", "canvas")
    assert stored.name == "Alder Valley Schools (Canvas)"
    assert stored.token_audience is None
    assert desk.deployments() == {}


def test_an_authorization_server_of_its_own_is_the_audience(
    desk: Desk, server: LocalServer
) -> None:
    desk.register(desk.link(), Generic(server, changes={"authorization_server": "urn:lms:auth"}))
    assert desk.platforms()[0].token_audience == "urn:lms:auth"


def test_an_lms_that_says_little_of_itself_is_asked_for_everything(
    desk: Desk, server: LocalServer
) -> None:
    unsaid = ("scopes_supported", "claims_supported", "id_token_signing_alg_values_supported")
    silent = Generic(server, changes=dict.fromkeys(unsaid))
    assert desk.register(desk.link(), silent).status_code == 200
    [asked] = silent.posted
    assert set(asked["scope"].split()) == set(SCOPES)
    assert "email" in asked[TOOL]["claims"]
    assert len(asked[TOOL]["messages"]) == 2
    assert desk.platforms()[0].family == "generic"


def test_only_what_the_lms_offers_is_asked_for(desk: Desk, server: LocalServer) -> None:
    small = Generic(
        server,
        changes={"scopes_supported": [f"{AGS}score"], "claims_supported": ["sub", "email"]},
        about={"messages_supported": [
            "LtiResourceLinkRequest",
            {"type": "LtiSubmissionReviewRequest"},
        ]},
    )  # fmt: skip
    desk.register(desk.link(), small)
    [asked] = small.posted
    assert asked["scope"] == f"{AGS}score"
    assert NRPS not in asked["scope"]
    assert asked[TOOL]["claims"] == ["iss", "sub", "email"]
    kinds = [one["type"] for one in asked[TOOL]["messages"]]
    assert kinds == ["LtiResourceLinkRequest", "LtiSubmissionReviewRequest"]


@pytest.mark.parametrize(
    ("level", "claims", "canvas_level"),
    [
        ("name", {"iss", "sub", "name", "given_name", "family_name"}, "name_only"),
        ("email", {"iss", "sub", "email"}, "email_only"),
        ("pseudonymous", {"iss", "sub"}, "anonymous"),
        ("no such level", {"iss", "sub", "name", "given_name", "family_name", "email"}, "public"),
    ],
)
def test_less_about_people_is_asked_for_where_the_administrator_chooses_so(
    desk: Desk, server: LocalServer, level: str, claims: set[str], canvas_level: str
) -> None:
    canvas = Canvas(server)
    desk.register(desk.link(), canvas, privacy_level=level)
    [asked] = canvas.posted
    assert set(asked[TOOL]["claims"]) == claims
    assert asked[TOOL][f"{CANVAS}privacy_level"] == canvas_level
    expected = level if level in {"name", "email", "pseudonymous"} else "full"
    assert desk.platforms()[0].privacy_level == expected


def test_a_link_is_opened_as_often_as_one_likes_and_used_once(
    desk: Desk, server: LocalServer
) -> None:
    moodle, path = Moodle(server), desk.link()
    for _time in range(3):
        assert desk.open(path, moodle).status_code == 200
    assert desk.register(path, moodle).status_code == 200
    again = desk.open(path, moodle)
    assert again.status_code == 410
    assert "registration_link_used" in again.text


@pytest.fixture
def moodle(desk: Desk, server: LocalServer) -> Moodle:
    """A Moodle that is registered."""
    found = Moodle(server)
    assert desk.register(desk.link(), found).status_code == 200
    return found


def test_a_second_registration_is_refused_and_changes_nothing(desk: Desk, moodle: Moodle) -> None:
    before = desk.platforms()[0].__dict__.copy()
    moodle.changes = {"token_endpoint": f"{moodle.server.url}/other"}
    refused = desk.register(desk.link(), moodle)
    assert refused.status_code == 409
    assert "platform_exists" in refused.text
    [after] = desk.platforms()
    for name in ("auth_token_url", "name", "features", "owner_id"):
        assert getattr(after, name) == before[name]


def test_a_link_made_for_it_updates_that_platform(desk: Desk, moodle: Moodle) -> None:
    [stored] = desk.platforms()
    moodle.changes = {"token_endpoint": f"{moodle.server.url}/other"}
    path = desk.link(stored.id)
    page = desk.open(path, moodle)
    assert "Bring" in page.text
    assert "privacy_level" not in page.text
    done = desk.press(path, page)
    assert done.status_code == 200, done.text
    assert "up to date" in done.text
    [after] = desk.platforms()
    assert after.id == stored.id
    assert after.auth_token_url == f"{moodle.server.url}/other"
    assert desk.deployments() == {"7": "active"}


def test_a_link_for_one_platform_is_refused_by_another_before_anything_is_sent(
    desk: Desk, moodle: Moodle, server: LocalServer
) -> None:
    [stored] = desk.platforms()
    other = Platform(server, changes={"issuer": f"{server.url}/another"})
    path = desk.link(stored.id)
    refused = desk.register(path, other)
    assert refused.status_code == 409
    assert "other_platform" in refused.text
    assert other.posted == []
    # Nothing has happened, so the link is still good.
    Moodle(server)
    assert desk.register(path, moodle).status_code == 200


def test_a_new_client_id_at_the_same_lms_is_a_second_connection(desk: Desk, moodle: Moodle) -> None:
    [stored] = desk.platforms()
    moodle.client_id = "client-2"
    done = desk.register(desk.link(stored.id), moodle)
    assert done.status_code == 200
    assert "This is a second connection" in done.text
    assert [one.client_id for one in desk.platforms()] == ["client-1", "client-2"]


def test_the_links_that_can_still_be_used_are_listed_and_can_be_withdrawn(
    desk: Desk, server: LocalServer
) -> None:
    kept, gone = desk.link(), desk.link()
    database, now = desk.runtime.database, desk.runtime.now()
    with database.transaction(desk.organisation.scope) as session:
        first = links.of_organisation(session, now)
        assert len(first) == 2
        links.revoke(session, links._id_in(gone.rsplit("/", 1)[1]), now)  # type: ignore[arg-type]
        assert len(links.of_organisation(session, now)) == 1
    assert desk.open(gone, Moodle(server)).status_code == 410
    assert desk.open(kept, Moodle(server)).status_code == 200
