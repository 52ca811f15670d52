"""`/lti/login`, `/lti/launch`, the way through a new window, our public keys, `/to/…`.

LTI Security Framework 1.0, sections 5.1.1 and 6.3. Login and launch are tied to one browser by a
cookie of their own, so that any number of tabs can launch side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, jsonify, redirect, request
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from core.errors import NotFoundError
from core.web.sessions import COOKIE, set_cookie, set_session_cookie
from keys.ring import LTI_RING
from lti_tool.lti import launching, logins, parameters, rules
from lti_tool.lti.claims import safe_return_url
from lti_tool.lti.errors import LtiRefusedError
from lti_tool.lti.launching import Arrived, Launched
from lti_tool.lti.logins import Login
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.rules import RefusedError, Token
from lti_tool.lti.tool import LtiTool

EXTENSION = "milepost_lti"
LOGIN_COOKIE = f"{COOKIE}login-"
MAX_LOGIN_COOKIES = 10
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
    with _refusing():
        fields = parameters.once((request.form,), parameters.LAUNCH)
        if "error" in fields:
            raise RefusedError("login_required")
        token = rules.split_token(fields.get("id_token", ""))
        with tool.runtime.database.single() as direct:
            found = logins.find(direct, fields.get("state", ""))
        platform = tool.platforms.get(found.platform_id) if found else None
        if found is None or platform is None:
            raise RefusedError("state_invalid")
    _frame_in(platform)
    arrived = _judge(tool, found, platform, token)
    g.locale = arrived.launch.person.locale
    with _refusing(lambda: _to_course(arrived.launch.return_url, platform)):
        launched = _launch(tool, arrived)
    response = redirect(tool.targets.path(launched.target, launched.visit), 303)
    set_session_cookie(response, launched.started)  # type: ignore[arg-type]
    set_cookie(response, _cookie_name(found.id), "", max_age=0)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


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
    with tool.runtime.database.passing() as direct:
        begun = launching.begin_login(
            direct, tool, platform, hints, in_window=in_window, now=tool.runtime.now()
        )
    response: Any = redirect(begun.url, 302)
    held = [name for name in request.cookies if name.startswith(LOGIN_COOKIE)]
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
) -> Arrived:
    """Everything that is asked before a launch is written: browser, token, claims."""
    now = tool.runtime.now()
    database = tool.runtime.database
    with _refusing(lambda: _to_platform(platform)):
        launching.check_login_state(found, now)
        _check_browser(tool, found, platform)
        claims = launching.genuine_claims(tool, platform, token, now)
    with _refusing(lambda: _to_course(safe_return_url(claims, platform.frame_origins), platform)):
        if not launching.nonce_fits(found, claims):
            with database.single() as direct:
                launching.refuse_nonce(direct, claims)
        return launching.arrive(tool, found, platform, claims)


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


def _check_browser(tool: LtiTool, found: Login, platform: KnownPlatform) -> None:
    """The launch comes back to the browser that began the login."""
    if launching.is_same_browser(found, request.cookies.get(_cookie_name(found.id))):
        return
    if any(name.startswith(COOKIE) for name in request.cookies):
        raise RefusedError("state_mismatch")
    if found.in_window:
        raise LtiRefusedError(
            "storage_blocked",
            advice=_(
                "Allow cookies for this site in your browser's settings, then open the activity"
                " from your course again."
            ),
            actions=_to_platform(platform),
        )
    with tool.runtime.database.passing() as direct:
        ticket = logins.offer_window(direct, found.id)
    window_link = {
        "label": _("Open in a new window"),
        "url": f"/lti/window/{ticket}",
        "primary": True,
        "target": "_blank",
    }
    raise LtiRefusedError("storage_blocked", actions=[window_link])


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
