"""The resource link of a launch, recorded: what it opens, where its grades go, whence it came.

LTI 1.3 Core, section 5.3.5; AGS 2.0, section 3.1.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update

from core.prepared import Direct
from core.scope import same_tree
from lti_tool.lti.claims import LaunchClaims
from lti_tool.lti.copies.recognising import Origin, recognise
from lti_tool.lti.deep_linking.models import DeepLinkItem
from lti_tool.lti.models import ResourceLink
from lti_tool.lti.names import RESOURCE_LINK_REQUEST
from lti_tool.lti.platforms import PlatformDeployment
from lti_tool.lti.targets import Target

LINK_FIELDS = ("context_id", "title", "target_kind", "target_argument", "line_item_url",
               "line_items_url", "scopes", "item_id", "maximum", "copy_state", "copied_from",
               "chosen_target")  # fmt: skip
ITEM_FIELDS = ("id", "owner_path", "context_id", "maximum", "opens_at", "closes_at", "due_from",
               "due_until")  # fmt: skip
DATES = ("opens_at", "closes_at", "due_from", "due_until")
ASKED = "asked"

links: Any = ResourceLink.__table__
items: Any = DeepLinkItem.__table__


@dataclass(frozen=True)
class RecordedLink:
    """The link as it stands now.

    `target` is what it opens, `asked` that it came with a copied course and nobody has said yet
    what it shall open. `dates` are those that were picked for it, in ISO 8601.
    """

    id: uuid.UUID | None
    target: Target
    asked: bool = False
    dates: Mapping[str, str] | None = None


def record_link(
    direct: Direct,
    known: Any,
    owner: dict[str, Any],
    deployment: PlatformDeployment,
    launch: LaunchClaims,
    target: Target,
    context_id: uuid.UUID | None,
    now: datetime,
) -> RecordedLink:
    """Make the link's row, or note what has changed.

    `known` is the row that `people.record` has read: the link's columns by `r_`, the deep-linked
    item's by `i_`. Messages that are about no link, and targets that only pass through one, change
    nothing.
    """
    if launch.message != RESOURCE_LINK_REQUEST or target.passing:
        if known.r_id is None or target.passing:
            return RecordedLink(None, target)
        return RecordedLink(known.r_id, Target(known.r_target_kind, known.r_target_argument))
    is_ours = known.i_id is not None and same_tree(known.i_owner_path, deployment.owner_path)
    item_id = known.i_id if is_ours else known.r_item_id
    origin = Origin(known.r_copy_state, known.r_copied_from, known.r_chosen_target)
    if known.r_id is None or item_id != known.r_item_id:
        item_context = known.i_context_id if is_ours else None
        origin = recognise(
            direct, launch, target, context_id,
            platform_id=owner["platform_id"], item_id=item_id, item_context=item_context,
        )  # fmt: skip
    if origin.chosen:
        target = Target.written(origin.chosen)
    wanted = {
        **_said(known, launch),
        "context_id": context_id,
        "target_kind": target.kind,
        "target_argument": target.argument,
        "item_id": item_id,
        "maximum": known.i_maximum if is_ours else known.r_maximum,
        "copy_state": origin.state,
        "copied_from": origin.link_id,
        "chosen_target": origin.chosen,
    }
    link_id = _write(direct, known, owner, deployment, launch, wanted, now)
    dates = {name: getattr(known, f"i_{name}") for name in DATES} if is_ours else {}
    told = {name: at.isoformat() for name, at in dates.items() if at is not None}
    return RecordedLink(link_id, target, origin.state == ASKED, told or None)


def _said(known: Any, launch: LaunchClaims) -> dict[str, Any]:
    """What the launch itself says of its link."""
    grades = launch.grades
    return {
        "title": launch.link_title,
        # A line item that we found or made ourselves stays where the launch names none.
        "line_item_url": grades.line_item or known.r_line_item_url,
        "line_items_url": grades.line_items,
        "scopes": list(grades.scopes),
    }


def _write(
    direct: Direct,
    known: Any,
    owner: dict[str, Any],
    deployment: PlatformDeployment,
    launch: LaunchClaims,
    wanted: dict[str, Any],
    now: datetime,
) -> uuid.UUID:
    if known.r_id is not None:
        if any(getattr(known, f"r_{name}") != value for name, value in wanted.items()):
            direct.run(
                update(links).where(links.c.id == known.r_id).values(**wanted, updated_at=now)
            )
        found: uuid.UUID = known.r_id
        return found
    new_id = uuid.uuid4()
    direct.run(
        insert(links).values(
            id=new_id,
            **owner,
            deployment_id=deployment.id,
            lti_id=launch.link_id,
            **wanted,
            created_at=now,
            updated_at=now,
        )
    )
    return new_id
