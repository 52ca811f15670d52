"""Line items and scores (Assignment and Grade Services 2.0, sections 3.2 and 3.4).

A score is always fully graded: to Moodle any other progress, or a score without a number, wipes the
grade and the comment that are there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pylti1p3.grade import Grade
from pylti1p3.lineitem import LineItem

from core.http import Response
from core.outbox import DeliveryError
from lti_tool.lti.families import is_web_address
from lti_tool.lti.names import (
    LINE_ITEM_TYPE,
    LINE_ITEMS_TYPE,
    SCOPE_LINE_ITEM,
    SCOPE_LINE_ITEM_READ,
    SCOPE_SCORE,
    SCORE_TYPE,
)
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.services.addresses import below, same_origin, with_query
from lti_tool.lti.services.connector import Connector, refused, server_time

TAG = "milepost"
LONGEST_COMMENT = 10_000


@dataclass(frozen=True)
class Score:
    """One person's score in one line item; the comment is plain text."""

    user_id: str
    given: float
    maximum: float
    comment: str
    finished: bool

    def __post_init__(self) -> None:
        usable = math.isfinite(self.given) and math.isfinite(self.maximum)
        if not usable or self.given < 0 or self.maximum <= 0:
            raise ValueError("a score must be a number from zero up, its maximum above zero")


@dataclass(frozen=True)
class ItemWanted:
    """The line item to find or to make for a resource link."""

    label: str
    maximum: float
    resource_link_id: str


class GradeService:
    """Sends scores. One per process; safe for threads."""

    def __init__(self, connector: Connector, clock: Callable[[], datetime]) -> None:
        self._connector = connector
        self._clock = clock

    def send(self, platform: KnownPlatform, line_item_url: str, score: Score) -> datetime:
        """Send `score`, stamped now; returns the stamp. Raises DeliveryError.

        A platform that holds a score as new as ours answers 409; it is stamped afresh once, by its
        clock if that is ahead of ours.
        """
        stamp = self._clock()
        answer = self._post_score(platform, line_item_url, score, stamp)
        if answer.status == 409:
            stamp = max(self._clock(), server_time(answer) or stamp)
            answer = self._post_score(platform, line_item_url, score, stamp)
        if answer.status == 409:
            raise DeliveryError("The platform says it holds a newer score (409).")
        return stamp

    def find_or_create(
        self,
        platform: KnownPlatform,
        line_items_url: str,
        scopes: frozenset[str],
        wanted: ItemWanted,
    ) -> str:
        """The address of the resource link's line item, made where there is none.

        `scopes` are those that the launch offered. Raises DeliveryError.
        """
        readable = scopes & {SCOPE_LINE_ITEM, SCOPE_LINE_ITEM_READ}
        if not readable:
            raise DeliveryError(
                "The platform named no gradebook column for this link and lets us look for none.",
                permanent=True,
            )
        found = self._find(platform, line_items_url, readable, wanted)
        if found is not None:
            return found
        if SCOPE_LINE_ITEM not in scopes:
            raise DeliveryError(
                "The gradebook has no column for this link and lets us make none.", permanent=True
            )
        return self._create(platform, line_items_url, wanted)

    def _post_score(
        self, platform: KnownPlatform, line_item_url: str, score: Score, stamp: datetime
    ) -> Response:
        grade = Grade()
        grade.set_user_id(score.user_id)
        grade.set_score_given(score.given).set_score_maximum(score.maximum)
        grade.set_activity_progress("Completed" if score.finished else "Submitted")
        grade.set_grading_progress("FullyGraded")
        grade.set_timestamp(stamp.astimezone(UTC).isoformat(timespec="milliseconds"))
        grade.set_comment(plain_text(score.comment))
        return self._connector.call(
            platform,
            frozenset({SCOPE_SCORE}),
            "POST",
            below(line_item_url, "scores"),
            content_type=SCORE_TYPE,
            body=grade.get_value().encode(),
        )

    def _find(
        self,
        platform: KnownPlatform,
        line_items_url: str,
        scopes: frozenset[str],
        wanted: ItemWanted,
    ) -> str | None:
        answer = self._connector.call(
            platform,
            scopes,
            "GET",
            with_query(line_items_url, resource_link_id=wanted.resource_link_id),
            accept=LINE_ITEMS_TYPE,
        )
        listed = _json(answer)
        if not isinstance(listed, list):
            raise DeliveryError("The platform's list of line items cannot be read.")
        # Some platforms ignore the filter, so it is applied here as well; ours goes first.
        of_link = [
            item
            for item in listed
            if isinstance(item, dict) and item.get("resourceLinkId") == wanted.resource_link_id
        ]
        of_link.sort(key=lambda item: item.get("tag") != TAG)
        return _item_url(of_link[0], line_items_url) if of_link else None

    def _create(self, platform: KnownPlatform, line_items_url: str, wanted: ItemWanted) -> str:
        item = LineItem()
        item.set_label(wanted.label).set_score_maximum(wanted.maximum)
        item.set_resource_link_id(wanted.resource_link_id).set_tag(TAG)
        answer = self._connector.call(
            platform,
            frozenset({SCOPE_LINE_ITEM}),
            "POST",
            line_items_url,
            accept=LINE_ITEM_TYPE,
            content_type=LINE_ITEM_TYPE,
            body=item.get_value().encode(),
        )
        if answer.status == 409:
            raise refused(answer, frozenset())
        made = _json(answer)
        if not isinstance(made, dict):
            raise DeliveryError("The platform made a line item, but its answer cannot be read.")
        return _item_url(made, line_items_url)


def plain_text(comment: str) -> str:
    """`comment` as gradebooks take it: lines of text, nothing invisible, not a book."""
    kept = "".join(char for char in comment if char.isprintable() or char == "\n")
    return kept.strip()[:LONGEST_COMMENT]


def _item_url(item: dict[str, Any], line_items_url: str) -> str:
    """A line item's address; one on another site would be sent our token, so it is refused."""
    url = item.get("id")
    usable = isinstance(url, str) and is_web_address(url, longest=2000)
    if not usable or not same_origin(str(url), line_items_url):
        raise DeliveryError("The platform's line item has no usable address.", permanent=True)
    return str(url)


def _json(answer: Response) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
