"""Checking a connection: each way it can be wrong is said in words, and kept."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import select

from core.http import HttpClient
from core.runtime import Runtime
from core.scope import unscoped
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.admin import connection_views
from lti_tool.admin.health import Finding, keep
from lti_tool.admin.models import PlatformCheck
from lti_tool.lti.models import Platform
from lti_tool.lti.names import SCOPE_MEMBERSHIPS, SCOPE_SCORE
from tests.lti_tool.admin.world import activity, admin_of, another, register
from tests.lti_tool.learning.conftest import Visit
from tests.support.badges import District
from tests.support.local_http import Answer, LocalServer, Request, local_server

TOKEN = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with local_server() as running:
        running.routes["/jwks"] = lambda _request: as_json(key_set())
        running.routes["/token"] = granting()
        yield running


@pytest.fixture
def platform(district: District, server: LocalServer) -> Platform:
    with district.runtime.database.transaction() as session:
        ring = ring_of(district.runtime)
        ring.create(session, LTI_RING, "RS256", district.runtime.now())
    return register(
        district.runtime, district.organisation, "Alder Moodle", "1", site_url=server.url,
        auth_token_url=f"{server.url}/token", jwks_url=f"{server.url}/jwks",
    )  # fmt: skip


def key_set(bits: int = 2048, **more: Any) -> dict[str, Any]:
    number = (1 << bits - 1) | 1
    n = base64.urlsafe_b64encode(number.to_bytes(bits // 8, "big")).rstrip(b"=").decode()
    return {"keys": [{"kty": "RSA", "kid": "k1", "use": "sig", "n": n, "e": "AQAB", **more}]}


def as_json(value: Any, status: int = 200, kind: str = "application/json") -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": kind})


def granting(*dropped: str) -> Any:
    def answer(request: Request) -> Answer:
        scopes = [scope for scope in request.form["scope"].split() if scope not in dropped]
        # Moodle's own media type for it.
        return as_json({**TOKEN, "scope": " ".join(scopes)}, kind="text/html")

    return answer


def refusing(error: str, status: int = 400) -> Any:
    return lambda _request: as_json({"error": error}, status)


def page_of(_request: Request) -> Answer:
    return Answer(200, b"<!doctype html><title>Log in</title>", {"Content-Type": "text/html"})


def checked(visit: Visit, platform: Platform) -> str:
    """The platform's page after "Check connection" was pressed."""
    path = f"/connections/{platform.id}"
    assert visit.post(f"{path}/check", {}, page=path).status_code == 303
    return visit.get(path).text


def test_before_the_first_check_the_page_says_what_one_does(pia: Visit, platform: Platform) -> None:
    page = pia.get(f"/connections/{platform.id}").text
    assert "Not checked yet" in page
    assert "changes nothing there" in page


def test_a_healthy_connection_says_so_and_the_list_shows_it(
    pia: Visit, platform: Platform, server: LocalServer
) -> None:
    page = checked(pia, platform)
    assert "Checked. Works." in page
    assert "One key that launches can be checked with." in page
    assert "A token came, for everything that was asked." in page
    assert "Last checked" in page
    assert "The LMS has had the same keys since" in page
    assert "Works" in pia.get("/connections").text
    assert sorted(request.path for request in server.requests) == ["/jwks", "/token"]


def test_the_token_is_asked_for_as_the_standard_says(
    pia: Visit, platform: Platform, server: LocalServer, runtime: Runtime
) -> None:
    checked(pia, platform)
    [asked] = [request for request in server.requests if request.path == "/token"]
    assert asked.form["grant_type"] == "client_credentials"
    key = ring_of(runtime).active(LTI_RING, "RS256").signer.public_key
    claims = jwt.decode(
        asked.form["client_assertion"], key, algorithms=["RS256"], audience=f"{server.url}/token"
    )
    assert (claims["iss"], claims["sub"]) == ("abc", "abc")


def test_the_scopes_of_earlier_launches_are_the_ones_asked_for(
    pia: Visit, platform: Platform, server: LocalServer, district: District, runtime: Runtime
) -> None:
    activity(runtime, district.organisation, platform)
    checked(pia, platform)
    [asked] = [request for request in server.requests if request.path == "/token"]
    assert asked.form["scope"] == SCOPE_SCORE


@pytest.mark.parametrize(
    ("route", "answer", "words"),
    [
        ("/jwks", page_of, "The key set address shows a web page instead of keys."),
        ("/jwks", lambda _r: Answer(404), "The key set address answered 404."),
        ("/jwks", lambda _r: Answer(503), "The key set address answered 503."),
        ("/jwks", lambda _r: as_json({"keys": []}), "The key set address answered, but without"),
        ("/jwks", lambda _r: as_json([1]), "The key set address answered, but without keys."),
        ("/jwks", lambda _r: as_json(key_set(1024)), "no RSA signing key of 2048 bits"),
        ("/jwks", lambda _r: as_json(key_set(use="enc")), "no RSA signing key of 2048 bits"),
        ("/jwks", lambda _r: Answer(200, b"x" * 300_000), "answered with more than keys"),
        ("/token", refusing("invalid_client"), "it answered invalid_client."),
        ("/token", refusing("invalid_client", 401), "client id, see that the tool is active"),
        ("/token", refusing("unauthorized_client"), "it answered unauthorized_client."),
        ("/token", refusing("invalid_request"), "refused the way we ask"),
        ("/token", refusing("<script>alert(1)</script>"), "The token address answered 400."),
        ("/token", page_of, "The token address shows a web page instead of a token."),
        ("/token", lambda _r: as_json({"token_type": "Bearer"}), "answered, but without a token"),
        ("/token", lambda _r: Answer(404, b"{broken"), "The token address answered 404."),
        ("/token", lambda _r: Answer(302, headers={"Location": "/x"}), "sends us on to another"),
        ("/token", lambda _r: Answer(500), "The token address answered 500."),
    ],
)  # fmt: skip
def test_each_fault_is_said_in_words(
    pia: Visit, platform: Platform, server: LocalServer, route: str, answer: Any, words: str
) -> None:
    server.routes[route] = answer
    page = checked(pia, platform)
    assert words in page
    assert "Does not work" in page
    assert "<script>" not in page
    assert "Does not work" in pia.get("/connections").text


def test_services_that_are_granted_to_none_are_told_apart_from_a_key_that_is_not_known(
    pia: Visit, platform: Platform, server: LocalServer, district: District, runtime: Runtime
) -> None:
    server.routes["/token"] = refusing("invalid_scope")
    page = checked(pia, platform)
    assert "The platform accepts our key. It has no services for Milepost so far." in page
    assert "Works in part" in page
    activity(runtime, district.organisation, platform)
    page = checked(pia, platform)
    assert "The platform grants Milepost none of its services" in page
    assert "Does not work" in page


def test_scopes_that_are_dropped_silently_are_named(
    pia: Visit, platform: Platform, server: LocalServer
) -> None:
    server.routes["/token"] = granting(SCOPE_SCORE, SCOPE_MEMBERSHIPS)
    page = checked(pia, platform)
    assert "A token came, but without: " in page
    assert "sending grades" in page
    assert "reading the list of people" in page
    assert "Works in part" in page
    # Moodle's own words for where to allow them.
    assert "under Services" in page


def test_a_server_that_is_not_there_is_said_so(
    pia: Visit, district: District, runtime: Runtime, platform: Platform, server: LocalServer
) -> None:
    server.close()
    page = checked(pia, platform)
    assert "The key set address could not be reached." in page
    assert "The token address could not be reached." in page


def test_a_server_that_says_nothing_ends_the_check_in_words(
    pia: Visit, platform: Platform, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def silent(_request: Request) -> Answer:
        over.wait(30)
        return Answer(200)

    server.routes["/token"] = silent
    monkeypatch.setattr("lti_tool.admin.health.TIMEOUT_SECONDS", 0.2)
    try:
        page = checked(pia, platform)
    finally:
        over.set()
    assert "The token address did not answer within" in page
    assert "One key that launches can be checked with." in page


def test_an_address_in_a_private_network_is_not_asked(
    pia: Visit, platform: Platform, runtime: Runtime, server: LocalServer
) -> None:
    runtime.http = HttpClient()
    page = checked(pia, platform)
    assert "is on a private network or not https, so it was not asked." in page
    assert "MILEPOST_OUTGOING_ALLOW" in page
    assert server.requests == []


def test_without_a_key_of_our_own_the_page_says_so(
    pia: Visit, district: District, runtime: Runtime, server: LocalServer
) -> None:
    bare = register(
        runtime, district.organisation, "Brook Moodle", site_url=server.url,
        auth_token_url=f"{server.url}/token", jwks_url=f"{server.url}/jwks",
    )  # fmt: skip
    page = checked(pia, bare)
    assert "Milepost has no key of its own to sign with." in page
    assert server.count("/token") == 0


def test_while_a_check_runs_another_does_not_wait_for_it(
    pia: Visit, platform: Platform, server: LocalServer
) -> None:
    assert connection_views._CHECKING.acquire(blocking=False)
    try:
        page = checked(pia, platform)
    finally:
        connection_views._CHECKING.release()
    assert "Another check is running." in page
    assert server.requests == []


def test_no_transaction_is_open_while_the_platform_is_asked(
    pia: Visit, platform: Platform, server: LocalServer, runtime: Runtime
) -> None:
    seen: list[int] = []

    def watching(request: Request) -> Answer:
        seen.append(runtime.database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return granting()(request)

    server.routes["/token"] = watching
    checked(pia, platform)
    assert seen == [0]


@contextmanager
def district_check(runtime: Runtime, platform: Platform) -> Iterator[dict[str, Any]]:
    """What is kept of the platform's keys."""
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        row = session.scalars(
            select(PlatformCheck).where(PlatformCheck.platform_id == platform.id)
        ).one()
        yield row.findings[0]


def test_keys_that_stayed_the_same_are_as_old_as_they_were(
    pia: Visit, platform: Platform, server: LocalServer, runtime: Runtime
) -> None:
    began = runtime.now()
    runtime.clock = lambda: began
    checked(pia, platform)
    runtime.clock = lambda: began + timedelta(hours=2)
    since = checked(pia, platform).split("The LMS has had the same keys since")[1]
    assert f'datetime="{began:%Y-%m-%d}' in since[:200]
    server.routes["/jwks"] = lambda _request: as_json(key_set(kid="k2"))
    with district_check(runtime, platform) as row:
        assert row["facts"]["since"] == began.isoformat()
    checked(pia, platform)
    with district_check(runtime, platform) as row:
        assert row["facts"]["since"] == (began + timedelta(hours=2)).isoformat()


def test_another_trees_platform_cannot_be_checked(
    app: Flask, pia: Visit, platform: Platform, district: District, server: LocalServer
) -> None:
    stranger = admin_of(app, district, another(district.runtime, "Brook"))
    path = f"/connections/{platform.id}"
    assert stranger.get(path).status_code == 404
    answer = stranger.post(f"{path}/check", {}, page="/connections/new/generic")
    assert answer.status_code == 404
    assert server.requests == []


def test_checks_that_end_together_leave_one_result(any_runtime: Runtime) -> None:
    place = another(any_runtime, "Alder")
    platform = register(any_runtime, place, "Alder Moodle", "1")
    together, faults = threading.Barrier(6), []

    def finish(n: int) -> None:
        together.wait(30)
        try:
            with any_runtime.database.transaction(place.scope) as session:
                found = [Finding("keys", "good", "fine", {"count": n})]
                keep(session, platform.id, found, actor_id=uuid.uuid4(), now=any_runtime.now())
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=finish, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    with any_runtime.database.snapshot() as session, unscoped(session, "test"):
        assert len(session.scalars(select(PlatformCheck)).all()) == 1
