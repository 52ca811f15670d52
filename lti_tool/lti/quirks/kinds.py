"""The questions that a service asks about an LMS; the defaults are what the standards say.

Assignment and Grade Services 2.0; Names and Role Provisioning Services 2.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lti_tool.lti.quirks.links import standard_link_header


@dataclass(frozen=True)
class Handed:
    """A submission as a gradebook may be told of it; `url` opens it by a launch."""

    url: str
    at: datetime


def same_text(text: str) -> str:
    """Names as the standard sends them: they need no mending."""
    return text


def no_extension(_handed: Handed, *, new: bool) -> Mapping[str, Any]:
    """Members that a score has beside the standard's own: none."""
    return {}


def _never(_body: bytes) -> bool:
    return False


@dataclass(frozen=True)
class Quirks:
    """How one LMS family wants to be spoken to.

    progress_states: (activityProgress, gradingProgress) pairs that keep what the gradebook holds.
    tells_submissions: whether a score without a number may say that something was handed in.
    extension: what a score carries beside the standard's members, for the submission it is about.
    is_stale: whether a 400 with this body means, as a 409 does, that the timestamp is not new.
    reads_back: whether a score is looked for after it was taken, because a 200 may change nothing.
    comments_in_results: whether results tell the comment that we sent.
    zero_is_automatic: whether the LMS writes zeros by itself for what was not handed in.
    roster_roles_count: whether a roster's roles replace those of a launch.
    keeps_role_filter: whether a `next` address still filters by role.
    page_size: how many people or line items to ask for at a time.
    hints: what a status means here, for the person who reads the delivery.
    """

    progress_states: frozenset[tuple[str, str]] = frozenset(
        {("Completed", "FullyGraded"), ("Submitted", "FullyGraded")}
    )
    tells_submissions: bool = False
    extension: Callable[..., Mapping[str, Any]] = no_extension
    is_stale: Callable[[bytes], bool] = _never
    reads_back: bool = False
    comments_in_results: bool = True
    zero_is_automatic: bool = False
    roster_roles_count: bool = True
    keeps_role_filter: bool = True
    page_size: int = 100
    text: Callable[[str], str] = same_text
    link_header: Callable[[str], str] = standard_link_header
    hints: Mapping[int, str] = field(default_factory=dict)

    def may_send(self, activity: str, grading: str) -> bool:
        """Whether these progress states leave the grade and the comment that are there."""
        return (activity, grading) in self.progress_states

    def hint(self, status: int) -> str:
        """A sentence about `status` with a space before it, or nothing."""
        return f" {self.hints[status]}" if status in self.hints else ""
