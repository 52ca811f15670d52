"""`/lti/login`, `/lti/launch`, the way through a new window, our public keys, `/to/…`.

LTI Security Framework 1.0, sections 5.1.1 and 6.3. Login and launch are tied to one browser by a
cookie of their own, so that any number of tabs can launch side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from core.errors import NotFoundError
from core.web.sessions import COOKIE, set_cookie, set_session_cookie
from keys.ring import LTI_RING
from lti_tool.lti import launching, logins, parameters, rules, storage, storage_pages
from lti_tool.lti.claims import safe_return_url
from lti_tool.lti.errors import LtiRefusedError
from lti_tool.lti.launching import Arrived, Launched
from lti_tool.lti.logins import Login
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.registration import note_waiting
from lti_tool.lti.rules import RefusedError, Token
from lti_tool.lti.storage import Place
from lti_tool.lti.tool import EXTENSION, LtiTool

LOGIN_COOKIE = f"{COOKIE}login-"
# Says nothing but that this browser keeps cookies here.
STORAGE_COOKIE = f"{COOKIE}kept"
MAX_LOGIN_COOKIES = 10
_LOGIN_NAME = re.compile(re.escape(LOGIN_COOKIE) + "[0-9a-f]{16}")
JWKS_SECONDS = 300
RETRY_SECONDS = 30
# A transaction that met another one at a unique constraint is begun anew this often.
TRIES = 4

blueprint = Blueprint("lti", __name__)


def install(app: Flask, tool: LtiTool) -> None:
    """Serve LTI on `app`."""
    app.extensions[EXTENSION] = tool
    app.before_request(_allow_frames)
    app.register_blueprint(blueprint)


def _tool() -> LtiTool:
    found: LtiTool = current_app.extensions[EXTENSION]
    return found


def _allow_frames() -> None:
    # Until the platform is known, a refusal must be readable in whatever frame it appears.
    if request.path.startswith("/lti/"):
        g.frame_ancestors = "*"


@contextmanager
def _refusing(way_back: Callable[[], list[dict[str, Any]]] = list) -> Iterator[None]:
    """Turn the rules' refusals into pages, with a way back where one is known."""
    try:
        yield
    except RefusedError as error:
        retry = RETRY_SECONDS if error.code.startswith("platform_keys_") else None
        raise LtiRefusedError(
            error.code, error.reason, actions=way_back(), retry_after=retry
        ) from error


@blueprint.route("/lti/login", methods=["GET", "POST"])
def login() -> Response:
    """Third-party-initiated login: send the browser on to the platform, tied by a cookie."""
    tool = _tool()
    with _refusing():
        hints = parameters.login_hints(
            parameters.once((request.args, request.form), parameters.LOGIN)
        )
        platform = launching.find_platform(tool, hints)
    _frame_in(platform)
    with _refusing(lambda: _to_platform(platform)):
        launching.check_login(tool, platform, hints)
    return _begin(tool, platform, hints, in_window=False)


@blueprint.get("/lti/window/<ticket>")
def window(ticket: str) -> Response:
    """Begin a login anew in a window of our own, where a browser keeps our cookies."""
    tool, now = _tool(), _tool().runtime.now()
    with _refusing(), tool.runtime.database.passing() as direct:
        taken = logins.take_ticket(direct, ticket, now)
        if taken is None:
            raise RefusedError("window_ticket_used")
    platform = tool.platforms.get(taken[0])
    with _refusing():
        if platform is None or platform.disabled:
            raise RefusedError("platform_disabled")
    hints = {**taken[2], "target_link_uri": taken[1]}
    return _begin(tool, platform, hints, in_window=True)


@blueprint.post("/lti/launch")
def launch() -> Response:
    """The platform's answer: an id_token and our state, posted by the browser."""
    tool = _tool()
    fields, token, found, platform = _answered(tool, parameters.LAUNCH)
    same = launching.is_same_browser(found, request.cookies.get(_cookie_name(found.id)))
    place = None if same else _storage_of(tool, found, platform)

    def check() -> None:
        if not same and place is None:
            _refuse_browser(tool, found, platform)

    arrived = _judge(tool, found, platform, token, check)
    if place is not None:
        return _ask_storage(tool, found, place, fields)
    return _enter(tool, found, platform, arrived)


@blueprint.get("/lti/launch")
@blueprint.get("/lti/launch/storage")
def opened_by_hand() -> Response:
    """Somebody loads a launch's address once more, or has kept it as a bookmark."""
    refused = LtiRefusedError("method_not_allowed")
    refused.headers["Allow"] = "POST"
    raise refused


@blueprint.post("/lti/launch/storage")
def launch_by_storage() -> Response:
    """The same launch, posted by our own page together with what the platform's page kept."""
    tool = _tool()
    fields, token, found, platform = _answered(tool, parameters.STORAGE)
    sticks = STORAGE_COOKIE in request.cookies

    def check() -> None:
        # Whoever began the login knows all these values; our own page alone has asked for them.
        ours = request.headers.get("Origin") == tool.runtime.config.base_url
        if not ours or _storage_of(tool, found, platform) is None:
            raise RefusedError("state_mismatch")
        storage.check_kept(found, fields.get("state", ""), fields)
        if not sticks:
            _refuse_browser(tool, found, platform)

    response = _enter(tool, found, platform, _judge(tool, found, platform, token, check))
    set_cookie(response, STORAGE_COOKIE, "", max_age=0)
    return response


def _answered(
    tool: LtiTool, wanted: tuple[str, ...]
) -> tuple[dict[str, str], Token, Login, KnownPlatform]:
    """A launch's fields, its token taken apart, and the login that it answers."""
    platform: KnownPlatform | None = None
    with _refusing(lambda: _to_platform(platform) if platform else []):
        fields = parameters.once((request.form,), wanted)
        with tool.runtime.database.single() as direct:
            found = logins.find(direct, fields.get("state", ""))
        platform = tool.platforms.get(found.platform_id) if found else None
        if platform is not None:
            _frame_in(platform)
        if "error" in fields:
            raise RefusedError("login_required")
        token = rules.split_token(fields.get("id_token", ""))
        if found is None or platform is None:
            raise RefusedError("state_invalid")
    return fields, token, found, platform


def _enter(tool: LtiTool, found: Login, platform: KnownPlatform, arrived: Arrived) -> Response:
    """Write the launch, and lead to its page with the session's cookie."""
    g.locale = arrived.launch.person.locale
    with _refusing(lambda: _to_course(arrived.launch.return_url, platform)):
        launched = _launch(tool, arrived)
    response = _to(tool.targets.path(launched.target, launched.visit), 303)
    set_session_cookie(response, launched.started)
    set_cookie(response, _cookie_name(found.id), "", max_age=0)
    return response


@blueprint.get("/.well-known/jwks.json")
def jwks() -> Response:
    """Our public keys (RFC 7517), with those that are being retired."""
    response = jsonify(_tool().ring.jwks(LTI_RING))
    response.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
    return response


@blueprint.get("/to/<path:target>")
def to(target: str) -> Response:
    """A link's own address, opened without a launch: say where it opens from."""
    g.frame_ancestors = "*"
    try:
        _tool().targets.parse(target)
    except RefusedError:
        raise NotFoundError(_("There is nothing at this address.")) from None
    raise LtiRefusedError("launch_needed")


def _begin(
    tool: LtiTool, platform: KnownPlatform, hints: dict[str, str], *, in_window: bool
) -> Response:
    with tool.runtime.database.single() as direct:
        begun = launching.begin_login(
            direct, tool, platform, hints, in_window=in_window, now=tool.runtime.now()
        )
    place = None if in_window else storage.place(hints, platform, begun.id)
    response: Any = _to(begun.url, 302) if place is None else storage_pages.keep_page(begun, place)
    held = [name for name in request.cookies if _LOGIN_NAME.fullmatch(name)]
    for name in held[: max(0, len(held) - MAX_LOGIN_COOKIES + 1)]:
        set_cookie(response, name, "", max_age=0)
    set_cookie(response, _cookie_name(begun.id), begun.cookie, max_age=logins.COOKIE_SECONDS)
    found: Response = response
    return found


def _judge(
    tool: LtiTool,
    found: Login,
    platform: KnownPlatform,
    token: Token,
    check_browser: Callable[[], object],
) -> Arrived:
    """Everything that is asked before a launch is written: browser, token, claims."""
    now = tool.runtime.now()
    database = tool.runtime.database
    with _refusing(lambda: _to_platform(platform)):
        launching.check_login_state(found, now)
        check_browser()
        claims = launching.genuine_claims(tool, platform, token, now)
    with _refusing(lambda: _to_course(safe_return_url(claims, platform.frame_origins), platform)):
        if not launching.nonce_fits(found, claims):
            with database.single() as direct:
                launching.refuse_nonce(direct, claims)
        try:
            return launching.arrive(tool, found, platform, claims)
        except RefusedError as error:
            if error.code == "deployment_unknown" and not error.reason:
                _note_waiting(tool, platform, rules.deployment_of(claims))
            raise


def _note_waiting(tool: LtiTool, platform: KnownPlatform, deployment_id: str) -> NoReturn:
    """A known LMS came from a new place: leave it for an administrator to approve."""
    owner = {"owner_id": platform.owner_id, "owner_path": platform.owner_path}
    with tool.runtime.database.transaction() as session:
        waits = note_waiting(session, platform.id, owner, deployment_id, tool.runtime.now())
    raise RefusedError("deployment_unknown", "waiting" if waits else "") from None


def _launch(tool: LtiTool, arrived: Arrived) -> Launched:
    tries = 1
    while True:
        try:
            # After a power cut one opens the activity again, and the LMS says it all anew.
            with tool.runtime.database.passing() as direct:
                return launching.launch(direct, tool, arrived, tool.runtime.now())
        except IntegrityError:
            # The same person or course came in for the first time twice at once.
            if tries == TRIES:
                raise
            tries += 1


def _refuse_browser(tool: LtiTool, found: Login, platform: KnownPlatform) -> NoReturn:
    """The launch came without its login's cookie: from another browser, or from one without any."""
    if any(name.startswith(COOKIE) for name in request.cookies):
        raise RefusedError("state_mismatch")
    # A page of its own, as in an LMS's app, keeps no more cookies in another window.
    if found.in_window or request.headers.get("Sec-Fetch-Dest") == "document":
        raise LtiRefusedError(
            "storage_blocked",
            advice=_(
                "Allow cookies for this site in your browser's settings, then open the activity"
                " from your course again. In your LMS's app, open your course in the phone's own"
                " browser instead."
            ),
            actions=_to_platform(platform),
        )
    window_link = {
        "label": _("Open in a new window"),
        "url": _window_url(tool, found),
        "primary": True,
        "target": "_blank",
    }
    way_back = [{**action, "primary": False} for action in _to_platform(platform)]
    raise LtiRefusedError("storage_blocked", actions=[window_link, *way_back])


def _window_url(tool: LtiTool, found: Login) -> str:
    with tool.runtime.database.passing() as direct:
        return f"/lti/window/{logins.offer_window(direct, found.id)}"


def _storage_of(tool: LtiTool, found: Login, platform: KnownPlatform) -> Place | None:
    """Where the platform's page has kept this login's secrets; None where it was not asked to."""
    if found.in_window:
        return None
    with tool.runtime.database.single() as direct:
        return storage.place(logins.hints_of(direct, found.id), platform, found.id)


def _ask_storage(tool: LtiTool, found: Login, place: Place, fields: dict[str, str]) -> Response:
    """Our page asks the platform's; its post tells us whether this frame keeps any cookie."""
    response = storage_pages.ask_page(
        place,
        id_token=fields["id_token"],
        state=fields["state"],
        window_url=_window_url(tool, found),
    )
    set_cookie(response, STORAGE_COOKIE, "1", max_age=logins.COOKIE_SECONDS)
    return response


def _to(url: str, status: int) -> Response:
    """A redirect without the page that Werkzeug draws for browsers that do not follow one."""
    return Response(status=status, headers={"Location": url})


def _cookie_name(login_id: Any) -> str:
    # Short, so that it is told from the longer names of session cookies.
    return f"{LOGIN_COOKIE}{login_id.hex[:16]}"


def _frame_in(platform: KnownPlatform) -> None:
    if platform.frame_origins:
        g.frame_ancestors = " ".join(["'self'", *platform.frame_origins])


def _to_course(return_url: str | None, platform: KnownPlatform) -> list[dict[str, Any]]:
    if return_url is None:
        return _to_platform(platform)
    return [
        {
            "label": _("Back to your course in %(platform)s", platform=platform.name),
            "url": return_url,
            "primary": True,
            "target": "_top",
        }
    ]


def _to_platform(platform: KnownPlatform) -> list[dict[str, Any]]:
    if platform.home_url is None:
        return []
    return [
        {
            "label": _("Back to %(platform)s", platform=platform.name),
            "url": platform.home_url,
            "primary": True,
            "target": "_top",
        }
    ]
