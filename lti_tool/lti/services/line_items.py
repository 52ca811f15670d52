"""Line items, the columns of a gradebook (Assignment and Grade Services 2.0, section 3.2)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final

from pylti1p3.lineitem import LineItem as LineItemBody

from core.http import Response
from core.outbox import DeliveryError
from lti_tool.lti.families import is_web_address
from lti_tool.lti.names import (
    LINE_ITEM_TYPE,
    LINE_ITEMS_TYPE,
    SCOPE_LINE_ITEM,
    SCOPE_LINE_ITEM_READ,
)
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.services.addresses import same_origin, with_query
from lti_tool.lti.services.connector import Connector
from lti_tool.lti.services.paging import Walk, json_of, pages

TAG: Final = "milepost"
LONGEST_LABEL: Final = 255
MOST_PAGES: Final = 50
_WRITING = frozenset({SCOPE_LINE_ITEM})


@dataclass(frozen=True)
class ItemWanted:
    """A column to find or to make: a resource link's, or by `resource_id` one of its own.

    Moodle leaves a launch without a line item where a second one has the same resource link, so a
    micro-credential's own column names none.
    """

    label: str
    maximum: float
    resource_link_id: str | None = None
    resource_id: str | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.maximum) or self.maximum <= 0:
            raise ValueError("the maximum of a column must be a number above zero")
        if not (self.resource_link_id or self.resource_id):
            raise ValueError("a column is a resource link's or a micro-credential's")

    @property
    def query(self) -> dict[str, str]:
        """The filter that finds it."""
        if self.resource_link_id:
            return {"resource_link_id": self.resource_link_id}
        return {"resource_id": self.resource_id or "", "tag": TAG}

    def fits(self, item: dict[str, Any]) -> bool:
        """Whether `item` is it: some platforms ignore the filter."""
        if self.resource_link_id:
            return item.get("resourceLinkId") == self.resource_link_id
        return item.get("resourceId") == self.resource_id and item.get("tag") == TAG


@dataclass(frozen=True)
class Found:
    """A column's address, what the platform calls it, and whether we made it just now."""

    url: str
    label: str
    maximum: float | None
    made: bool = False


class LineItems:
    """Finds, makes, changes and removes columns. One per process; safe for threads."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def find_or_create(
        self,
        platform: KnownPlatform,
        line_items_url: str,
        scopes: frozenset[str],
        wanted: ItemWanted,
    ) -> Found:
        """The column wanted, made where there is none.

        `scopes` are those that the launch offered. Raises DeliveryError.
        """
        readable = scopes & {SCOPE_LINE_ITEM, SCOPE_LINE_ITEM_READ}
        if not readable:
            raise DeliveryError(
                "The platform named no gradebook column for this link and lets us look for none.",
                permanent=True,
            )
        found = self.find(platform, line_items_url, readable, wanted)
        if found is not None:
            return found
        if SCOPE_LINE_ITEM not in scopes:
            raise DeliveryError(
                "The gradebook has no column for this link and lets us make none.", permanent=True
            )
        return self.create(platform, line_items_url, wanted)

    def find(
        self,
        platform: KnownPlatform,
        line_items_url: str,
        scopes: frozenset[str],
        wanted: ItemWanted,
    ) -> Found | None:
        """The column wanted, ours first where there are several. Raises DeliveryError."""
        walk = Walk(
            platform,
            scopes,
            with_query(line_items_url, **wanted.query),
            LINE_ITEMS_TYPE,
            kept=wanted.query,
            most_pages=MOST_PAGES,
        )
        fitting: list[dict[str, Any]] = []
        for page in pages(self._connector, walk):
            if not isinstance(page, list):
                raise DeliveryError("The platform's list of line items cannot be read.")
            fitting += [item for item in page if isinstance(item, dict) and wanted.fits(item)]
        if not walk.complete and not fitting:
            # Making one now might make a second one.
            raise DeliveryError(f"The platform's line items cannot be read. {walk.stopped}")
        fitting.sort(key=lambda item: item.get("tag") != TAG)
        return _found(fitting[0], line_items_url) if fitting else None

    def create(self, platform: KnownPlatform, line_items_url: str, wanted: ItemWanted) -> Found:
        """Make the column. Raises DeliveryError."""
        item = LineItemBody()
        item.set_label(wanted.label[:LONGEST_LABEL]).set_score_maximum(wanted.maximum).set_tag(TAG)
        if wanted.resource_link_id:
            item.set_resource_link_id(wanted.resource_link_id)
        if wanted.resource_id:
            item.set_resource_id(wanted.resource_id)
        answer = self._write(
            platform, "POST", line_items_url, item.get_value().encode(), frozenset()
        )
        made = json_of(answer)
        if not isinstance(made, dict):
            raise DeliveryError("The platform made a line item, but its answer cannot be read.")
        found = _found(made, line_items_url)
        return Found(found.url, wanted.label[:LONGEST_LABEL], wanted.maximum, made=True)

    def read(self, platform: KnownPlatform, line_item_url: str) -> dict[str, Any] | None:
        """The line item as the platform tells it; None where it is gone. Raises DeliveryError."""
        answer = self._connector.call(
            platform,
            _WRITING,
            "GET",
            line_item_url,
            accept=LINE_ITEM_TYPE,
            returned=frozenset({404}),
        )
        if answer.status == 404:
            return None
        item = json_of(answer)
        if not isinstance(item, dict):
            raise DeliveryError("The platform's line item cannot be read.")
        return item

    def update(
        self,
        platform: KnownPlatform,
        line_item_url: str,
        *,
        was: tuple[str | None, float | None],
        now: tuple[str, float],
    ) -> bool:
        """Change label and maximum from what we last told to `now`; False where it is gone.

        What somebody has changed there since is theirs and stays. Raises DeliveryError.
        """
        item = self.read(platform, line_item_url)
        if item is None:
            return False
        changed = dict(item)
        if item.get("label") == was[0]:
            changed["label"] = now[0][:LONGEST_LABEL]
        if item.get("scoreMaximum") == was[1]:
            changed["scoreMaximum"] = now[1]
        if changed != item:
            body = json.dumps(changed).encode()
            self._write(platform, "PUT", line_item_url, body, frozenset())
        return True

    def delete(self, platform: KnownPlatform, line_item_url: str) -> None:
        """Remove the column with its grades; one that is gone is gone. Raises DeliveryError."""
        self._connector.call(
            platform, _WRITING, "DELETE", line_item_url, returned=frozenset({404, 410})
        )

    def _write(
        self,
        platform: KnownPlatform,
        method: str,
        url: str,
        body: bytes,
        returned: frozenset[int],
    ) -> Response:
        return self._connector.call(
            platform,
            _WRITING,
            method,
            url,
            accept=LINE_ITEM_TYPE,
            content_type=LINE_ITEM_TYPE,
            body=body,
            returned=returned,
        )


def _found(item: dict[str, Any], line_items_url: str) -> Found:
    """A line item; where its address is on another site, our token would go there: refused."""
    url, label, maximum = item.get("id"), item.get("label"), item.get("scoreMaximum")
    usable = isinstance(url, str) and is_web_address(url, longest=2000)
    if not usable or not same_origin(str(url), line_items_url):
        raise DeliveryError("The platform's line item has no usable address.", permanent=True)
    number = isinstance(maximum, int | float) and not isinstance(maximum, bool)
    return Found(
        str(url),
        label if isinstance(label, str) else "",
        float(maximum) if number and maximum is not None and maximum > 0 else None,
    )
