"""Third-party-initiated login and the authorization endpoint.

LTI Security Framework 1.0, section 5.1.1; OpenID Connect Core 1.0, sections 3.2.2 and 4.
"""

import secrets
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from lti_tool.sandbox import line_items, links, messages
from lti_tool.sandbox.claims import TARGET_WINDOW, TARGETS, Launch, build
from lti_tool.sandbox.clock import as_text
from lti_tool.sandbox.config import SandboxConfig
from lti_tool.sandbox.errors import AuthorizationRefusedError, NotFoundError
from lti_tool.sandbox.people import COURSES, PEOPLE
from lti_tool.sandbox.platform_key import PlatformKey
from lti_tool.sandbox.store import Store

HINT_LIVES = timedelta(minutes=10)
LONGEST_VALUE = 4096

_REQUIRED = {
    "response_type": ("id_token", "unsupported_response_type"),
    "response_mode": ("form_post", "invalid_request"),
    "prompt": ("none", "invalid_request"),
}


class Initiation(NamedTuple):
    """What the LMS sends to the tool's login address to begin a launch."""

    url: str
    params: dict[str, str]


class AuthorizationResponse(NamedTuple):
    """What the LMS has the browser post to the tool: an id_token, or an error."""

    url: str
    fields: dict[str, str]


class _DeniedError(Exception):
    """An error that goes back to the tool by form post."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code = code
        self.description = description


def initiate(
    store: Store, config: SandboxConfig, person_id: str, link_id: str, target: str, now: datetime
) -> Initiation:
    """Begin a launch of a resource link by a person.

    The message hint is an opaque id of what was begun; it may be used again for ten minutes, so
    that a reload works.

    Raises:
        NotFoundError: no such person or link, the course does not admit the person, or the target
            is neither ``iframe`` nor ``window``.
    """
    person = PEOPLE.get(person_id)
    with store.write() as connection:
        link = links.get(connection, link_id)
        if person is None or not COURSES[link.course_id].admits(person) or target not in TARGETS:
            raise NotFoundError(f"person {person_id!r} in course {link.course_id!r}")
        hint = secrets.token_urlsafe(18)
        connection.execute("DELETE FROM launch_hints WHERE expires_at <= ?", (as_text(now),))
        connection.execute(
            "INSERT INTO launch_hints (id, person_id, resource_link_id, target, expires_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (hint, person_id, link_id, target, as_text(now + HINT_LIVES)),
        )
    params = {
        "iss": config.issuer,
        "login_hint": person_id,
        "lti_message_hint": hint,
        "target_link_uri": link.target_link_uri,
        "client_id": config.client_id,
        "lti_deployment_id": config.deployment_id,
    }
    return Initiation(config.tool_login_url, params)


def initiate_message(
    connection: sqlite3.Connection, config: SandboxConfig, hint: str
) -> Initiation:
    """The login of a message other than a link's, begun under ``hint``.

    Raises:
        NotFoundError: nothing was begun under this hint.
    """
    message = messages.kept(connection, hint)
    params = {
        "iss": config.issuer,
        "login_hint": message.person_id,
        "lti_message_hint": hint,
        "target_link_uri": messages.target_link_uri(connection, config, message),
        "client_id": config.client_id,
        "lti_deployment_id": config.deployment_id,
    }
    return Initiation(config.tool_login_url, params)


def authorize(
    store: Store,
    config: SandboxConfig,
    key: PlatformKey,
    params: Mapping[str, str],
    signed_in: str | None,
    now: datetime,
) -> AuthorizationResponse:
    """Answer an authorization request.

    Args:
        store: where the message hints are kept.
        config: the settings.
        key: signs the id_token.
        params: the request's parameters, none of them repeated.
        signed_in: id of the person whom this browser is signed in as, or None.
        now: the present moment.

    Raises:
        AuthorizationRefusedError: the client or its redirect address is not known, so that there
            is nobody to answer to.
    """
    if params.get("client_id") != config.client_id:
        raise AuthorizationRefusedError("client_unknown")
    redirect_uri = params.get("redirect_uri", "")
    if redirect_uri not in config.tool_redirect_uris:
        raise AuthorizationRefusedError("redirect_uri_unknown")
    try:
        fields = {"id_token": _id_token(store, config, key, params, signed_in, now)}
    except _DeniedError as denied:
        fields = {"error": denied.code, "error_description": denied.description}
    if "state" in params:
        fields["state"] = params["state"]
    return AuthorizationResponse(redirect_uri, fields)


def _id_token(
    store: Store,
    config: SandboxConfig,
    key: PlatformKey,
    params: Mapping[str, str],
    signed_in: str | None,
    now: datetime,
) -> str:
    _check_parameters(params)
    if signed_in is None or signed_in not in PEOPLE:
        raise _DeniedError("login_required", "Nobody is signed in.")
    if params.get("login_hint") != signed_in:
        raise _DeniedError("login_required", "Somebody else is signed in.")
    hint = params.get("lti_message_hint", "")
    with store.read() as connection:
        message = messages.begun(connection, hint, signed_in, now)
        if message is not None:
            return key.sign(messages.build(connection, config, message, params["nonce"], now))
        launch = _begun(connection, config, hint, signed_in, now)
    return key.sign(build(config, launch, params["nonce"], now))


def _check_parameters(params: Mapping[str, str]) -> None:
    if any(len(value) > LONGEST_VALUE for value in params.values()):
        raise _DeniedError("invalid_request", "A parameter is too long.")
    if "openid" not in params.get("scope", "").split():
        raise _DeniedError("invalid_scope", "scope must be openid.")
    for name, (value, code) in _REQUIRED.items():
        if params.get(name) != value:
            raise _DeniedError(code, f"{name} must be {value}.")
    if not params.get("nonce"):
        raise _DeniedError("invalid_request", "nonce is missing.")


def _begun(
    connection: sqlite3.Connection,
    config: SandboxConfig,
    hint: str,
    person_id: str,
    now: datetime,
) -> Launch:
    """The launch that the message hint stands for."""
    row = connection.execute(
        "SELECT * FROM launch_hints WHERE id = ? AND expires_at > ?", (hint, as_text(now))
    ).fetchone()
    if row is None or row["person_id"] != person_id:
        raise _DeniedError("invalid_request", "lti_message_hint is not one of this person's.")
    try:
        link = config.limited(links.get(connection, row["resource_link_id"]))
    except NotFoundError as error:
        raise _DeniedError("invalid_request", "The activity is no longer offered.") from error
    return Launch(
        person=PEOPLE[person_id],
        course=COURSES[link.course_id],
        link=link,
        line_item=line_items.coupled_to(connection, link.id),
        target=row["target"] or TARGET_WINDOW,
    )
