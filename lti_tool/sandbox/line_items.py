"""Line items: the columns of the gradebook (AGS 2.0, section 3.2)."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lti_tool.sandbox.addresses import Addresses
from lti_tool.sandbox.ags_rules import LineItemDraft, refuse
from lti_tool.sandbox.errors import ServiceError

_FILTERS = {
    "resource_link_id": "resource_link_id",
    "resource_id": "resource_id",
    "tag": "tag",
}


@dataclass(frozen=True)
class LineItem:
    """A column of a course's gradebook."""

    id: int
    course_id: str
    label: str
    score_maximum: float
    resource_link_id: str | None
    resource_id: str
    tag: str
    start_at: str
    end_at: str

    def to_json(self, addresses: Addresses) -> dict[str, Any]:
        """The line item as AGS writes it; fields without a value are left out."""
        optional = {
            "resourceLinkId": self.resource_link_id,
            "resourceId": self.resource_id,
            "tag": self.tag,
            "startDateTime": self.start_at,
            "endDateTime": self.end_at,
        }
        return {
            "id": addresses.line_item(self.course_id, self.id),
            "label": self.label,
            "scoreMaximum": plain_number(self.score_maximum),
            **{name: value for name, value in optional.items() if value},
        }


def plain_number(value: float) -> float | int:
    """A whole number without its decimal point."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _from_row(row: sqlite3.Row) -> LineItem:
    return LineItem(**{name: row[name] for name in LineItem.__dataclass_fields__})


def in_course(
    connection: sqlite3.Connection, course_id: str, filters: Mapping[str, str]
) -> list[LineItem]:
    """The line items of a course, oldest first.

    Args:
        connection: an open connection.
        course_id: the course.
        filters: any of ``resource_link_id``, ``resource_id`` and ``tag``; others are ignored.
    """
    rows = connection.execute(
        "SELECT * FROM line_items WHERE course_id = ? ORDER BY id", (course_id,)
    )
    wanted = {column: filters[name] for name, column in _FILTERS.items() if name in filters}
    return [
        _from_row(row)
        for row in rows
        if all((row[column] or "") == value for column, value in wanted.items())
    ]


def get(connection: sqlite3.Connection, course_id: str, item_id: int) -> LineItem:
    """One line item of a course.

    Raises:
        ServiceError: 404, there is none with this id in this course.
    """
    row = connection.execute(
        "SELECT * FROM line_items WHERE id = ? AND course_id = ?", (item_id, course_id)
    ).fetchone()
    if row is None:
        raise ServiceError(404, "not_found", "There is no such line item in this context.")
    return _from_row(row)


def coupled_to(connection: sqlite3.Connection, link_id: str) -> LineItem | None:
    """The one line item of a resource link; None where there is none or more than one.

    A launch names a line item only where there is no doubt (AGS 2.0, section 3.1).
    """
    rows = connection.execute(
        "SELECT * FROM line_items WHERE resource_link_id = ?", (link_id,)
    ).fetchall()
    return _from_row(rows[0]) if len(rows) == 1 else None


def create(connection: sqlite3.Connection, course_id: str, draft: LineItemDraft) -> LineItem:
    """A new line item.

    Raises:
        ServiceError: 400, the resource link is not one of this course.
    """
    if draft.resource_link_id is not None:
        found = connection.execute(
            "SELECT 1 FROM resource_links WHERE id = ? AND course_id = ?",
            (draft.resource_link_id, course_id),
        ).fetchone()
        if found is None:
            refuse("resourceLinkId names no resource link of this context.")
    made = connection.execute(
        "INSERT INTO line_items (course_id, resource_link_id, label, score_maximum, resource_id,"
        " tag, start_at, end_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            course_id,
            draft.resource_link_id,
            draft.label,
            draft.score_maximum,
            draft.resource_id,
            draft.tag,
            draft.start_at,
            draft.end_at,
        ),
    )
    return get(connection, course_id, int(made.lastrowid or 0))


def replace(connection: sqlite3.Connection, item: LineItem, draft: LineItemDraft) -> LineItem:
    """The line item with everything that the tool may change taken from the draft.

    Raises:
        ServiceError: 400, the draft names another resource link than the line item's.
    """
    if draft.resource_link_id not in (None, item.resource_link_id):
        refuse("resourceLinkId cannot be changed.")
    connection.execute(
        "UPDATE line_items SET label = ?, score_maximum = ?, resource_id = ?, tag = ?,"
        " start_at = ?, end_at = ? WHERE id = ?",
        (
            draft.label,
            draft.score_maximum,
            draft.resource_id,
            draft.tag,
            draft.start_at,
            draft.end_at,
            item.id,
        ),
    )
    return get(connection, item.course_id, item.id)


def delete(connection: sqlite3.Connection, item: LineItem) -> None:
    """Remove a line item and its grades."""
    connection.execute("DELETE FROM line_items WHERE id = ?", (item.id,))
