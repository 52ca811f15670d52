"""The practice LMS as a Flask application."""

import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, render_template, request
from flask_babel import Babel
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from lti_tool.sandbox.clock import Clock, system_clock
from lti_tool.sandbox.config import SandboxConfig
from lti_tool.sandbox.errors import ServiceError
from lti_tool.sandbox.platform_key import read_or_make
from lti_tool.sandbox.sandbox import Sandbox
from lti_tool.sandbox.tool_keys import FetchJwks, fetch_over_http
from lti_tool.sandbox.views.common import EXTENSION, the_sandbox
from lti_tool.sandbox.views.launch import launch
from lti_tool.sandbox.views.messages import messages
from lti_tool.sandbox.views.pages import pages
from lti_tool.sandbox.views.services import as_json, services
from lti_tool.sandbox.views.storage import storage
from lti_tool.sandbox.views.tools import tools

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
COOKIE_KEY_FILE = "cookie-key"
LARGEST_BODY_BYTES = 256 * 1024
JSON_PATHS = ("/services/", "/token", "/jwks.json", "/.well-known/", "/registration")
_LOOPBACK_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)


def create_sandbox(
    config: SandboxConfig,
    *,
    fetch_jwks: FetchJwks = fetch_over_http,
    clock: Clock = system_clock,
) -> Flask:
    """The practice LMS over one data folder.

    Args:
        config: the settings; making them refuses every environment but ``demo`` and ``test``.
        fetch_jwks: reads the tool's key set, given its address; over HTTP unless told otherwise.
        clock: tells the present moment, aware.

    Raises:
        SandboxDataError: the data folder cannot be used.
    """
    app = Flask(__name__, template_folder=str(TEMPLATES), static_folder="static")
    sandbox = Sandbox(config, fetch_jwks=fetch_jwks, clock=clock)
    app.extensions[EXTENSION] = sandbox
    secret = read_or_make(config.data_dir / COOKIE_KEY_FILE, secrets.token_hex(32).encode())
    app.config.update(
        SECRET_KEY=secret,
        SERVER_NAME=urlsplit(config.base_url).netloc,
        PREFERRED_URL_SCHEME=urlsplit(config.base_url).scheme,
        SESSION_COOKIE_NAME="practice_lms",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.base_url.startswith("https:"),
        MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY_BYTES,
        MAX_FORM_PARTS=100,
        BABEL_DEFAULT_LOCALE="en",
        BABEL_DEFAULT_TIMEZONE="UTC",
    )
    if config.translations_dir is not None:
        app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(config.translations_dir)
    Babel(app, locale_selector=_locale)
    for blueprint in (pages, launch, messages, services, storage, tools):
        app.register_blueprint(blueprint)
    app.before_request(_one_host_only)
    app.after_request(_guard_headers)
    app.register_error_handler(ServiceError, _told_as_json)
    app.register_error_handler(HTTPException, _told_to_people)
    return app


def sandbox_of(app: Flask) -> Sandbox:
    """The object behind an application that ``create_sandbox`` made."""
    sandbox: Sandbox = app.extensions[EXTENSION]
    return sandbox


def _locale() -> str:
    """The best catalogue for the browser's languages; English is the language of the source."""
    folder = the_sandbox().config.translations_dir
    offered = {"en": "en"}
    if folder is not None and folder.is_dir():
        offered |= {entry.name.replace("_", "-"): entry.name for entry in folder.iterdir()}
    return offered[request.accept_languages.best_match(offered, "en")]


def _one_host_only() -> BaseResponse | None:
    """Other names of this machine lead to the one address; foreign names are refused.

    Cookies and tokens belong to one site, and a foreign name may be a rebinding attack.
    """
    config = the_sandbox().config
    canonical = urlsplit(config.base_url)
    if request.host == canonical.netloc:
        return None
    if _LOOPBACK_HOST.fullmatch(request.host):
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        return redirect(f"{config.base_url}{request.path}{query}", 307)
    return BaseResponse(
        f"This LMS answers at {config.base_url} only.\n", 421, mimetype="text/plain"
    )


def _guard_headers(response: Response) -> Response:
    tool = the_sandbox().config.tool_base_url
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"frame-src 'self' {tool}; form-action 'self' {tool}; "
        "frame-ancestors 'self'; base-uri 'none'",
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    # The tool may compare Origin, so forms must not be posted with an origin of null.
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    return response


def _told_as_json(error: ServiceError) -> BaseResponse:
    response = as_json(
        {"error": error.code, "error_description": error.message}, status=error.status
    )
    for name, value in {"Cache-Control": "no-store", **error.headers}.items():
        response.headers[name] = value
    return response


def _told_to_people(error: HTTPException) -> BaseResponse:
    """HTTP's own errors: JSON for services, a page for people."""
    status = error.code or 500
    if error.response is not None or 300 <= status < 400:
        return error.get_response()
    if request.path.startswith(JSON_PATHS):
        code = "invalid_request" if status == 400 else error.name.lower().replace(" ", "_")
        response = _told_as_json(ServiceError(status, code, str(error.description)))
    else:
        title, message = _words(error, status)
        page = render_template("sandbox/error.html", title=title, message=message, status=status)
        response = BaseResponse(page, status, mimetype="text/html")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _words(error: HTTPException, status: int) -> tuple[str, str]:
    """Title and sentence of an error page."""
    if status == 404:
        return _("There is nothing here"), _(
            "The address may be mistyped, or the activity is no longer offered."
        )
    if status == 403:
        return _("This is not for you"), _(
            "The person you are here cannot open this page. Pick another person, or go back."
        )
    if status == 405:
        return _("That does not work here"), _("Go back to the front page and begin again.")
    if status == 413:
        return _("That was too much"), _("What was sent is larger than this LMS takes.")
    if status >= 500:
        return _("Something broke"), _("This LMS made a mistake. Nothing you typed caused it.")
    return _("That could not be understood"), str(error.description)
