"""Serving what people uploaded: to its owner and to who reviews it, never as a page of ours.

Attachments with nosniff and a sandboxing policy; images drawn anew, audio and video may stand in a
page. Audio and video answer Range requests (RFC 9110, section 14).
"""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from typing import Final

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.audit import AuditEvent
from core.errors import ConflictError, GoneError
from core.web.app import runtime
from core.web.downloads import given_out
from core.web.sessions import Principal, principal
from lti_tool.evidence import pages, reading, sniff
from lti_tool.evidence.blueprint import bp
from lti_tool.evidence.models import EvidenceItem
from lti_tool.review import blind, desk, oversight
from lti_tool.review.access import reviewer_of

VIEWED: Final = "evidence.file_viewed"
ONE_LOOK: Final = timedelta(hours=1)


@bp.get("/evidence/files/<uuid:item_id>")
def file(item_id: uuid.UUID) -> Response:
    """A file, whole or in ranges. `?download=1` saves it; `?original=1`: the author's own copy."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        item = reading.item(session, item_id)
        if item is None or item.file_key is None:
            raise reading.not_found()
        own = item.revision.submission.person_id == who.person_id
        name = item.title if own else _reviewer_name(session, who, item)
        noted = own or _noted_lately(session, who, item)
    _refuse_unsafe(item)
    if not noted:
        _note_view(who, item)
    return _serve(item, name, original=own and request.args.get("original") == "1")


def _reviewer_name(session: Session, who: Principal, item: EvidenceItem) -> str:
    """The name a reviewer sees the file under; NotFoundError for who may not read it.

    A coach of the course or a lead who opens sent work sees it under its own name.
    """
    if oversight.may_open(session, reviewer_of(session, who), item.revision):
        return item.title
    slot = desk.own_slot(desk.slots_of(session, item.revision_id), who.person_id)
    ended = desk.why_ended(session, reviewer_of(session, who), item.revision, slot)
    if slot is None or ended is not None:
        raise reading.not_found()
    return blind.item_name(item.revision, item)


def _noted_lately(session: Session, who: Principal, item: EvidenceItem) -> bool:
    """Whether this look is noted already: a film is fetched in many pieces, in any order."""
    found = session.scalar(
        select(AuditEvent.id)
        .where(
            AuditEvent.subject_kind == EvidenceItem.__tablename__,
            AuditEvent.subject_id == item.id,
            AuditEvent.at > runtime().now() - ONE_LOOK,
            AuditEvent.actor_id == who.person_id,
            AuditEvent.action == VIEWED,
        )
        .limit(1)
    )
    return found is not None


def _note_view(who: Principal, item: EvidenceItem) -> None:
    with runtime().database.transaction(who.scope) as session:
        reading.lock_revision(session, item.revision_id)  # pieces that are fetched side by side
        if _noted_lately(session, who, item):
            return
        audit.record(
            session,
            owner=item,
            actor_id=who.person_id,
            action=VIEWED,
            subject=item,
            about_id=item.revision.submission.person_id,
            now=runtime().now(),
        )


def _refuse_unsafe(item: EvidenceItem) -> None:
    if item.scan_state == "pending":
        raise ConflictError(
            _("This file is still being scanned. Try again in a minute."), code="scan_pending"
        )
    if item.scan_state == "infected":
        raise GoneError(
            _("A virus was found in this file, so it is not given out."), code="file_infected"
        )


def _serve(item: EvidenceItem, name: str, *, original: bool) -> Response:
    key, media_type, size = item.file_key or "", item.media_type or sniff.OPAQUE, item.size or 0
    show = pages.show_as(item)
    inline = show in ("image", "video", "audio") and request.args.get("download") != "1"
    if show == "image" and not original:
        # Reviewers never get an image's metadata: what they see is drawn anew.
        key, media_type = item.preview_key or "", item.preview_type or sniff.OPAQUE
        size = _length(key)
    if show == "download":
        media_type = sniff.OPAQUE if media_type in ("text/html", "image/svg+xml") else media_type
    response = given_out(key, size, media_type, name, inline=inline and not original)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _length(key: str) -> int:
    with runtime().files.open(key) as stream:
        return stream.seek(0, io.SEEK_END)
