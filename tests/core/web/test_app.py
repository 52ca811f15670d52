from __future__ import annotations

import logging
import re
import uuid
from dataclasses import replace

import pytest
from flask import Flask, flash, redirect, render_template_string, request, url_for
from flask.testing import FlaskClient

from core import log
from core.errors import ConflictError, UnprocessableError
from core.identity import Organisation, Person, Role, owner_of
from core.runtime import Runtime
from core.web.app import make_app
from core.web.sessions import (
    COOKIE,
    SessionBlueprint,
    StartedSession,
    principal,
    set_session_cookie,
    start_session,
)
from tests.support.environment import BASE_URL

PAGE = """{% extends "base.html" %}{% block main %}<form method="post">{{ csrf_field() }}</form>
{{ name }}{% endblock %}"""


def visit(
    runtime: Runtime, organisation: Organisation, name: str, hours: int = 8
) -> StartedSession:
    with runtime.database.transaction(organisation.scope) as session:
        person = Person(**owner_of(organisation), name=name)
        session.add(person)
        session.flush()
        return start_session(
            session,
            person_id=person.id,
            organisation_id=organisation.id,
            organisation_path=organisation.path,
            context_id=None,
            platform_id=None,
            roles=frozenset({Role.TEACHER}),
            data={"frame_origins": ["https://lms.example"]},
            hours=hours,
            now=runtime.now(),
        )


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    made = make_app(runtime)
    pages = SessionBlueprint("pages", __name__)

    @pages.route("/me", methods=["GET", "POST"])
    def me() -> object:
        if request.method == "POST":
            flash("Saved.", "good")
            return redirect(url_for("pages.me"), 303)
        return render_template_string(PAGE, name=principal().name)

    made.register_blueprint(pages)

    @made.get("/conflict")
    def conflict() -> object:
        raise ConflictError("Somebody <b>else</b> was first.", advice="Look again.")

    @made.get("/fields")
    def fields() -> object:
        raise UnprocessableError("Look again.", fields={"title": "Give it a title."})

    @made.get("/boom")
    def boom() -> object:
        raise RuntimeError(" ".join(("secret", "detail")))

    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def get(client: FlaskClient, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    answer = client.get(path, base_url=BASE_URL, headers=headers)
    return answer.status_code, answer.get_data(as_text=True), dict(answer.headers)


def sign_in(client: FlaskClient, started: StartedSession) -> str:
    client.set_cookie(f"{COOKIE}{started.id}", started.secret, domain="milepost.test", secure=True)
    return f"/s/{started.id}/me"


def token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_session_opens_its_pages_for_its_own_cookie_alone(
    runtime: Runtime, organisation: Organisation, client: FlaskClient
) -> None:
    wren, teo = visit(runtime, organisation, "Wren"), visit(runtime, organisation, "Teo")
    path = sign_in(client, wren)
    assert "Wren" in get(client, path)[1]
    status, page, _ = get(client, f"/s/{teo.id}/me")
    assert status == 401
    assert "open the activity again" in page


def test_two_people_in_one_browser_stay_apart(
    runtime: Runtime, organisation: Organisation, client: FlaskClient
) -> None:
    first = sign_in(client, visit(runtime, organisation, "Wren"))
    second = sign_in(client, visit(runtime, organisation, "Teo"))
    assert "Wren" in get(client, first)[1]
    assert "Teo" in get(client, second)[1]


@pytest.mark.parametrize("secret", ["", "x", "0" * 43])
def test_a_wrong_secret_opens_nothing(
    runtime: Runtime, organisation: Organisation, client: FlaskClient, secret: str
) -> None:
    started = visit(runtime, organisation, "Wren")
    path = sign_in(client, StartedSession(started.id, secret, 60))
    assert get(client, path)[0] == 401


def test_a_session_past_its_time_is_over(
    runtime: Runtime, organisation: Organisation, client: FlaskClient
) -> None:
    assert get(client, sign_in(client, visit(runtime, organisation, "Wren", hours=0)))[0] == 401


def test_an_unknown_session_is_no_error_of_ours(client: FlaskClient) -> None:
    assert get(client, f"/s/{uuid.uuid4()}/me")[0] == 401
    assert get(client, "/s/not-a-uuid/me")[0] == 404


def test_a_form_needs_its_mark(
    runtime: Runtime, organisation: Organisation, client: FlaskClient
) -> None:
    path = sign_in(client, visit(runtime, organisation, "Wren"))
    other = sign_in(client, visit(runtime, organisation, "Teo"))
    mine, theirs = token(get(client, path)[1]), token(get(client, other)[1])
    for bad in ("", "x", theirs, mine[:-4]):
        answer = client.post(path, base_url=BASE_URL, data={"csrf_token": bad})
        assert answer.status_code == 403, bad
    assert client.post(path, base_url=BASE_URL, data={"csrf_token": mine}).status_code == 303


def test_a_form_from_another_site_is_refused_even_with_the_mark(
    runtime: Runtime, organisation: Organisation, client: FlaskClient
) -> None:
    path = sign_in(client, visit(runtime, organisation, "Wren"))
    mark = token(get(client, path)[1])
    answer = client.post(
        path,
        base_url=BASE_URL,
        data={"csrf_token": mark},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403


def test_a_form_from_where_only_files_are_served_is_foreign_too(
    runtime: Runtime, organisation: Organisation, app: Flask
) -> None:
    runtime.config = replace(runtime.config, content_url="https://files.test")
    client = app.test_client()
    path = sign_in(client, visit(runtime, organisation, "Wren"))
    form = {"csrf_token": token(get(client, path)[1])}
    for origin, status in (("https://files.test", 403), (BASE_URL, 303)):
        answer = client.post(path, base_url=BASE_URL, data=form, headers={"Origin": origin})
        assert answer.status_code == status


def test_whatever_is_refused_below_a_session_can_be_read_inside_a_frame(
    client: FlaskClient,
) -> None:
    for path in (f"/s/{uuid.uuid4()}/nowhere", "/s/not-a-uuid/me", f"/s/{uuid.uuid4()}/me"):
        assert "frame-ancestors *" in get(client, path)[2]["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in get(client, "/nowhere")[2]["Content-Security-Policy"]


def test_the_mark_looks_different_on_every_page(
    runtime: Runtime, organisation: Organisation, client: FlaskClient
) -> None:
    path = sign_in(client, visit(runtime, organisation, "Wren"))
    assert token(get(client, path)[1]) != token(get(client, path)[1])


def test_a_message_is_shown_once_and_only_in_its_own_session(
    runtime: Runtime, organisation: Organisation, client: FlaskClient
) -> None:
    path = sign_in(client, visit(runtime, organisation, "Wren"))
    other = sign_in(client, visit(runtime, organisation, "Teo"))
    client.post(path, base_url=BASE_URL, data={"csrf_token": token(get(client, path)[1])})
    assert "Saved." not in get(client, other)[1]
    assert "Saved." in get(client, path)[1]
    assert "Saved." not in get(client, path)[1]


def test_a_session_page_may_be_framed_by_its_platform_alone(
    runtime: Runtime, organisation: Organisation, client: FlaskClient
) -> None:
    headers = get(client, sign_in(client, visit(runtime, organisation, "Wren")))[2]
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://lms.example" in policy
    assert "script-src 'self';" in policy
    assert "unsafe-inline" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_session_cookies_survive_in_a_frame_and_are_capped(
    runtime: Runtime, organisation: Organisation, app: Flask
) -> None:
    from flask import Response

    started = visit(runtime, organisation, "Wren")
    held = "; ".join(f"{COOKIE}{uuid.uuid4()}=x" for _ in range(7))
    others = [f"{COOKIE}{kind}-{uuid.uuid4()}" for kind in ("said", "login", "x") for _ in range(9)]
    held = "; ".join([*(f"{name}=x" for name in others), held])
    with app.test_request_context(headers={"Cookie": held}):
        response = Response()
        set_session_cookie(response, started)
    cookies = response.headers.getlist("Set-Cookie")
    for flag in ("Secure", "HttpOnly", "Partitioned", "SameSite=None", "Path=/"):
        assert all(flag in cookie for cookie in cookies)
    dropped = [cookie for cookie in cookies if "Max-Age=0" in cookie]
    assert len(dropped) == 2
    assert not any(name in cookie for name in others for cookie in dropped)


def test_an_error_is_a_page_or_json_as_asked_and_escapes(client: FlaskClient) -> None:
    status, page, headers = get(client, "/conflict", Accept="text/html")
    assert status == 409
    assert "Somebody &lt;b&gt;else&lt;/b&gt; was first." in page
    assert headers["X-Request-Id"] in page
    status, body, _ = get(client, "/conflict", Accept="application/json")
    assert status == 409
    assert '"error":"conflict"' in body.replace(" ", "")


def test_field_errors_are_named_in_json(client: FlaskClient) -> None:
    status, body, _ = get(client, "/fields", Accept="application/json")
    assert status == 422
    assert "Give it a title." in body


def test_an_unexpected_error_shows_nothing_of_itself(client: FlaskClient) -> None:
    status, page, _ = get(client, "/boom")
    assert status == 500
    assert "secret detail" not in page
    assert get(client, "/nowhere")[0] == 404


def test_static_files_carry_their_hash_and_may_be_kept(app: Flask, client: FlaskClient) -> None:
    address = app.jinja_env.globals["asset"]("milepost.css")
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/static/old/milepost.css").headers["Cache-Control"] == "public, max-age=60"
    assert client.get("/static/x/../config.py").status_code == 404


def test_liveness_and_readiness(runtime: Runtime, client: FlaskClient) -> None:
    assert get(client, "/livez")[0] == 200
    status, body, _ = get(client, "/readyz")
    assert status == 200, body
    runtime.checks["signature"] = lambda: (_ for _ in ()).throw(RuntimeError("no key opens"))
    status, body, _ = get(client, "/readyz")
    assert status == 503
    assert '"signature": "failed"' in body or '"signature":"failed"' in body
    assert "no key opens" not in body, "details are for the log and milepost doctor"


@pytest.mark.parametrize("style", ["json", "text"])
def test_the_log_of_an_unexpected_error_says_where_it_was_and_not_about_whom(
    client: FlaskClient, capsys: pytest.CaptureFixture[str], style: str
) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        log.configure("INFO", style)
        assert get(client, "/boom")[0] == 500
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert "in boom" in said
    assert "secret detail" not in said
