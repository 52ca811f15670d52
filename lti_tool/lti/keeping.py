"""Whether a gradebook holds what a teacher gave there, so that our score is kept out of it.

The notes are kept with the delivery, for administrators; other pages tell the state alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lti_tool.lti.quirks import Quirks
from lti_tool.lti.services.scores import Result, Score

GIVEN_BY_HAND: Final = (
    "The gradebook held a grade that did not come from Milepost, so it was left as it is."
)
CHANGED_BY_HAND: Final = (
    "Somebody changed this grade in the gradebook after Milepost sent it, so it was left as it is."
)
COMMENT_BY_HAND: Final = (
    "Somebody changed the comment in the gradebook after Milepost sent it, so the grade and the"
    " comment were left as they are."
)
NOT_TAKEN: Final = (
    "The gradebook answered that it took the score and shows another: the grade is locked or"
    " overridden there, so it stays as it is."
)


@dataclass(frozen=True)
class GradeBefore:
    """What a column last took from us for a person."""

    score: float
    maximum: float
    comment: str | None


def note_before(
    result: Result | None, before: GradeBefore | None, score: Score, quirks: Quirks
) -> str | None:
    """Why `score` is not sent over `result`; None where it may be.

    A grade that was emptied counts as none. What equals the new score was sent and not recorded, or
    a teacher gave the same: sending it changes nothing.
    """
    if result is None or result.given is None:
        return None
    if not result.is_share(score.given, score.maximum):
        if before is None:
            automatic = quirks.zero_is_automatic and result.given == 0
            return None if automatic else GIVEN_BY_HAND
        if not result.is_share(before.score, before.maximum):
            return CHANGED_BY_HAND
    return COMMENT_BY_HAND if _comment_is_theirs(result, before, score, quirks) else None


def _comment_is_theirs(
    result: Result, before: GradeBefore | None, score: Score, quirks: Quirks
) -> bool:
    if not quirks.comments_in_results or not result.comment:
        return False
    if before is not None and before.comment is None:  # sent before comments were noted
        return False
    ours = [score.comment, *([before.comment or ""] if before else [])]
    return not any(result.says(one) for one in ours)


def note_after(result: Result | None, score: Score) -> str | None:
    """Why the gradebook shows another grade than the one it has just taken; None where not."""
    if result is not None and result.is_share(score.given, score.maximum):
        return None
    return NOT_TAKEN
