"""Canvas: submissions by an extension of the score, 400 to an older timestamp.

A score with the extension says what was handed in and when, and what SpeedGrader opens. Without
`new_submission: false` every later score would count as another attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from lti_tool.lti.names import CANVAS_SUBMISSION
from lti_tool.lti.quirks.kinds import Handed, Quirks


def _submission(handed: Handed, *, new: bool) -> Mapping[str, Any]:
    return {
        CANVAS_SUBMISSION: {
            "new_submission": new,
            "submission_type": "basic_lti_launch",
            "submission_data": handed.url,
            "submitted_at": handed.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        }
    }


def _is_stale(body: bytes) -> bool:
    return b"timestamp" in body.lower()


QUIRKS = Quirks(
    progress_states=frozenset(
        {
            ("Completed", "FullyGraded"),
            ("Submitted", "FullyGraded"),
            ("Submitted", "PendingManual"),
        }
    ),
    tells_submissions=True,
    extension=_submission,
    is_stale=_is_stale,
    comments_in_results=False,
    zero_is_automatic=True,
    hints={
        400: "Canvas takes grades only for students of the course.",
        422: "Canvas takes grades only for students of the course.",
        404: "The assignment may have been deleted in Canvas.",
    },
)
