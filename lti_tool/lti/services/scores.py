"""Scores out, results in (Assignment and Grade Services 2.0, sections 3.3 and 3.4).

A score is always fully graded: to Moodle any other progress, or a score without a number, wipes the
grade and the comment that are there. That something was handed in is told only where the LMS's own
quirks say that it keeps grades safe.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pylti1p3.grade import Grade

from core.http import Response
from core.outbox import DeliveryError
from lti_tool.lti.names import RESULTS_TYPE, SCOPE_RESULT, SCOPE_SCORE, SCORE_TYPE
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.quirks import quirks_of
from lti_tool.lti.quirks.kinds import Handed
from lti_tool.lti.services.addresses import below, with_query
from lti_tool.lti.services.connector import Connector, RefusedByPlatformError, refused, server_time
from lti_tool.lti.services.paging import Walk, pages

LONGEST_COMMENT: Final = 10_000
# Gradebooks round to hundredths of a point.
ROUNDED: Final = 0.0051
MOST_RESULT_PAGES: Final = 20
_TAGS = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Score:
    """One person's score in one line item; the comment is plain text."""

    user_id: str
    given: float
    maximum: float
    comment: str
    finished: bool
    handed: Handed | None = None

    def __post_init__(self) -> None:
        usable = math.isfinite(self.given) and math.isfinite(self.maximum)
        if not usable or self.given < 0 or self.maximum <= 0:
            raise ValueError("a score must be a number from zero up, its maximum above zero")

    def scaled_to(self, maximum: float | None) -> Score:
        """The same share of another maximum. Raises ValueError for one that is none."""
        if maximum is None or maximum == self.maximum:
            return self
        if not math.isfinite(maximum) or maximum <= 0:
            raise ValueError("the maximum of a column must be a number above zero")
        given = round(self.given / self.maximum * maximum, 6)
        return Score(
            self.user_id, given, maximum, self.comment, self.finished, self.handed
        )  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What a gradebook holds for a person; `given` is None where it holds no number."""

    given: float | None
    maximum: float
    comment: str

    def is_share(self, given: float, maximum: float) -> bool:
        """Whether this is the number that `given` of `maximum` comes to, as gradebooks round."""
        if self.given is None:
            return False
        return abs(self.given - given / maximum * self.maximum) <= ROUNDED

    def says(self, comment: str) -> bool:
        """Whether this is the comment, however the gradebook marks it up."""
        return _bare(self.comment) == _bare(comment)


class Scores:
    """Sends scores and reads results. One per process; safe for threads."""

    def __init__(self, connector: Connector, clock: Callable[[], datetime]) -> None:
        self._connector = connector
        self._clock = clock

    def send(self, platform: KnownPlatform, line_item_url: str, score: Score) -> datetime:
        """Send `score`, stamped now; returns the stamp. Raises DeliveryError."""
        grade = Grade()
        grade.set_score_given(_plain(score.given)).set_score_maximum(_plain(score.maximum))
        grade.set_activity_progress("Completed" if score.finished else "Submitted")
        grade.set_grading_progress("FullyGraded")
        grade.set_comment(plain_text(score.comment))
        return self._post(platform, line_item_url, grade, score.user_id, score.handed, new=False)

    def tell_submission(
        self, platform: KnownPlatform, line_item_url: str, user_id: str, handed: Handed
    ) -> datetime | None:
        """Tell that something was handed in, without a number; None where that is not safe.

        Raises DeliveryError.
        """
        quirks = quirks_of(platform.family)
        if not quirks.tells_submissions or not quirks.may_send("Submitted", "PendingManual"):
            return None
        grade = Grade()
        grade.set_activity_progress("Submitted").set_grading_progress("PendingManual")
        return self._post(platform, line_item_url, grade, user_id, handed, new=True)

    def result(self, platform: KnownPlatform, line_item_url: str, user_id: str) -> Result | None:
        """What the gradebook holds for the person, None where it holds nothing.

        Raises DeliveryError, and among them RefusedByPlatformError where it lets us read nothing.
        """
        walk = Walk(
            platform,
            frozenset({SCOPE_RESULT}),
            with_query(below(line_item_url, "results"), user_id=user_id),
            RESULTS_TYPE,
            kept={"user_id": user_id},
            most_pages=MOST_RESULT_PAGES,
        )
        found: Result | None = None
        try:
            for page in pages(self._connector, walk):
                if not isinstance(page, list):
                    raise DeliveryError("The platform's results cannot be read.")
                # Some platforms ignore the filter, so it is applied here as well.
                for item in page:
                    if isinstance(item, dict) and str(item.get("userId")) == user_id:
                        found = _result(item) or found
        except RefusedByPlatformError as error:
            if error.status == 404:  # so some say that nobody has a grade yet
                return None
            raise
        if not walk.complete:
            raise DeliveryError(f"The platform's results cannot be read. {walk.stopped}")
        return found

    def _post(
        self,
        platform: KnownPlatform,
        line_item_url: str,
        grade: Grade,
        user_id: str,
        handed: Handed | None,
        *,
        new: bool,
    ) -> datetime:
        """A platform that holds a score as new as ours says so; ours is stamped afresh once, by
        its clock if that is ahead of ours.
        """
        quirks = quirks_of(platform.family)
        grade.set_user_id(user_id)
        if handed is not None:
            grade.set_extra_claims(dict(quirks.extension(handed, new=new)))
        stamp = self._clock()
        answer = self._stamped(platform, line_item_url, grade, stamp)
        if _stale(platform, answer):
            stamp = max(self._clock(), server_time(answer) or stamp)
            answer = self._stamped(platform, line_item_url, grade, stamp)
        if _stale(platform, answer):
            raise DeliveryError(f"The platform says it holds a newer score ({answer.status}).")
        if answer.status == 400:
            raise refused(answer, frozenset(), quirks.hint(400))
        return stamp

    def _stamped(
        self, platform: KnownPlatform, line_item_url: str, grade: Grade, stamp: datetime
    ) -> Response:
        grade.set_timestamp(stamp.astimezone(UTC).isoformat(timespec="milliseconds"))
        return self._connector.call(
            platform,
            frozenset({SCOPE_SCORE}),
            "POST",
            below(line_item_url, "scores"),
            content_type=SCORE_TYPE,
            body=grade.get_value().encode(),
            returned=frozenset({400, 409}),
        )


def plain_text(comment: str) -> str:
    """`comment` as gradebooks take it: lines of text, nothing invisible, not a book."""
    kept = "".join(char for char in comment if char.isprintable() or char == "\n")
    return kept.strip()[:LONGEST_COMMENT]


def _stale(platform: KnownPlatform, answer: Response) -> bool:
    older = answer.status == 400 and quirks_of(platform.family).is_stale(answer.body)
    return answer.status == 409 or older


def _result(item: dict[str, Any]) -> Result | None:
    given, maximum = _number(item.get("resultScore")), _number(item.get("resultMaximum"))
    if given is None:
        return None
    comment = item.get("comment")
    # AGS 2.0, section 3.3.4: a maximum that is left out is 1.
    usable = maximum if maximum is not None and maximum > 0 else 1.0
    return Result(given, usable, comment if isinstance(comment, str) else "")


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _plain(value: float) -> float:
    """A whole number without its decimal point."""
    return int(value) if float(value).is_integer() else value


def _bare(text: str) -> str:
    return " ".join(html.unescape(_TAGS.sub(" ", text)).split())
