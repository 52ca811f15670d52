"""What a line item and a score must look like before the LMS takes them (AGS 2.0).

Pure functions over JSON values; a fault is a ``ServiceError`` with status 400 naming the field.
"""

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from lti_tool.sandbox.clock import as_text, parse_iso8601
from lti_tool.sandbox.errors import ServiceError
from lti_tool.sandbox.vocabulary import ACTIVITY_PROGRESS, FULLY_GRADED, GRADING_PROGRESS

LONGEST_NAME = 255
LONGEST_COMMENT = 20_000


@dataclass(frozen=True)
class LineItemDraft:
    """A line item as a tool described it (AGS 2.0, section 3.2.8)."""

    label: str
    score_maximum: float
    resource_link_id: str | None
    resource_id: str
    tag: str
    start_at: str
    end_at: str


@dataclass(frozen=True)
class Score:
    """A score as a tool sent it (AGS 2.0, section 3.4.4)."""

    user_id: str
    activity_progress: str
    grading_progress: str
    stamped_at: datetime
    score_given: float | None
    score_maximum: float | None
    comment: str

    @property
    def counts(self) -> bool:
        """Whether the score becomes a grade; as in Moodle, anything else clears the grade."""
        return self.score_given is not None and self.grading_progress == FULLY_GRADED


def refuse(message: str) -> NoReturn:
    """Raise the error of a body that cannot be taken."""
    raise ServiceError(400, "invalid_request", message)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a request carries; NaN and infinities are no JSON (RFC 8259)."""

    def constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON value")

    try:
        payload = json.loads(body, parse_constant=constant)
    except (ValueError, RecursionError):
        refuse("The body must be JSON in UTF-8.")
    if not isinstance(payload, dict):
        refuse("The body must be a JSON object.")
    return payload


def _text(payload: dict[str, Any], name: str, longest: int = LONGEST_NAME) -> str:
    """The text of a field, empty where the field is absent or null."""
    value = payload.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        refuse(f"{name} must be a text of at most {longest} characters.")
    try:
        value.encode()
    except UnicodeEncodeError:
        refuse(f"{name} holds half a character.")
    return value


def _number(payload: dict[str, Any], name: str) -> float | None:
    """The number of a field, None where the field is absent or null."""
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(f"{name} must be a number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        refuse(f"{name} is too large.")
    return number


def _moment(payload: dict[str, Any], name: str) -> str:
    if payload.get(name) in (None, ""):
        return ""
    moment = parse_iso8601(payload[name])
    if moment is None:
        refuse(f"{name} must be an ISO 8601 date, time and zone.")
    return as_text(moment)


def parse_line_item(payload: dict[str, Any]) -> LineItemDraft:
    """A line item to make or to replace another with.

    Raises:
        ServiceError: 400, naming the field.
    """
    label = _text(payload, "label").strip()
    if not label:
        refuse("label must not be empty.")
    score_maximum = _number(payload, "scoreMaximum")
    if score_maximum is None or score_maximum <= 0:
        refuse("scoreMaximum must be a number above zero.")
    return LineItemDraft(
        label=label,
        score_maximum=score_maximum,
        resource_link_id=_text(payload, "resourceLinkId") or None,
        resource_id=_text(payload, "resourceId"),
        tag=_text(payload, "tag"),
        start_at=_moment(payload, "startDateTime"),
        end_at=_moment(payload, "endDateTime"),
    )


def parse_score(payload: dict[str, Any]) -> Score:
    """A score to record.

    Raises:
        ServiceError: 400, naming the field.
    """
    user_id = _text(payload, "userId")
    if not user_id:
        refuse("userId must not be empty.")
    for name, allowed in (
        ("activityProgress", ACTIVITY_PROGRESS),
        ("gradingProgress", GRADING_PROGRESS),
    ):
        if payload.get(name) not in allowed:
            refuse(f"{name} must be one of {', '.join(allowed)}.")
    stamped_at = parse_iso8601(payload.get("timestamp"))
    if stamped_at is None:
        refuse("timestamp must be an ISO 8601 date, time and zone.")
    given, maximum = _number(payload, "scoreGiven"), _number(payload, "scoreMaximum")
    if given is not None and given < 0:
        refuse("scoreGiven must not be negative.")
    if maximum is not None and maximum <= 0:
        refuse("scoreMaximum must be above zero.")
    if given is not None and maximum is None:
        refuse("scoreMaximum must come with scoreGiven.")
    return Score(
        user_id=user_id,
        activity_progress=payload["activityProgress"],
        grading_progress=payload["gradingProgress"],
        stamped_at=stamped_at,
        score_given=given,
        score_maximum=maximum,
        comment=_text(payload, "comment", LONGEST_COMMENT),
    )
