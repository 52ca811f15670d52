"""What registering refuses: in words, with the right status, and with nothing stored."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from core.http import HttpClient
from lti_tool.lti.registering import discovery, enrolling
from tests.lti_tool.lti.registering.conftest import Desk
from tests.lti_tool.lti.registering.platforms import (
    CONFIGURATION,
    PLATFORM,
    REGISTRATION,
    Canvas,
    Generic,
    Moodle,
    always,
    as_json,
)
from tests.support.environment import BASE_URL
from tests.support.local_http import Answer, LocalServer, Request

SCRIPT = '<script>alert("x")</script>'


def refused(response: TestResponse, status: int, code: str) -> str:
    """A page as every refusal is: code, sentence, what to do, request id; it may be framed."""
    page = response.text
    assert response.status_code == status, page
    assert f"<code>{code}</code>" in page
    assert response.headers["X-Request-Id"] in page
    assert re.search(r"<h1[^>]*>\S", page)
    assert "Traceback" not in page
    assert "frame-ancestors *" in response.headers["Content-Security-Policy"]
    return page


def nothing_stored(desk: Desk) -> None:
    """Neither here, nor anything but the link and the note that it was made."""
    filled = {name for name, number in desk.counts().items() if number}
    assert filled <= {"organisations", "lti_registration_links", "audit_events", "signing_keys",
                      "alembic_version"}  # fmt: skip


def still_good(desk: Desk, path: str, server: LocalServer) -> None:
    """The link can be used again."""
    assert desk.register(path, Generic(server)).status_code == 200


# The link


def test_registration_link_used(desk: Desk, server: LocalServer) -> None:
    path = desk.link()
    page = desk.open(path, Generic(server))
    assert desk.press(path, page).status_code == 200
    refused(desk.press(path, page), 410, "registration_link_used")
    refused(desk.open(path, Generic(server)), 410, "registration_link_used")
    assert len(desk.platforms()) == 1


def test_registration_link_expired(desk: Desk, server: LocalServer) -> None:
    path = desk.link()
    page = desk.open(path, Generic(server))
    moment = desk.runtime.now() + timedelta(days=7, seconds=1)
    desk.runtime.clock = lambda: moment
    said = refused(desk.open(path, Generic(server)), 410, "registration_link_expired")
    assert "seven days" in said
    refused(desk.press(path, page), 410, "registration_link_expired")
    nothing_stored(desk)


@pytest.mark.parametrize(
    "token",
    ["x", "0" * 32, "0" * 32 + ".abc", "%00", "é" * 40, "a" * 5000, "..%2f..%2fetc", "null"],
)
def test_registration_link_unknown(desk: Desk, server: LocalServer, token: str) -> None:
    answer = desk.open(f"/lti/register/{token}", Generic(server))
    assert answer.status_code in {404, 410}
    nothing_stored(desk)


def test_a_links_secret_with_another_ending(desk: Desk, server: LocalServer) -> None:
    path = desk.link()
    wrong = path[:-1] + ("a" if path[-1] != "a" else "b")
    refused(desk.open(wrong, Generic(server)), 410, "registration_link_unknown")
    assert desk.open(path, Generic(server)).status_code == 200


def test_only_a_digest_of_the_secret_is_kept(desk: Desk) -> None:
    secret = desk.link().rsplit(".", 1)[1]
    with desk.runtime.database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM lti_registration_links").all()
    assert secret not in repr(rows)


# What the LMS sends along


def test_a_link_opened_in_a_browser_says_where_to_paste_it(desk: Desk, server: LocalServer) -> None:
    path = desk.link()
    page = refused(desk.get(path), 400, "configuration_missing")
    assert "Moodle: Site administration" in page
    assert "Dynamic Registration" in page
    still_good(desk, path, server)


@pytest.mark.parametrize(
    "url",
    [
        "http://lms.example/openid-configuration",
        "ftp://lms.example/x",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//lms.example/x",
        "https://user:word@lms.example/x",
        "https://lms.example\\@evil.example/x",
        "https://lms.example/x#y",
        "https://lms.example/\nx",
        "https://" + "a" * 3000 + ".example/",
        SCRIPT,
    ],
)
def test_configuration_address_that_is_no_https_address(desk: Desk, url: str) -> None:
    path = desk.link()
    for answer in (
        desk.get(path, openid_configuration=url),
        desk.app.test_client().post(path, base_url=BASE_URL, data={"openid_configuration": url}),
    ):
        page = refused(answer, 400, "url_not_allowed")
        assert SCRIPT not in page
    nothing_stored(desk)


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/c", "https://192.168.1.20/c", "https://172.16.0.1/c",
        "https://169.254.169.254/latest/meta-data/", "https://127.0.0.1/c", "https://[::1]/c",
        "https://[fe80::1]/c", "https://[fd00::1]/c", "https://0.0.0.0/c", "https://100.64.0.1/c",
        "https://[::ffff:10.0.0.1]/c", "https://localhost/c", "http://127.0.0.1:1/c",
    ],
)  # fmt: skip
def test_configuration_address_in_a_private_network(
    desk: Desk, server: LocalServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.link()
    with monkeypatch.context() as production:
        production.setattr(desk.runtime, "http", HttpClient())
        page = desk.get(path, openid_configuration=url)
        assert page.status_code == 200
        said = refused(desk.press(path, page), 400, "url_not_allowed")
        assert "MILEPOST_OUTGOING_ALLOW" in said
    nothing_stored(desk)
    still_good(desk, path, server)


def test_a_private_lms_that_the_setting_names_is_reached(
    desk: Desk, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = frozenset({server.url.removeprefix("http://")})
    monkeypatch.setattr(desk.runtime, "http", HttpClient(allow=named))
    assert desk.register(desk.link(), Moodle(server)).status_code == 200


def test_a_name_that_changes_its_address_gains_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import core.http as http

    asked: list[str] = []

    def rebinding(host: str, port: int) -> Any:
        asked.append(host)
        address = "93.184.216.34" if len(asked) > 1 else "10.0.0.5"
        return [(2, 1, 6, "", (address, port))]

    monkeypatch.setattr(http, "resolve", rebinding)
    monkeypatch.setattr(desk.runtime, "http", HttpClient())
    path = desk.link()
    page = desk.get(path, openid_configuration="https://rebinding.example/c")
    refused(desk.press(path, page), 400, "url_not_allowed")
    assert asked == ["rebinding.example"]
    nothing_stored(desk)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_configuration_address_that_redirects(desk: Desk, server: LocalServer, status: int) -> None:
    generic, path = Generic(server), desk.link()
    server.routes[CONFIGURATION] = always(
        Answer(status, b"", {"Location": f"{server.url}/elsewhere"})
    )
    refused(desk.register(path, generic), 400, "url_not_allowed")
    assert server.count("/elsewhere") == 0
    nothing_stored(desk)
    still_good(desk, path, server)


@pytest.mark.parametrize("token", ["a b", "a\r\nX-Injected: 1", "é", "x" * 9000])
def test_registration_token_that_is_no_token(desk: Desk, server: LocalServer, token: str) -> None:
    answer = desk.open(desk.link(), Generic(server), registration_token=token)
    assert answer.status_code in {400, 413}
    assert "X-Injected" not in answer.headers
    assert server.requests == []


def test_duplicate_parameters(desk: Desk, server: LocalServer) -> None:
    url = Generic(server).url
    answer = desk.app.test_client().get(
        desk.link(), base_url=BASE_URL,
        query_string=[("openid_configuration", url), ("openid_configuration", url)],
    )  # fmt: skip
    refused(answer, 400, "duplicate_parameter")


# The configuration


def test_configuration_over_256_kb(desk: Desk, server: LocalServer) -> None:
    generic, path = Generic(server), desk.link()
    generic.changes = {"padding": "x" * (256 * 1024)}
    said = refused(desk.register(path, generic), 502, "configuration_unavailable")
    assert "256 KB" in said
    nothing_stored(desk)
    still_good(desk, path, server)


@pytest.fixture
def stalled() -> Any:
    """Holds an answer back until the test ends."""
    released = threading.Event()
    yield released
    released.set()


def test_configuration_that_is_slow(
    desk: Desk, server: LocalServer, stalled: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "CONFIGURATION_SECONDS", 0.2)
    generic, path = Generic(server), desk.link()

    def slow(_request: Request) -> Answer:
        stalled.wait(20)
        return Answer()

    server.routes[CONFIGURATION] = slow
    said = refused(desk.register(path, generic), 502, "configuration_unavailable")
    assert "took too long" in said
    nothing_stored(desk)
    monkeypatch.undo()
    still_good(desk, path, server)


@pytest.mark.parametrize(
    "body",
    [b"<html><body>Sign in</body></html>", b'{"issuer": ', b"", b"[]", b'"text"', b"null",
     b"[" * 100_000, b"\xff\xfe", b'{"a": NaN}'],
    ids=["html", "broken", "empty", "list", "text", "null", "deep", "bytes", "nan"],
)  # fmt: skip
def test_configuration_that_is_no_json_object(desk: Desk, server: LocalServer, body: bytes) -> None:
    generic, path = Generic(server), desk.link()
    server.routes[CONFIGURATION] = always(as_json(body))
    refused(desk.register(path, generic), 502, "configuration_invalid")
    nothing_stored(desk)


@pytest.mark.parametrize("status", [204, 401, 403, 404, 429, 500, 503])
def test_configuration_that_the_lms_does_not_give(
    desk: Desk, server: LocalServer, status: int
) -> None:
    generic, path = Generic(server), desk.link()
    server.routes[CONFIGURATION] = always(Answer(status, b"no"))
    refused(desk.register(path, generic), 502, "configuration_unavailable")
    nothing_stored(desk)
    still_good(desk, path, server)


@pytest.mark.parametrize(
    "name",
    ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"],
)
@pytest.mark.parametrize(
    "value",
    [None, "", 7, ["https://lms.example"], {}, "javascript:alert(1)", "http://lms.example/x",
     "/relative", SCRIPT],
    ids=str,
)  # fmt: skip
def test_configuration_with_an_address_missing_or_unusable(
    desk: Desk, server: LocalServer, name: str, value: Any
) -> None:
    generic = Generic(server, changes={name: value})
    page = refused(desk.register(desk.link(), generic), 502, "configuration_invalid")
    assert SCRIPT not in page
    assert generic.posted == []
    nothing_stored(desk)


def test_an_lms_that_does_not_sign_with_rs256(desk: Desk, server: LocalServer) -> None:
    generic = Generic(server, changes={"id_token_signing_alg_values_supported": ["HS256", "none"]})
    refused(desk.register(desk.link(), generic), 502, "configuration_invalid")
    assert generic.posted == []


@pytest.mark.parametrize(
    "issuer",
    ["https://lms.example", "https://canvas.instructure.com", "https://canvas.test.instructure.com",
     "https://schoology.schoology.com", "http://127.0.0.1:1"],
)  # fmt: skip
def test_issuer_unlike_the_configurations_host(
    desk: Desk, server: LocalServer, issuer: str
) -> None:
    generic, path = Generic(server, changes={"issuer": issuer}), desk.link()
    refused(desk.register(path, generic), 400, "issuer_mismatch")
    assert generic.posted == []
    nothing_stored(desk)
    still_good(desk, path, server)


def canvas_document(host: str) -> dict[str, Any]:
    return {
        "issuer": "https://canvas.instructure.com",
        "authorization_endpoint": f"https://{host}/api/lti/authorize_redirect",
        "token_endpoint": f"https://{host}/login/oauth2/token",
        "jwks_uri": f"https://{host}/api/lti/security/jwks",
        "registration_endpoint": "https://alder.instructure.com/api/lti/registrations",
        PLATFORM: {"product_family_code": "canvas"},
    }


def test_canvas_known_hosts_may_speak_for_canvas() -> None:
    url = "https://alder.instructure.com/api/lti/security/openid-configuration"
    found = discovery.read(canvas_document("sso.canvaslms.com"), url)
    assert (found.family, found.issuer) == ("canvas", "https://canvas.instructure.com")
    assert enrolling._frame_origins(found)[0] == "https://*.instructure.com"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("sso.canvaslms.com", "https://evil.example/c"),
        ("sso.canvaslms.com", "https://evilinstructure.com/c"),
        ("sso.canvaslms.com", "https://alder.instructure.com.evil.example/c"),
        ("evil.example", "https://alder.instructure.com/c"),
    ],
)
def test_others_may_not_speak_for_canvas(host: str, url: str) -> None:
    with pytest.raises(discovery.RegistrationRefusedError) as error:
        discovery.read(canvas_document(host), url)
    assert error.value.code == "issuer_mismatch"


# The registration


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_an_lms_that_says_no(desk: Desk, server: LocalServer, status: int) -> None:
    generic, path = Generic(server), desk.link()
    server.routes[REGISTRATION] = always(
        as_json({"error": "invalid_redirect_uri", "error_description": SCRIPT}, status)
    )
    page = refused(desk.register(path, generic), 502, "registration_refused")
    assert "invalid_redirect_uri" in page
    assert "alert(" not in page
    nothing_stored(desk)
    still_good(desk, path, server)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(302, b"", {"Location": "/elsewhere"}),
        Answer(500, b"oops"), Answer(200, b"<html>"), Answer(201, b""), as_json([]),
        as_json({"client_id": None}), as_json({"client_id": ""}), as_json({"client_id": True}),
        as_json({"client_id": "x" * 300}), as_json({"client_id": ["a"]}), Answer(202, b"{}"),
        as_json({"client_id": "a\nb"}), as_json(b"x" * (300 * 1024)),
    ],
)  # fmt: skip
def test_an_answer_that_leaves_open_whether_we_are_registered_uses_the_link_up(
    desk: Desk, server: LocalServer, answer: Answer
) -> None:
    generic, path = Generic(server), desk.link()
    server.routes[REGISTRATION] = always(answer)
    page = refused(desk.register(path, generic), 502, "registration_uncertain")
    assert "delete it there" in page
    assert "Try again" not in page
    nothing_stored(desk)
    refused(desk.open(path, generic), 410, "registration_link_used")


def test_a_registration_that_is_slow(
    desk: Desk, server: LocalServer, stalled: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolling, "REGISTRATION_SECONDS", 0.2)
    generic = Generic(server)

    def slow(_request: Request) -> Answer:
        stalled.wait(20)
        return Answer()

    server.routes[REGISTRATION] = slow
    refused(desk.register(desk.link(), generic), 502, "registration_uncertain")
    nothing_stored(desk)


def test_a_registration_endpoint_in_a_private_network(
    desk: Desk, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = frozenset({server.url.removeprefix("http://")})
    monkeypatch.setattr(desk.runtime, "http", HttpClient(allow=named))
    generic = Generic(server, changes={"registration_endpoint": "https://10.0.0.7/register"})
    refused(desk.register(desk.link(), generic), 400, "url_not_allowed")
    nothing_stored(desk)


def test_registered_there_but_not_stored_here_says_what_is_needed(
    desk: Desk, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    moodle, path = Moodle(server), desk.link()

    def broken(*_args: Any, **_named: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    page = desk.open(path, moodle)
    with monkeypatch.context() as failing:
        failing.setattr(enrolling, "add_platform", broken)
        said = refused(desk.press(path, page), 503, "registration_unfinished")
    for needed in ("client-1", "Deployment id: 7", f"{server.url}/token", server.url):
        assert needed in said
    nothing_stored(desk)
    refused(desk.open(path, moodle), 410, "registration_link_used")


def test_trying_again_shares_no_more_than_was_chosen(desk: Desk, server: LocalServer) -> None:
    generic, path = Generic(server), desk.link()
    server.routes[CONFIGURATION] = always(Answer(503, b"later"))
    page = desk.press(path, desk.open(path, generic), privacy_level="pseudonymous")
    assert "Try again" in page.text
    assert re.search(r'name="privacy_level" value="pseudonymous"', page.text)


def test_script_in_names_is_escaped(desk: Desk, server: LocalServer) -> None:
    canvas = Canvas(server)
    canvas.about["https://canvas.instructure.com/lti/account_name"] = SCRIPT
    canvas.about["version"] = SCRIPT
    canvas.client_id, canvas.deployment_id = SCRIPT, SCRIPT
    page = desk.register(desk.link(), canvas)
    assert page.status_code == 200
    assert SCRIPT not in page.text
    assert "&lt;script&gt;" in page.text


def test_a_refusal_as_json(desk: Desk) -> None:
    answer = desk.app.test_client().get(
        desk.link(), base_url=BASE_URL, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "configuration_missing"
    assert answer.get_json()["request_id"]


# Several at once


def test_of_many_uses_of_one_link_exactly_one_goes_on(any_desk: Desk, server: LocalServer) -> None:
    generic, path = Generic(server), any_desk.link()
    page = any_desk.open(path, generic)
    begin = threading.Barrier(8)
    found: list[int] = []

    def press() -> None:
        begin.wait()
        found.append(any_desk.press(path, page).status_code)

    people = [threading.Thread(target=press) for _one in range(8)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sorted(found) == [200] + [410] * 7
    assert len(generic.posted) == 1
    assert len(any_desk.platforms()) == 1


def test_two_links_registering_one_lms_at_once_leave_one_platform(
    any_desk: Desk, server: LocalServer
) -> None:
    generic = Generic(server)
    paths = [any_desk.link(), any_desk.link()]
    pages = [any_desk.open(path, generic) for path in paths]
    begin = threading.Barrier(2)
    found: list[int] = []

    def press(number: int) -> None:
        begin.wait()
        found.append(any_desk.press(paths[number], pages[number]).status_code)

    people = [threading.Thread(target=press, args=(number,)) for number in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sorted(found) == [200, 409]
    assert len(any_desk.platforms()) == 1
