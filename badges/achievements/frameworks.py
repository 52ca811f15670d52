"""Frameworks of standards that an organisation has brought in, to align micro-credentials with.

What is picked is copied into the micro-credential: a framework may be brought in anew, or put
away, without a word of what was published changing.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from badges.achievements.case import CaseFramework, CaseItem
from badges.achievements.document import Alignment
from badges.achievements.models import Framework, FrameworkItem
from core import audit
from core.errors import NotFoundError
from core.identity import Organisation, owner_of

PER_PAGE = 50
_NAME, _ROW_BATCH = 200, 2000


@dataclass(frozen=True)
class Found:
    """One page of a search: the items, how many there are in all, and how many pages."""

    items: tuple[FrameworkItem, ...]
    count: int
    page: int
    pages: int


def bring_in(
    session: Session,
    organisation: Organisation,
    read: CaseFramework,
    *,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> Framework:
    """Keep a framework; one with the same identifier in the same organisation is replaced."""
    # The same framework, brought in twice at once, is one.
    session.scalar(
        select(Organisation.id).where(Organisation.id == organisation.id).with_for_update()
    )
    framework = session.scalar(
        select(Framework).where(
            Framework.owner_id == organisation.id, Framework.identifier == read.identifier
        )
    )
    if framework is None:
        framework = Framework(**owner_of(organisation), id=uuid.uuid4(), identifier=read.identifier)
        session.add(framework)
    framework.uri, framework.title, framework.creator = read.uri, read.title, read.creator
    framework.count, framework.brought_in_at = len(read.items), now
    session.flush()
    session.execute(delete(FrameworkItem).where(FrameworkItem.framework_id == framework.id))
    for start in range(0, len(read.items), _ROW_BATCH):
        rows = [
            _row(framework.id, start + number, item)
            for number, item in enumerate(read.items[start : start + _ROW_BATCH])
        ]
        session.execute(insert(FrameworkItem), rows)
    audit.record(
        session,
        owner=framework,
        actor_id=actor_id,
        action="framework.brought_in",
        subject=framework,
        now=now,
        details={"items": len(read.items)},
    )
    return framework


def frameworks(session: Session) -> list[Framework]:
    """Those in the session's scope, by title."""
    return list(session.scalars(select(Framework).order_by(Framework.title, Framework.id)))


def find(session: Session, framework_id: uuid.UUID) -> Framework:
    """A framework within the session's scope. Raises NotFoundError."""
    found = session.scalar(select(Framework).where(Framework.id == framework_id))
    if found is None:
        raise NotFoundError(_("There is no such framework here."), code="framework_unknown")
    return found


def search(session: Session, framework: Framework, words: str, page: int) -> Found:
    """Items that have all of `words` in their code or their text, in the framework's order."""
    wanted: list[ColumnElement[bool]] = [FrameworkItem.framework_id == framework.id]
    for word in words.split()[:8]:
        wanted.append(
            or_(
                FrameworkItem.code.icontains(word, autoescape=True),
                FrameworkItem.statement.icontains(word, autoescape=True),
            )
        )
    count = session.scalar(select(func.count(FrameworkItem.id)).where(*wanted)) or 0
    pages = max(1, -(-count // PER_PAGE))
    page = min(max(page, 1), pages)
    rows = session.scalars(
        select(FrameworkItem)
        .where(*wanted)
        .order_by(FrameworkItem.position)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    )
    return Found(tuple(rows), count, page, pages)


def alignments(
    session: Session, framework: Framework, item_ids: Collection[uuid.UUID]
) -> list[Alignment]:
    """The picked items as alignments (targetType CFItem), in the framework's order."""
    rows = session.scalars(
        select(FrameworkItem)
        .where(FrameworkItem.framework_id == framework.id, FrameworkItem.id.in_(item_ids))
        .order_by(FrameworkItem.position)
    )
    return [alignment(framework, row) for row in rows]


def alignment(framework: Framework, item: FrameworkItem) -> Alignment:
    """One item as an alignment: short words for the name, all of them for the description."""
    name = item.short or item.statement
    cut = name if len(name) <= _NAME else name[: _NAME - 1] + "…"
    return Alignment(
        name=cut,
        url=item.uri,
        code=item.code,
        framework=framework.title,
        description=item.statement if item.statement != cut else None,
        target_type="CFItem",
    )


def put_away(
    session: Session, framework: Framework, *, actor_id: uuid.UUID | None, now: datetime
) -> None:
    """Take a framework off the list. What was aligned with it stays aligned."""
    audit.record(
        session,
        owner=framework,
        actor_id=actor_id,
        action="framework.put_away",
        subject=framework,
        now=now,
    )
    session.execute(delete(FrameworkItem).where(FrameworkItem.framework_id == framework.id))
    session.delete(framework)
    session.flush()


def _row(framework_id: uuid.UUID, position: int, item: CaseItem) -> dict[str, object]:
    return {
        "id": uuid.uuid4(),
        "framework_id": framework_id,
        "position": position,
        "identifier": item.identifier,
        "uri": item.uri,
        "code": item.code,
        "short": item.short,
        "statement": item.statement,
        "kind": item.kind,
        "depth": min(item.depth, 20),
    }
