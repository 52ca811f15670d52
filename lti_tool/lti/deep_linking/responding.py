"""The answer to the platform: what was picked as signed content items, or nothing.

Deep Linking 2.0, sections 3.2 and 4.5; signed by PyLTI1p3 with the key object of our ring. Its own
form and its members without a value are not used: the form is ours, and nothing is sent as null.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from pylti1p3.deep_link import DeepLink
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.lineitem import LineItem
from pylti1p3.registration import Registration
from sqlalchemy.orm import Session

from keys.ring import LTI_RING, KeyRing
from lti_tool.lti import names
from lti_tool.lti.claims import DeepLinkSettings
from lti_tool.lti.deep_linking.models import DeepLinkItem
from lti_tool.lti.deep_linking.picking import FRAME, WINDOW, Picked
from lti_tool.lti.deep_linking.requests import Picking
from lti_tool.lti.platforms import KnownPlatform

LIVES = timedelta(minutes=10)
# Some Moodles refuse a message that is a second ahead of their clock.
BACKDATED = timedelta(seconds=10)
TAG = "milepost"
FRAME_WIDTH, FRAME_HEIGHT = 965, 650
REVIEWABLE = ["Submitted", "Completed"]


class _Signing(Registration):
    """Who signs, by the key's id in our key set."""

    def __init__(self, kid: str) -> None:
        self._kid = kid

    def get_kid(self) -> str:
        return self._kid


class _Item(DeepLinkResource):
    """A content item without members that say nothing."""

    def __init__(self, more: dict[str, Any]) -> None:
        self._more = more

    def to_dict(self) -> dict[str, object]:
        whole = {**super().to_dict(), **self._more}
        return {name: value for name, value in whole.items() if value is not None}


class _Response(DeepLink):
    """PyLTI1p3's message at a time of ours, with `data` only where the platform gave some."""

    def __init__(
        self,
        registration: Registration,
        deployment_id: str,
        settings: DeepLinkSettings,
        message: str,
        now: datetime,
    ) -> None:
        super().__init__(registration, deployment_id, {"data": settings.data})
        self._has_data, self._message, self._now = settings.has_data, message, now

    def get_message_jwt(self, resources: Sequence[DeepLinkResource]) -> dict[str, object]:
        message = super().get_message_jwt(resources)
        if not self._has_data:
            del message[f"{names.DEEP_LINKING}data"]
        issued = self._now - BACKDATED
        message["iat"] = int(issued.timestamp())
        message["exp"] = int((issued + LIVES).timestamp())
        message[f"{names.DEEP_LINKING}msg"] = self._message
        return message


def keep(
    session: Session, picking: Picking, picked: Sequence[Picked], now: datetime
) -> list[DeepLinkItem]:
    """Write a row for each item, whose id travels with the link that is made from it."""
    request = picking.request
    rows = [
        DeepLinkItem(
            id=uuid.uuid4(),
            owner_id=request.owner_id,
            owner_path=request.owner_path,
            platform_id=request.platform_id,
            deployment_id=request.deployment_id,
            context_id=request.context_id,
            kind=one.choice.target.kind,
            argument=one.choice.target.argument,
            title=one.title,
            maximum=one.maximum,
            **one.dates,
            shown_in=one.shown_in,
            previous_id=request.item_id if picking.item else None,
            created_by=request.person_id,
            created_at=now,
        )
        for one in picked
    ]
    session.add_all(rows)
    session.flush()
    return rows


def signed(
    ring: KeyRing,
    platform: KnownPlatform,
    deployment_id: str,
    settings: DeepLinkSettings,
    contents: Sequence[DeepLinkResource],
    *,
    message: str,
    now: datetime,
) -> str:
    """The response as a JWT; `message` is for the platform to show, if it does."""
    key = ring.active(LTI_RING, "RS256")
    registration = _Signing(key.kid)
    registration.set_issuer(platform.issuer).set_client_id(platform.client_id)
    # A key object: PyJWT would parse a PEM anew at every signature.
    registration.set_tool_private_key(cast(Any, key.signer).private_key)
    response = _Response(registration, deployment_id, settings, message, now)
    return str(response.get_response_jwt(contents))


def content(base_url: str, item: DeepLinkItem, choice_help: str) -> DeepLinkResource:
    """`item` as a content item of type ltiResourceLink; its target stands in its address too."""
    target = f"{item.kind}/{item.argument}" if item.argument else item.kind
    found = _Item(
        {
            "text": choice_help or None,
            "available": _window(item.opens_at, item.closes_at),
            "submission": _window(item.due_from, item.due_until),
            **_frame(item),
        }
    )
    found.set_title(item.title).set_url(f"{base_url}/to/{target}")
    found.set_custom_params(
        {
            names.CUSTOM_TARGET: target,
            names.CUSTOM_ITEM: str(item.id),
            names.CUSTOM_LINK_HISTORY: names.LINK_HISTORY_VARIABLE,
            names.CUSTOM_CONTEXT_HISTORY: names.CONTEXT_HISTORY_VARIABLE,
        }
    )
    if item.maximum is not None:
        column = LineItem()
        column.set_label(item.title).set_score_maximum(_plain(item.maximum))
        column.set_resource_id(target).set_tag(TAG)
        column.set_submission_review(REVIEWABLE)
        found.set_lineitem(column)
    return found


def _frame(item: DeepLinkItem) -> dict[str, Any]:
    if item.shown_in == FRAME:
        return {"iframe": {"width": FRAME_WIDTH, "height": FRAME_HEIGHT}}
    if item.shown_in == WINDOW:
        return {"window": {"targetName": f"milepost-{item.id.hex[:8]}"}}
    return {}


def _window(begins: datetime | None, ends: datetime | None) -> dict[str, str] | None:
    told = {"startDateTime": begins, "endDateTime": ends}
    found = {
        name: at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        for name, at in told.items()
        if at is not None
    }
    return found or None


def _plain(points: float) -> float:
    return int(points) if points.is_integer() else points
