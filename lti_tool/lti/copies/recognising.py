"""Whether a link that is opened for the first time came with a copied course.

Three things tell: the deep-linked item in its custom parameters was picked for another course; its
`$ResourceLink.id.history` names a link that we know; or its `$Context.id.history` names a course
that has a link to the same page. Moodle has neither history, and keeps custom parameters when an
activity is duplicated. Nothing here decides whose work is whose: that is a matter of the course.
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from core.prepared import Direct, Prepared
from lti_tool.courses.models import Context
from lti_tool.lti.claims import LaunchClaims
from lti_tool.lti.models import ResourceLink
from lti_tool.lti.targets import Target

ASKED, CONNECTED, FRESH = "asked", "connected", "fresh"

_links: Any = ResourceLink.__table__
_contexts: Any = Context.__table__
_BY_LTI_ID = Prepared(
    select(_links.c.id, _links.c.context_id).where(
        _links.c.platform_id == bindparam("platform"), _links.c.lti_id == bindparam("link")
    )
)
_BY_ITEM = Prepared(select(_links.c.id).where(_links.c.item_id == bindparam("item")))
_IN_CONTEXT = Prepared(
    select(_links.c.id, _links.c.context_id)
    .join(_contexts, _contexts.c.id == _links.c.context_id)
    .where(
        _contexts.c.platform_id == bindparam("platform"),
        _contexts.c.lti_id == bindparam("context"),
        _links.c.target_kind == bindparam("kind"),
        _links.c.target_argument == bindparam("argument"),
    )
)


class Origin(NamedTuple):
    """Whence a link came: `state` None for one that is no copy, else asked, connected or fresh.

    `link_id` is the link that it was copied from, where that is known; `chosen` what a coach or
    lead wanted it to open instead, written as a target.
    """

    state: str | None = None
    link_id: uuid.UUID | None = None
    chosen: str | None = None


ORIGINAL = Origin()


def recognise(
    direct: Direct,
    launch: LaunchClaims,
    target: Target,
    context_id: uuid.UUID | None,
    *,
    platform_id: uuid.UUID,
    item_id: uuid.UUID | None,
    item_context: uuid.UUID | None,
) -> Origin:
    """Whether a new link is a copy from another course; a page that is the same everywhere is none.

    `item_context` is the course for which its deep-linked item `item_id` was picked.
    """
    if target.argument is None or context_id is None:
        return ORIGINAL
    if item_context is not None:
        if item_context == context_id:
            return ORIGINAL
        first = _BY_ITEM.first(direct, {"item": item_id})
        return Origin(ASKED, first.id if first else None)
    for named in launch.link_history:
        for row in _BY_LTI_ID.run(direct, {"platform": platform_id, "link": named}):
            if row.context_id not in (None, context_id):
                return Origin(ASKED, row.id)
    for named in launch.context_history:
        wanted = {
            "platform": platform_id, "context": named,
            "kind": target.kind, "argument": target.argument,
        }  # fmt: skip
        for row in _IN_CONTEXT.run(direct, wanted):
            if row.context_id != context_id:
                return Origin(ASKED, row.id)
    return ORIGINAL
