"""Resource links: the activities that the courses offer (LTI 1.3 Core, section 5.3.5)."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lti_tool.sandbox.config import ResourceLinkSpec
from lti_tool.sandbox.errors import NotFoundError


@dataclass(frozen=True)
class ResourceLink:
    """A resource link as the LMS keeps it.

    ``shown_in`` is ``iframe`` or ``window`` where the tool asked for one, ``due_at`` until when it
    takes work, ``copied_from`` the link of the course that this one's was duplicated from.
    """

    id: str
    course_id: str
    title: str
    description: str
    target_link_uri: str
    custom: Mapping[str, str]
    share_name: bool
    share_email: bool
    shown_in: str = ""
    due_at: str = ""
    copied_from: str = ""


def _from_row(row: sqlite3.Row) -> ResourceLink:
    return ResourceLink(
        id=row["id"],
        course_id=row["course_id"],
        title=row["title"],
        description=row["description"],
        target_link_uri=row["target_link_uri"],
        custom=json.loads(row["custom"]),
        share_name=bool(row["share_name"]),
        share_email=bool(row["share_email"]),
        shown_in=row["shown_in"],
        due_at=row["due_at"],
        copied_from=row["copied_from"],
    )


def synchronise(connection: sqlite3.Connection, specs: Sequence[ResourceLinkSpec]) -> None:
    """Bring the kept links in line with the settings; grades of links that left stay.

    A link keeps its id from run to run. Its gradebook item is made once: afterwards it is the
    tool's to change or delete.
    """
    connection.execute("UPDATE resource_links SET shown = picked")
    for position, spec in enumerate(specs):
        link_id = spec.id or _kept_id(connection, spec) or _next_id(connection, specs)
        connection.execute(
            "INSERT INTO resource_links (id, course_id, title, description, target_link_uri,"
            " custom, share_name, share_email, position, shown)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
            " ON CONFLICT (id) DO UPDATE SET course_id = excluded.course_id,"
            " title = excluded.title, description = excluded.description,"
            " target_link_uri = excluded.target_link_uri, custom = excluded.custom,"
            " share_name = excluded.share_name, share_email = excluded.share_email,"
            " position = excluded.position, shown = 1",
            (
                link_id,
                spec.course,
                spec.title,
                spec.description,
                spec.target_link_uri,
                json.dumps(dict(spec.custom)),
                spec.share_name,
                spec.share_email,
                position,
            ),
        )
        connection.execute(
            "UPDATE line_items SET course_id = ? WHERE resource_link_id = ?",
            (spec.course, link_id),
        )
        if spec.score_maximum is not None:
            _make_item_once(connection, link_id, spec)


def _kept_id(connection: sqlite3.Connection, spec: ResourceLinkSpec) -> str | None:
    row = connection.execute(
        "SELECT id FROM resource_links WHERE course_id = ? AND title = ? AND picked = 0",
        (spec.course, spec.title),
    ).fetchone()
    return row["id"] if row else None


def _next_id(connection: sqlite3.Connection, specs: Sequence[ResourceLinkSpec]) -> str:
    taken = {row["id"] for row in connection.execute("SELECT id FROM resource_links")}
    taken |= {spec.id for spec in specs}
    numbers = [int(name) for name in taken if name.isascii() and name.isdigit()]
    return str(max(numbers, default=0) + 1)


def _make_item_once(connection: sqlite3.Connection, link_id: str, spec: ResourceLinkSpec) -> None:
    made = connection.execute(
        "UPDATE resource_links SET item_made = 1 WHERE id = ? AND item_made = 0", (link_id,)
    )
    if made.rowcount:
        connection.execute(
            "INSERT INTO line_items (course_id, resource_link_id, label, score_maximum)"
            " VALUES (?, ?, ?, ?)",
            (spec.course, link_id, spec.title, spec.score_maximum),
        )


def in_course(connection: sqlite3.Connection, course_id: str) -> list[ResourceLink]:
    """The links that a course shows, in the order of the settings."""
    rows = connection.execute(
        "SELECT * FROM resource_links WHERE course_id = ? AND shown = 1 ORDER BY position",
        (course_id,),
    )
    return [_from_row(row) for row in rows]


def every(connection: sqlite3.Connection) -> list[ResourceLink]:
    """Every link that is shown anywhere, in the order of the settings."""
    rows = connection.execute("SELECT * FROM resource_links WHERE shown = 1 ORDER BY position")
    return [_from_row(row) for row in rows]


def get(connection: sqlite3.Connection, link_id: str) -> ResourceLink:
    """One link that is shown.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = connection.execute(
        "SELECT * FROM resource_links WHERE id = ? AND shown = 1", (link_id,)
    ).fetchone()
    if row is None:
        raise NotFoundError(f"resource link {link_id!r}")
    return _from_row(row)
