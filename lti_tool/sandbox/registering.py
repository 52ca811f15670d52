"""Tools that register themselves (IMS LTI Dynamic Registration 1.0), as Moodle or as Canvas do it.

Moodle answers 200 as text/html, tells the deployment, drops placements and, when a tool of the
same host comes again, updates what it has. Canvas answers 201 and tells no deployment.
"""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import urlsplit

from lti_tool.sandbox.clock import as_text
from lti_tool.sandbox.config import SandboxConfig
from lti_tool.sandbox.errors import NotFoundError, ServiceError
from lti_tool.sandbox.links import ResourceLink
from lti_tool.sandbox.vocabulary import ALL_SCOPES, TOOL_CONFIGURATION

MOODLE, CANVAS, PLAIN = "moodle", "canvas", "plain"
VARIANTS = (MOODLE, CANVAS, PLAIN)
TOKEN_LIVES = timedelta(hours=1)
LONGEST_TEXT = 1000
_MESSAGES_DROPPED_BY_MOODLE = ("placements", "label", "icon_uri")

# Beside the first version's tables, so that a kept folder gets them as well.
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS registration_tokens (
        digest TEXT PRIMARY KEY, variant TEXT NOT NULL, expires_at TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS registered_tools (
        number INTEGER PRIMARY KEY AUTOINCREMENT, client_id TEXT NOT NULL UNIQUE,
        deployment_id TEXT NOT NULL, variant TEXT NOT NULL, active INTEGER NOT NULL,
        document TEXT NOT NULL)""",
)


@dataclass(frozen=True)
class RegisteredTool:
    """A tool that registered itself."""

    number: int
    client_id: str
    deployment_id: str
    variant: str
    active: bool
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the tool calls itself."""
        return str(self.document["client_name"])

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Its LTI part."""
        found: Mapping[str, Any] = self.document[TOOL_CONFIGURATION]
        return found


@dataclass(frozen=True)
class RegisteredConfig(SandboxConfig):
    """The LMS's settings as they are towards a tool that registered itself."""

    login_url: str = ""
    redirect_uris: tuple[str, ...] = ()
    jwks_url_of_tool: str = ""
    claims: frozenset[str] = frozenset()
    custom: Mapping[str, str] = field(default_factory=dict)

    @property
    def tool_login_url(self) -> str:
        """As it was registered."""
        return self.login_url

    @property
    def tool_redirect_uris(self) -> tuple[str, ...]:
        """As they were registered."""
        return self.redirect_uris

    @property
    def tool_jwks_url(self) -> str:
        """As it was registered."""
        return self.jwks_url_of_tool

    def limited(self, link: ResourceLink) -> ResourceLink:
        """The tool's own parameters, and no more about people than it has asked for."""
        return replace(
            link,
            custom={**self.custom, **link.custom},
            share_name=link.share_name and "name" in self.claims,
            share_email=link.share_email and "email" in self.claims,
        )


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables where they are not there yet."""
    for statement in _SCHEMA:
        connection.execute(statement)


def config_for(tool: RegisteredTool, config: SandboxConfig) -> RegisteredConfig:
    """The settings towards `tool`."""
    kept = {one.name: getattr(config, one.name) for one in fields(SandboxConfig)}
    document = tool.document
    return RegisteredConfig(
        **{**kept, "client_id": tool.client_id, "deployment_id": tool.deployment_id},
        login_url=document["initiate_login_uri"],
        redirect_uris=tuple(document["redirect_uris"]),
        jwks_url_of_tool=document["jwks_uri"],
        claims=frozenset(_texts(tool.configuration.get("claims"))),
        custom={
            str(name): value
            for name, value in (tool.configuration.get("custom_parameters") or {}).items()
            if isinstance(value, str)
        },
    )


def mint_token(connection: sqlite3.Connection, variant: str, now: datetime) -> str:
    """A token that lets one tool register within an hour."""
    if variant not in VARIANTS:
        raise NotFoundError(f"variant {variant!r}")
    token = secrets.token_urlsafe(32)
    connection.execute("DELETE FROM registration_tokens WHERE expires_at <= ?", (as_text(now),))
    connection.execute(
        "INSERT INTO registration_tokens (digest, variant, expires_at) VALUES (?, ?, ?)",
        (_digest(token), variant, as_text(now + TOKEN_LIVES)),
    )
    return token


def variant_of(connection: sqlite3.Connection, authorization: str | None, now: datetime) -> str:
    """The variant that a bearer token was made for; 401 where it is unknown, used or too old."""
    scheme, _, token = (authorization or "").partition(" ")
    row = None
    if scheme.lower() == "bearer":
        row = connection.execute(
            "SELECT variant FROM registration_tokens WHERE digest = ? AND expires_at > ?",
            (_digest(token.strip()), as_text(now)),
        ).fetchone()
    if row is None:
        raise ServiceError(
            401, "invalid_token", "A registration token is needed that was not used before."
        )
    return str(row["variant"])


def register(
    connection: sqlite3.Connection,
    config: SandboxConfig,
    authorization: str | None,
    document: Mapping[str, Any],
    now: datetime,
) -> RegisteredTool:
    """Take a tool in and use the token up.

    Raises:
        ServiceError: 401 for the token, 400 for a document that is incomplete or not the
            neighbour's, whom alone our pages may frame.
    """
    variant = variant_of(connection, authorization, now)
    _check(document, config)
    token = str(authorization).partition(" ")[2].strip()
    connection.execute("DELETE FROM registration_tokens WHERE digest = ?", (_digest(token),))
    known = _of_same_host(connection, document) if variant == MOODLE else None
    if known is not None:
        connection.execute(
            "UPDATE registered_tools SET document = ? WHERE number = ?",
            (json.dumps(document), known.number),
        )
        return get(connection, known.client_id)
    client_id = (
        secrets.token_hex(8) if variant != CANVAS else str(10**13 + secrets.randbelow(10**6))
    )
    made = connection.execute(
        "INSERT INTO registered_tools (client_id, deployment_id, variant, active, document)"
        " VALUES (?, '', ?, 0, ?)",
        (client_id, variant, json.dumps(document)),
    )
    number = int(made.lastrowid or 0)
    # One above the deployment of the settings, which is usually 1.
    place = str(number + 1) if variant != CANVAS else f"{number}:{secrets.token_hex(20)}"
    connection.execute(
        "UPDATE registered_tools SET deployment_id = ? WHERE number = ?", (place, number)
    )
    return get(connection, client_id)


def answer_of(tool: RegisteredTool) -> dict[str, Any]:
    """What the tool is told: its own document as far as it is kept, and what we gave it."""
    ours = dict(tool.configuration)
    if tool.variant != CANVAS:
        ours["deployment_id"] = tool.deployment_id
    if tool.variant == MOODLE:
        ours["messages"] = [
            {key: value for key, value in one.items() if key not in _MESSAGES_DROPPED_BY_MOODLE}
            for one in ours.get("messages", [])
            if one.get("type") == "LtiDeepLinkingRequest"
        ]
    scopes = [scope for scope in str(tool.document.get("scope", "")).split() if scope in ALL_SCOPES]
    return {
        **tool.document,
        "client_id": tool.client_id,
        "scope": " ".join(scopes),
        TOOL_CONFIGURATION: ours,
    }


def every(connection: sqlite3.Connection) -> list[RegisteredTool]:
    """The registered tools, oldest first."""
    rows = connection.execute("SELECT * FROM registered_tools ORDER BY number")
    return [_from_row(row) for row in rows]


def get(connection: sqlite3.Connection, client_id: str) -> RegisteredTool:
    """One registered tool. Raises NotFoundError."""
    row = connection.execute(
        "SELECT * FROM registered_tools WHERE client_id = ?", (client_id,)
    ).fetchone()
    if row is None:
        raise NotFoundError(f"tool {client_id!r}")
    return _from_row(row)


def activate(connection: sqlite3.Connection, client_id: str) -> None:
    """Switch a tool on, which waits for that after registering."""
    get(connection, client_id)
    connection.execute("UPDATE registered_tools SET active = 1 WHERE client_id = ?", (client_id,))


def delete(connection: sqlite3.Connection, client_id: str) -> None:
    """Forget a tool."""
    get(connection, client_id)
    connection.execute("DELETE FROM registered_tools WHERE client_id = ?", (client_id,))


def _from_row(row: sqlite3.Row) -> RegisteredTool:
    return RegisteredTool(
        number=row["number"],
        client_id=row["client_id"],
        deployment_id=row["deployment_id"],
        variant=row["variant"],
        active=bool(row["active"]),
        document=json.loads(row["document"]),
    )


def _of_same_host(
    connection: sqlite3.Connection, document: Mapping[str, Any]
) -> RegisteredTool | None:
    host = document[TOOL_CONFIGURATION]["domain"]
    for tool in every(connection):
        if tool.variant == MOODLE and tool.configuration["domain"] == host:
            return tool
    return None


def _check(document: Mapping[str, Any], config: SandboxConfig) -> None:
    """What Moodle insists on, and that the tool is the one neighbour of this LMS."""
    ours = document.get(TOOL_CONFIGURATION)
    texts = [document.get(name) for name in ("client_name", "initiate_login_uri", "jwks_uri")]
    if isinstance(ours, dict):
        texts += [ours.get("domain"), ours.get("target_link_uri")]
    if not isinstance(ours, dict) or not all(_is_text(one) for one in texts):
        _refuse("client_name, initiate_login_uri, jwks_uri, domain and target_link_uri are needed.")
    redirects = document.get("redirect_uris")
    if not isinstance(redirects, list) or not redirects or not all(map(_is_text, redirects)):
        raise ServiceError(400, "invalid_redirect_uri", "redirect_uris must list addresses.")
    if document.get("token_endpoint_auth_method") != "private_key_jwt":
        _refuse("token_endpoint_auth_method must be private_key_jwt.")
    if "id_token" not in (document.get("response_types") or []):
        _refuse("response_types must hold id_token.")
    if ours["domain"] != urlsplit(ours["target_link_uri"]).netloc:
        _refuse("domain must be host and port of target_link_uri.")
    places = [document["initiate_login_uri"], document["jwks_uri"], *redirects]
    if any(_origin(one) != config.tool_base_url for one in places):
        _refuse(f"This LMS works with the tool at {config.tool_base_url} only.")
    if not isinstance(ours.get("custom_parameters", {}), dict):
        _refuse("custom_parameters must be an object.")
    messages = ours.get("messages", [])
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        _refuse("messages must be a list of objects.")


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _refuse(message: str) -> NoReturn:
    raise ServiceError(400, "invalid_client_metadata", message)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
