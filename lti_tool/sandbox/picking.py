"""What the tool's picker answers: checked, and made into activities of a course.

Deep Linking 2.0, sections 3.2 and 4.5. Duplicating a course is here as well: its activities are
copied with their custom parameters and gradebook columns, never with anybody's work.
"""

import json
import math
import sqlite3
from datetime import datetime
from typing import Any

import jwt

from lti_tool.sandbox import links, messages
from lti_tool.sandbox.config import SandboxConfig
from lti_tool.sandbox.errors import ServiceError
from lti_tool.sandbox.messages import Message
from lti_tool.sandbox.people import Course
from lti_tool.sandbox.tool_keys import ToolKeys
from lti_tool.sandbox.vocabulary import (
    CLAIM,
    DEEP_LINKING_RESPONSE,
    DL_CLAIM,
    LTI_VERSION,
    RESOURCE_LINK_TYPE,
)

MOST_ITEMS = 50
LONGEST = 1000


def read(token: str, config: SandboxConfig, keys: ToolKeys) -> dict[str, Any]:
    """The claims of a deep linking response that is the tool's, for us, and fresh.

    Raises:
        ServiceError: 400 with the reason; 503 where the tool's keys cannot be had.
    """
    try:
        kid = jwt.get_unverified_header(token).get("kid", "")
        key = keys.find(str(kid))
        if key is None:
            raise _refused("the response is signed with an unknown key")
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=["RS256"], audience=config.issuer, issuer=config.client_id,
            leeway=60, options={"require": ["exp", "iat", "nonce"]},
        )  # fmt: skip
    except jwt.PyJWTError as error:
        raise _refused(f"the response cannot be trusted ({error})") from error
    expected = {
        f"{CLAIM}message_type": DEEP_LINKING_RESPONSE,
        f"{CLAIM}version": LTI_VERSION,
        f"{CLAIM}deployment_id": config.deployment_id,
    }
    for name, value in expected.items():
        if claims.get(name) != value:
            raise _refused(f"{name} must be {value}")
    return claims


def take(
    connection: sqlite3.Connection, claims: dict[str, Any], course: Course, now: datetime
) -> list[str]:
    """Add the items to the course; the titles come back, in order.

    Raises:
        ServiceError: 400, the answer is to no visit that waits for one, or an item cannot be used.
    """
    message = messages.awaiting_items(connection, str(claims.get(f"{DL_CLAIM}data")), now)
    if message is None or message.course_id != course.id:
        raise _refused("data is not what this LMS gave, or was answered before")
    items = claims.get(f"{DL_CLAIM}content_items", [])
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise _refused("content_items is no list of a usable length")
    connection.execute("UPDATE message_hints SET answered = 1 WHERE id = ?", (message.id,))
    return [_add(connection, message, item) for item in items]


def _add(connection: sqlite3.Connection, message: Message, item: Any) -> str:
    if not isinstance(item, dict) or item.get("type") != RESOURCE_LINK_TYPE:
        raise _refused("only resource links are accepted")
    if any(value is None for value in item.values()):
        raise _refused("an item has members without a value")
    custom = item.get("custom", {})
    title, url = item.get("title", ""), item.get("url", "")
    if not _texts(custom) or not isinstance(title, str) or not isinstance(url, str) or not url:
        raise _refused("an item has no usable title, address or custom parameters")
    due = item.get("submission")
    shown_in = next((place for place in ("window", "iframe") if place in item), "")
    link_id = _make_link(
        connection,
        course_id=message.course_id,
        title=title[:LONGEST] or "-",
        description=str(item.get("text", ""))[:LONGEST],
        target_link_uri=url,
        custom=json.dumps(custom),
        shown_in=shown_in,
        due_at=str(due.get("endDateTime", ""))[:40] if isinstance(due, dict) else "",
    )
    column = item.get("lineItem")
    if column is not None:
        _make_column(connection, message.course_id, link_id, title, column)
    return title


def _texts(custom: Any) -> bool:
    return isinstance(custom, dict) and all(isinstance(value, str) for value in custom.values())


def _make_link(connection: sqlite3.Connection, **values: str) -> str:
    rows = connection.execute("SELECT id, position FROM resource_links").fetchall()
    numbers = [int(row["id"]) for row in rows if row["id"].isascii() and row["id"].isdigit()]
    link_id = str(max(numbers, default=0) + 1)
    whole = {
        "id": link_id, "share_name": 1, "share_email": 1, "shown": 1, "picked": 1,
        "item_made": 1, "position": max((row["position"] for row in rows), default=0) + 1, **values,
    }  # fmt: skip
    names = ", ".join(whole)
    marks = ", ".join("?" for _name in whole)
    connection.execute(
        f"INSERT INTO resource_links ({names}) VALUES ({marks})",  # noqa: S608 - our own names
        tuple(whole.values()),
    )
    return link_id


def _make_column(
    connection: sqlite3.Connection, course_id: str, link_id: str, title: str, column: Any
) -> None:
    most = column.get("scoreMaximum") if isinstance(column, dict) else None
    if isinstance(most, bool) or not isinstance(most, int | float) or not 0 < most < math.inf:
        raise _refused("a line item needs a scoreMaximum above zero")
    connection.execute(
        "INSERT INTO line_items (course_id, resource_link_id, label, score_maximum, resource_id,"
        " tag) VALUES (?, ?, ?, ?, ?, ?)",
        (course_id, link_id, str(column.get("label") or title)[:LONGEST], most,
         str(column.get("resourceId", ""))[:LONGEST], str(column.get("tag", ""))[:LONGEST]),
    )  # fmt: skip


def duplicate(connection: sqlite3.Connection, course: Course, into: Course) -> int:
    """Copy the activities of a course and their gradebook columns; how many were copied.

    A course that has activities already stays as it is.
    """
    if links.in_course(connection, into.id):
        return 0
    originals = links.in_course(connection, course.id)
    for link in originals:
        link_id = _make_link(
            connection,
            course_id=into.id,
            title=link.title,
            description=link.description,
            target_link_uri=link.target_link_uri,
            custom=json.dumps(dict(link.custom)),
            shown_in=link.shown_in,
            due_at=link.due_at,
            copied_from=link.id,
        )
        connection.execute(
            "INSERT INTO line_items (course_id, resource_link_id, label, score_maximum,"
            " resource_id, tag) SELECT ?, ?, label, score_maximum, resource_id, tag"
            " FROM line_items WHERE resource_link_id = ?",
            (into.id, link_id, link.id),
        )
    return len(originals)


def _refused(reason: str) -> ServiceError:
    return ServiceError(400, "invalid_response", f"{reason[:1].upper()}{reason[1:]}.")
