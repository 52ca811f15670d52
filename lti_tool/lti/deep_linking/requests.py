"""One visit to the picker: what the platform asked for, kept on our side and used once.

Deep Linking 2.0, sections 4.4.1 and 4.5: `data` and the return address come from the signed
message alone, never from the browser.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from core.errors import ConflictError, NotFoundError
from core.prepared import Direct, Prepared
from lti_tool.lti.claims import DeepLinkSettings, LaunchClaims
from lti_tool.lti.deep_linking.models import DeepLinkItem, DeepLinkRequest
from lti_tool.lti.platforms import PlatformDeployment
from lti_tool.lti.targets import Target

LIFETIME = timedelta(hours=4)
REMEMBERED = timedelta(days=2)

_requests: Any = DeepLinkRequest.__table__
_INSERT = Prepared.insert(_requests)
_TAKE = Prepared(
    update(_requests)
    .where(
        _requests.c.id == bindparam("request"),
        _requests.c.used_at.is_(None),
        _requests.c.expires_at > bindparam("present"),
    )
    .values(used_at=bindparam("present"))
    .returning(_requests.c.id)
)


@dataclass(frozen=True)
class Picking:
    """A visit to the picker as its page needs it; `edited` is what the link opens so far."""

    request: DeepLinkRequest
    settings: DeepLinkSettings
    edited: Target | None
    item: DeepLinkItem | None


def begin(
    direct: Direct,
    *,
    platform_id: uuid.UUID,
    deployment: PlatformDeployment,
    context_id: uuid.UUID | None,
    person_id: uuid.UUID,
    session_id: uuid.UUID,
    said: LaunchClaims,
    edited: Target | None,
    now: datetime,
) -> None:
    """Keep what a deep linking message asked for, beside the session that it began."""
    if said.deep_linking is None:
        raise ValueError("this message asks for no items")
    _INSERT.run(
        direct,
        {
            "id": uuid.uuid4(),
            "owner_id": deployment.owner_id,
            "owner_path": deployment.owner_path,
            "platform_id": platform_id,
            "deployment_id": deployment.id,
            "context_id": context_id,
            "person_id": person_id,
            "session_id": session_id,
            "settings": {
                **asdict(said.deep_linking),
                # As text: PostgreSQL's JSON takes neither NUL nor NaN; a platform may send both.
                "data": json.dumps(said.deep_linking.data),
                "edited": str(edited) if edited else None,
            },
            "item_id": said.item_id,
            "created_at": now,
            "expires_at": now + LIFETIME,
            "used_at": None,
        },
    )


def of_session(session: Session, session_id: uuid.UUID) -> Picking:
    """The visit that this session began with. Raises NotFoundError for any other session."""
    request = session.scalar(
        select(DeepLinkRequest).where(DeepLinkRequest.session_id == session_id)
    )
    if request is None:
        raise NotFoundError(
            _l("Nothing is picked here."),
            advice=_l("Choose Milepost in your course where activities are added."),
        )
    kept = dict(request.settings)
    edited = kept.pop("edited")
    settings = DeepLinkSettings(
        **{
            **kept,
            "types": tuple(kept["types"]),
            "targets": tuple(kept["targets"]),
            "data": json.loads(kept["data"]),
        }
    )
    item = None
    if request.item_id is not None:
        item = session.scalar(select(DeepLinkItem).where(DeepLinkItem.id == request.item_id))
    if item is not None:
        edited = str(Target(item.kind, item.argument))
    return Picking(request, settings, Target.written(edited) if edited else None, item)


def take(session: Session, request: DeepLinkRequest, now: datetime) -> None:
    """Use the visit up. Raises ConflictError if it was used before, or has ended."""
    wanted = {"request": request.id, "present": now}
    if _TAKE.first(Direct.of(session), wanted) is None:
        raise ConflictError(
            _l("What you picked was handed to your course before, or this page is too old."),
            code="picking_over",
            title=_l("This was picked already"),
            advice=_l("Look at your course: if the activity is not there, add it once more."),
        )


def forget_old(session: Session, now: datetime) -> None:
    """Delete visits that nobody can come back to."""
    session.connection().execute(delete(_requests).where(_requests.c.created_at < now - REMEMBERED))
