"""Scores in, results out, and the gradebook between them (AGS 2.0, sections 3.3 and 3.4)."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lti_tool.sandbox import line_items
from lti_tool.sandbox.addresses import Addresses
from lti_tool.sandbox.ags_rules import Score, refuse
from lti_tool.sandbox.clock import as_text, from_text
from lti_tool.sandbox.errors import ServiceError
from lti_tool.sandbox.line_items import LineItem, plain_number
from lti_tool.sandbox.people import PEOPLE, Course, SandboxPerson


@dataclass(frozen=True)
class Grade:
    """One cell of the gradebook.

    ``result`` is on the line item's own scale and None where there is no grade (any more).
    """

    user_id: str
    result: float | None
    comment: str
    activity_progress: str
    grading_progress: str
    stamped_at: datetime
    received_at: datetime


@dataclass(frozen=True)
class GradebookRow:
    """A learner and one cell for every column, None where nothing was ever sent."""

    person: SandboxPerson
    cells: Sequence[tuple[LineItem, Grade | None]]


@dataclass(frozen=True)
class Gradebook:
    """A course's grades."""

    items: Sequence[LineItem]
    rows: Sequence[GradebookRow]


def _from_row(row: sqlite3.Row, item: LineItem) -> Grade:
    given, maximum = row["score_given"], row["score_maximum"]
    return Grade(
        user_id=row["user_id"],
        result=None if given is None else _scaled(given, maximum, item.score_maximum),
        comment=row["comment"],
        activity_progress=row["activity_progress"],
        grading_progress=row["grading_progress"],
        stamped_at=from_text(row["stamped_at"]),
        received_at=from_text(row["received_at"]),
    )


def _scaled(given: float, maximum: float, scale: float) -> float:
    return round(given / maximum * scale, 5)


def record(
    connection: sqlite3.Connection, course: Course, item: LineItem, score: Score, now: datetime
) -> None:
    """Keep a score, replacing the person's earlier one in this line item.

    A score that is not fully graded, or without a number, clears grade and comment, as in Moodle.

    Raises:
        ServiceError: 400, the person is no learner of the course; 409, the timestamp is not newer
            than that of the score kept.
    """
    if not course.is_learner(score.user_id):
        refuse("userId names nobody who is enrolled as a learner in this context.")
    kept = connection.execute(
        "SELECT stamped_at FROM scores WHERE line_item_id = ? AND user_id = ?",
        (item.id, score.user_id),
    ).fetchone()
    if kept is not None and score.stamped_at <= from_text(kept["stamped_at"]):
        raise ServiceError(
            409, "conflict", "A score with the same or a later timestamp is already recorded."
        )
    connection.execute(
        "INSERT OR REPLACE INTO scores (line_item_id, user_id, score_given, score_maximum,"
        " comment, activity_progress, grading_progress, stamped_at, received_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            item.id,
            score.user_id,
            score.score_given if score.counts else None,
            score.score_maximum if score.counts else None,
            score.comment if score.counts else "",
            score.activity_progress,
            score.grading_progress,
            as_text(score.stamped_at),
            as_text(now),
        ),
    )


def _grades(connection: sqlite3.Connection, item: LineItem) -> dict[str, Grade]:
    rows = connection.execute(
        "SELECT * FROM scores WHERE line_item_id = ? ORDER BY CAST(user_id AS INTEGER)", (item.id,)
    )
    return {row["user_id"]: _from_row(row, item) for row in rows}


def results(
    connection: sqlite3.Connection, item: LineItem, user_id: str | None, addresses: Addresses
) -> list[dict[str, Any]]:
    """The results of a line item, or of one person in it; nobody without a grade is listed."""
    listed = []
    for grade in _grades(connection, item).values():
        if grade.result is None or user_id not in (None, grade.user_id):
            continue
        result = {
            "id": addresses.result(item.course_id, item.id, grade.user_id),
            "scoreOf": addresses.line_item(item.course_id, item.id),
            "userId": grade.user_id,
            "resultScore": plain_number(grade.result),
            "resultMaximum": plain_number(item.score_maximum),
        }
        listed.append({**result, "comment": grade.comment} if grade.comment else result)
    return listed


def gradebook(
    connection: sqlite3.Connection, course: Course, only: SandboxPerson | None = None
) -> Gradebook:
    """The gradebook of a course, or one learner's row of it."""
    items = line_items.in_course(connection, course.id, {})
    grades = {item.id: _grades(connection, item) for item in items}
    learners = [person for person in PEOPLE.values() if course.is_learner(person.id)]
    return Gradebook(
        items,
        [
            GradebookRow(person, [(item, grades[item.id].get(person.id)) for item in items])
            for person in learners
            if only is None or person.id == only.id
        ],
    )
