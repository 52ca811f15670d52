import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lti_tool.sandbox import Sandbox
from lti_tool.sandbox.tool_keys import JwksUnavailableError, fetch_over_http, usable_keys
from lti_tool.sandbox.vocabulary import (
    ALL_SCOPES,
    LINE_ITEM_CONTAINER_TYPE,
    SCOPE_LINE_ITEM,
    SCOPE_LINE_ITEM_READ,
    SCOPE_MEMBERSHIP_READ,
    SCOPE_SCORE,
)
from tests.lti_tool.sandbox.actors import Tool, ToolKeyRing, TurnableClock

ITEMS = "/services/ags/2/lineitems"


def test_a_signed_assertion_gets_a_bearer_token_for_an_hour(tool: Tool) -> None:
    answer = tool.ask(f"{SCOPE_SCORE} {SCOPE_LINE_ITEM}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert set(body["scope"].split()) == {SCOPE_SCORE, SCOPE_LINE_ITEM}


def test_scopes_that_are_not_offered_are_dropped(tool: Tool) -> None:
    body = tool.ask(f"https://example.org/scope/everything {SCOPE_SCORE}").get_json()
    assert body["scope"] == SCOPE_SCORE


@pytest.mark.parametrize("scope", ["", "openid", "https://example.org/scope"])
def test_no_scope_that_is_offered_is_invalid_scope(tool: Tool, scope: str) -> None:
    answer = tool.ask(scope)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://lms.example/token"},
        {"aud": None},
        {"aud": 7},
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"sub": 3},
        {"exp": None},
        {"iat": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 12},
        {"jti": "x" * 256},
        {"exp": "tomorrow"},
        {"exp": 1e300},
        {"exp": True},
        {"iat": [1]},
        {"nbf": "now"},
    ],
)
def test_an_assertion_with_a_wrong_claim_is_invalid_client(
    tool: Tool, changes: dict[str, Any]
) -> None:
    answer = tool.ask(SCOPE_SCORE, tool.assertion(tool.claims(**changes)))
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("iat", "exp", "status"),
    [(-61, -1, 401), (-61, 1, 200), (0, 60, 200), (2, 60, 401), (-5, 3600, 401), (0, 3600, 200)],
)
def test_times_are_judged_without_leeway(
    tool: Tool, clock: TurnableClock, iat: int, exp: int, status: int
) -> None:
    now = int(clock().timestamp())
    claims = tool.claims(iat=now + iat, exp=now + exp)
    assert tool.ask(SCOPE_SCORE, tool.assertion(claims)).status_code == status


def test_an_assertion_is_good_for_once(tool: Tool) -> None:
    assertion = tool.assertion()
    assert tool.ask(SCOPE_SCORE, assertion).status_code == 200
    again = tool.ask(SCOPE_SCORE, assertion)
    assert again.status_code == 401
    assert "jti" in again.get_json()["error_description"]


def test_one_assertion_sent_many_times_at_once_gets_one_token(sandbox: Sandbox, tool: Tool) -> None:
    form = tool.form(SCOPE_SCORE)
    sandbox.tool_keys.find("tool-1")
    outcomes: list[str] = []

    def ask() -> None:
        try:
            outcomes.append(sandbox.issue_token(form)["token_type"])
        except Exception as error:
            outcomes.append(getattr(error, "code", repr(error)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Bearer", *["invalid_client"] * 7]


def test_a_signature_by_another_key_is_refused(tool: Tool) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(tool.claims(), stranger, algorithm="RS256", headers={"kid": "tool-1"})
    assert tool.ask(SCOPE_SCORE, forged).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"kid": "x"}, {"kid": 5}])
def test_hs256_none_and_missing_kids_are_refused(tool: Tool, headers: dict[str, Any]) -> None:
    unsigned = jwt.encode(tool.claims(), key=None, algorithm="none")
    shared = jwt.encode(tool.claims(), "s" * 64, algorithm="HS256")
    odd = jwt.encode(tool.claims(), tool.ring.keys["tool-1"], algorithm="RS256")
    for assertion in (unsigned, shared, odd, "no.jwt.atall", "x", "é" * 20):
        assert tool.ask(SCOPE_SCORE, assertion).status_code == 401


def test_requests_of_the_wrong_form_are_told_why(tool: Tool, client: FlaskClient) -> None:
    good = tool.form(SCOPE_SCORE)
    cases = [
        ({}, "invalid_request"),
        ({**good, "grant_type": "password"}, "unsupported_grant_type"),
        ({**good, "client_assertion_type": "x"}, "invalid_request"),
        ({**good, "client_assertion": ""}, "invalid_request"),
        ({**good, "client_assertion": "x" * 9000}, "invalid_request"),
    ]
    for form, code in cases:
        answer = client.post("/token", data=form)
        assert (answer.status_code, answer.get_json()["error"]) == (400, code)
    repeated = client.post(
        "/token", data={"grant_type": ["client_credentials", "client_credentials"]}
    )
    assert repeated.status_code == 400
    assert "grant_type" in repeated.get_json()["error_description"]
    assert client.get("/token").status_code == 405
    assert client.get("/token").get_json()["error"] == "method_not_allowed"
    assert client.post("/token", data={"x": "y" * 300_000}).status_code == 413


def test_a_rotated_key_is_fetched_once_and_accepted(
    tool: Tool, ring: ToolKeyRing, clock: TurnableClock
) -> None:
    assert tool.ask(SCOPE_SCORE).status_code == 200
    ring.add("tool-2")
    clock.turn(seconds=6)
    assert tool.ask(SCOPE_SCORE, tool.assertion(kid="tool-2")).status_code == 200
    assert tool.ask(SCOPE_SCORE, tool.assertion(kid="tool-2")).status_code == 200
    assert ring.fetches == 2


def test_made_up_kids_do_not_become_a_flood_of_fetches(tool: Tool, ring: ToolKeyRing) -> None:
    for number in range(20):
        made_up = jwt.encode(
            tool.claims(), ring.keys["tool-1"], algorithm="RS256", headers={"kid": f"x{number}"}
        )
        assert tool.ask(SCOPE_SCORE, made_up).status_code == 401
    assert ring.fetches == 1


def test_a_key_that_was_withdrawn_is_refused_when_the_memory_ends(
    tool: Tool, ring: ToolKeyRing, clock: TurnableClock
) -> None:
    assert tool.ask(SCOPE_SCORE).status_code == 200
    ring.body = b'{"keys": []}'
    clock.turn(minutes=6)
    assert tool.ask(SCOPE_SCORE).status_code == 401


def test_a_key_set_that_cannot_be_had_is_a_passing_fault_unless_remembered(
    tool: Tool, ring: ToolKeyRing, clock: TurnableClock
) -> None:
    ring.fault = JwksUnavailableError("no connection")
    answer = tool.ask(SCOPE_SCORE)
    assert answer.status_code == 503
    assert answer.get_json()["error"] == "temporarily_unavailable"
    assert answer.headers["Retry-After"] == "5"
    ring.fault = None
    assert tool.ask(SCOPE_SCORE).status_code == 200
    ring.fault = JwksUnavailableError("no connection")
    clock.turn(minutes=6)
    assert tool.ask(SCOPE_SCORE).status_code == 200


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"keys": 3}', b"[" * 100_000, b"\xff"])
def test_what_is_no_key_set_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(JwksUnavailableError):
        usable_keys(body)


def test_keys_that_do_not_sign_are_passed_over(ring: ToolKeyRing) -> None:
    good = ring.jwks()["keys"][0]
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    weak_jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(weak.public_key()))
    odd = [
        {**good, "kid": "enc", "use": "enc"},
        {"kty": "oct", "k": "AAAA", "kid": "oct"},
        {**weak_jwk, "kid": "weak"},
        {"kty": "RSA", "kid": "empty"},
        {**good, "kid": 7},
        {**good, "kid": "bad", "n": "!"},
        "key",
        None,
    ]
    assert list(usable_keys(json.dumps({"keys": [*odd, good]}).encode())) == ["tool-1"]


class _KeySetSite(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"/big": 200, "/good": 200, "/moved": 302}.get(self.path, 500)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/good")
        self.end_headers()
        self.wfile.write(b"x" * 70_000 if self.path == "/big" else b'{"keys": []}')

    def log_message(self, *args: Any) -> None:
        pass


def test_the_real_fetch_has_limits_and_follows_nothing() -> None:
    with HTTPServer(("127.0.0.1", 0), _KeySetSite) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        try:
            assert fetch_over_http(f"{base}/good") == b'{"keys": []}'
            for path in ("/big", "/moved", "/broken"):
                with pytest.raises(JwksUnavailableError):
                    fetch_over_http(base + path)
        finally:
            server.shutdown()
            thread.join()
    with pytest.raises(JwksUnavailableError):
        fetch_over_http(f"{base}/good")


def test_services_need_a_token_that_is_known_and_fresh(
    tool: Tool, client: FlaskClient, clock: TurnableClock
) -> None:
    token = tool.ask(SCOPE_LINE_ITEM).get_json()["access_token"]
    good = {"Authorization": f"Bearer {token}"}
    assert client.get(ITEMS, headers=good).status_code == 200
    for wrong in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {token}"}):
        answer = client.get(ITEMS, headers=wrong)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    clock.turn(hours=1)
    assert client.get(ITEMS, headers=good).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "enough"),
    [
        ("GET", ITEMS, {SCOPE_LINE_ITEM, SCOPE_LINE_ITEM_READ}),
        ("POST", ITEMS, {SCOPE_LINE_ITEM}),
        ("GET", f"{ITEMS}/1/lineitem", {SCOPE_LINE_ITEM, SCOPE_LINE_ITEM_READ}),
        ("PUT", f"{ITEMS}/1/lineitem", {SCOPE_LINE_ITEM}),
        ("POST", f"{ITEMS}/1/lineitem/scores", {SCOPE_SCORE}),
        ("GET", f"{ITEMS}/1/lineitem/results", {ALL_SCOPES[2]}),
        ("GET", "/services/nrps/2/memberships", {SCOPE_MEMBERSHIP_READ}),
        ("DELETE", f"{ITEMS}/1/lineitem", {SCOPE_LINE_ITEM}),
    ],
)
def test_a_scope_reaches_as_far_as_its_service(
    tool: Tool, method: str, path: str, enough: set[str]
) -> None:
    for scope in ALL_SCOPES:
        answer = tool.call(method, path, scope)
        assert (answer.status_code == 403) == (scope not in enough)
        if answer.status_code == 403:
            assert answer.get_json()["error"] == "insufficient_scope"


def test_tokens_are_not_kept_in_clear(tool: Tool, sandbox: Sandbox) -> None:
    token = tool.ask(SCOPE_SCORE).get_json()["access_token"]
    with sandbox.store.read() as connection:
        rows = connection.execute("SELECT * FROM access_tokens").fetchall()
    assert len(rows) == 1
    assert token not in [str(value) for value in rows[0]]


def test_old_tokens_and_assertion_ids_are_swept(
    tool: Tool, sandbox: Sandbox, clock: TurnableClock
) -> None:
    for _ in range(3):
        tool.ask(SCOPE_SCORE)
    clock.turn(seconds=timedelta(hours=2).total_seconds())
    tool.ask(SCOPE_SCORE)
    with sandbox.store.read() as connection:
        for table in ("access_tokens", "assertion_ids"):
            kept = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            assert kept == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.dictionaries(
        st.sampled_from(["grant_type", "client_assertion_type", "client_assertion", "scope"]),
        st.text(max_size=60) | st.just("client_credentials"),
    ),
    authorization=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40),
)
def test_no_form_and_no_header_makes_it_stumble(
    client: FlaskClient, form: dict[str, str], authorization: str
) -> None:
    assert client.post("/token", data=form).status_code in (400, 401)
    answer = client.get(
        ITEMS, headers={"Authorization": authorization, "Accept": LINE_ITEM_CONTAINER_TYPE}
    )
    assert answer.status_code == 401
