"""Messages other than a link's: the picker, a learner's work from the gradebook, data privacy.

Deep Linking 2.0, section 4.4; Submission Review 1.0, section 3. What was begun is kept under an
opaque hint, as for links.
"""

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lti_tool.sandbox import line_items, links
from lti_tool.sandbox.addresses import Addresses
from lti_tool.sandbox.claims import (
    FRAME_HEIGHT,
    FRAME_WIDTH,
    TARGET_FRAME,
    TARGETS,
    TOKEN_LIVES_SECONDS,
    platform_claim,
    substituted,
)
from lti_tool.sandbox.clock import as_text
from lti_tool.sandbox.config import SandboxConfig
from lti_tool.sandbox.errors import NotFoundError
from lti_tool.sandbox.people import COURSES, PEOPLE
from lti_tool.sandbox.roster import personal_data
from lti_tool.sandbox.vocabulary import (
    AGS_CLAIM,
    AGS_SCOPES,
    CLAIM,
    COURSE_SECTION,
    DEEP_LINKING_REQUEST,
    DL_CLAIM,
    LTI_VERSION,
    RESOURCE_LINK_TYPE,
    SUBMISSION_REVIEW_REQUEST,
)

HINT_LIVES = timedelta(hours=2)


@dataclass(frozen=True)
class Message:
    """A message that somebody begun: its type, who, in which course, and what it is about."""

    id: str
    message: str
    person_id: str
    course_id: str
    resource_link_id: str
    line_item_id: int | None
    about_id: str
    target: str
    answered: int


def begin(
    connection: sqlite3.Connection,
    message: str,
    person_id: str,
    now: datetime,
    *,
    course_id: str = "",
    link_id: str = "",
    line_item_id: int | None = None,
    about_id: str = "",
    target: str = TARGET_FRAME,
) -> str:
    """Keep what was begun; its hint comes back.

    Raises:
        NotFoundError: the target is neither ``iframe`` nor ``window``.
    """
    if target not in TARGETS:
        raise NotFoundError(f"target {target!r}")
    hint = secrets.token_urlsafe(18)
    connection.execute("DELETE FROM message_hints WHERE expires_at <= ?", (as_text(now),))
    connection.execute(
        "INSERT INTO message_hints (id, message, person_id, course_id, resource_link_id,"
        " line_item_id, about_id, target, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (hint, message, person_id, course_id, link_id, line_item_id, about_id, target,
         as_text(now + HINT_LIVES)),
    )  # fmt: skip
    return hint


def begun(
    connection: sqlite3.Connection, hint: str, person_id: str, now: datetime
) -> Message | None:
    """The message that the hint stands for, if it is this person's and not too old."""
    row = connection.execute(
        "SELECT * FROM message_hints WHERE id = ? AND person_id = ? AND expires_at > ?",
        (hint, person_id, as_text(now)),
    ).fetchone()
    return _from_row(row) if row is not None else None


def kept(connection: sqlite3.Connection, hint: str) -> Message:
    """The message that was begun under ``hint``.

    Raises:
        NotFoundError: there is none.
    """
    row = connection.execute("SELECT * FROM message_hints WHERE id = ?", (hint,)).fetchone()
    if row is None:
        raise NotFoundError("message hint")
    return _from_row(row)


def awaiting_items(connection: sqlite3.Connection, hint: str, now: datetime) -> Message | None:
    """The visit to the picker whose answer has not come yet."""
    row = connection.execute(
        "SELECT * FROM message_hints WHERE id = ? AND message = ? AND answered = 0"
        " AND expires_at > ?",
        (hint, DEEP_LINKING_REQUEST, as_text(now)),
    ).fetchone()
    return _from_row(row) if row is not None else None


def _from_row(row: sqlite3.Row) -> Message:
    return Message(**{name: row[name] for name in Message.__dataclass_fields__})


def target_link_uri(connection: sqlite3.Connection, config: SandboxConfig, message: Message) -> str:
    """The address that login and message name: the link's, or the tool itself."""
    if message.resource_link_id:
        return links.get(connection, message.resource_link_id).target_link_uri
    return config.tool_redirect_uris[0]


def build(
    connection: sqlite3.Connection,
    config: SandboxConfig,
    message: Message,
    nonce: str,
    now: datetime,
) -> dict[str, Any]:
    """Every claim of the id_token that answers the tool's request."""
    person, course = PEOPLE[message.person_id], COURSES.get(message.course_id)
    issued_at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": config.issuer,
        "sub": person.id,
        "aud": config.client_id,
        "azp": config.client_id,
        "iat": issued_at,
        "exp": issued_at + TOKEN_LIVES_SECONDS,
        "nonce": nonce,
        "locale": person.locale,
        **personal_data(person, None),
        f"{CLAIM}message_type": message.message,
        f"{CLAIM}version": LTI_VERSION,
        f"{CLAIM}deployment_id": config.deployment_id,
        f"{CLAIM}target_link_uri": target_link_uri(connection, config, message),
        f"{CLAIM}roles": course.roles_of(person) if course else _roles_anywhere(person.id),
        f"{CLAIM}tool_platform": platform_claim(config),
        f"{CLAIM}launch_presentation": _presentation(message),
    }
    if course is not None:
        claims[f"{CLAIM}context"] = {
            "id": course.id,
            "label": course.label,
            "title": course.title,
            "type": [COURSE_SECTION],
        }
    if message.message == DEEP_LINKING_REQUEST:
        return {**claims, **_deep_linking(config, message)}
    claims[f"{CLAIM}for_user"] = {"user_id": message.about_id or person.id}
    if message.message == SUBMISSION_REVIEW_REQUEST:
        claims |= _review(connection, config, message)
    return claims


def _roles_anywhere(person_id: str) -> list[str]:
    """Without a course: what the person is in the whole LMS."""
    person = PEOPLE[person_id]
    return next(iter(COURSES.values())).roles_of(person) if person.is_administrator else []


def _presentation(message: Message) -> dict[str, Any]:
    shown: dict[str, Any] = {"document_target": message.target}
    if message.target == TARGET_FRAME:
        shown |= {"width": FRAME_WIDTH, "height": FRAME_HEIGHT}
    return shown


def _deep_linking(config: SandboxConfig, message: Message) -> dict[str, Any]:
    return {
        f"{DL_CLAIM}deep_linking_settings": {
            "deep_link_return_url": Addresses(config.base_url).picked_page(message.course_id),
            "accept_types": [RESOURCE_LINK_TYPE],
            "accept_presentation_document_targets": list(TARGETS),
            "accept_multiple": True,
            "accept_lineitem": True,
            "auto_create": True,
            "data": message.id,
        }
    }


def _review(
    connection: sqlite3.Connection, config: SandboxConfig, message: Message
) -> dict[str, Any]:
    addresses = Addresses(config.base_url)
    item = line_items.get(connection, message.course_id, message.line_item_id or 0)
    found: dict[str, Any] = {
        AGS_CLAIM: {
            "scope": list(AGS_SCOPES),
            "lineitems": addresses.line_items(message.course_id),
            "lineitem": addresses.line_item(message.course_id, item.id),
        }
    }
    if message.resource_link_id:
        link = links.get(connection, message.resource_link_id)
        person, course = PEOPLE[message.person_id], COURSES[message.course_id]
        found[f"{CLAIM}resource_link"] = {"id": link.id, "title": link.title}
        found[f"{CLAIM}custom"] = substituted(person, course, link)
    return found
