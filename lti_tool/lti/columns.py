"""Which column of a gradebook a score goes to, found or made once and kept in step.

A link that opens one micro-credential has a column of its own. Through a link that leads to several
(a pathway, somebody's first page) each micro-credential gets one: the last decision would overwrite
the others'. Where we may make none, the link's own column takes them all.
AGS 2.0, section 3.2.
"""

from __future__ import annotations

import logging
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from core.identity import owner_like
from core.outbox import DeliveryError
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.lti.models import LineItem, ResourceLink
from lti_tool.lti.names import SCOPE_LINE_ITEM
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.services.connector import RefusedByPlatformError
from lti_tool.lti.services.line_items import Found, ItemWanted, LineItems

log = logging.getLogger("milepost.grades")
CLAIM_LASTS: Final = timedelta(minutes=1)
LOOK_AGAIN: Final = timedelta(seconds=5)
UNTITLED: Final = "Milepost"
_REASON: Final = "a job works for the organisation of the row it is about"
_items: Any = LineItem.__table__
_links: Any = ResourceLink.__table__


@dataclass(frozen=True)
class Subject:
    """What a score is about: a micro-credential, decided through a link. `maximum` is its own."""

    link: ResourceLink
    platform: KnownPlatform
    achievement_id: str | None
    title: str | None
    maximum: float

    @property
    def is_of_link(self) -> bool:
        """Whether the link's own column is the right one."""
        link = self.link
        if self.achievement_id is None or link.context_id is None:
            return True
        return link.target_kind == "micro-credential" and link.target_argument in (
            None,
            self.achievement_id,
        )


@dataclass(frozen=True)
class Column:
    """Where a score goes; `maximum` is the column's, None where nobody told it."""

    url: str
    maximum: float | None


@dataclass(frozen=True)
class _Place:
    """A column that is looked for: the key of its row, and what the platform is asked for."""

    key: str
    wanted: ItemWanted
    of_link: bool


class Columns:
    """Finds the column of a score. One per process."""

    def __init__(self, runtime: Runtime, line_items: LineItems) -> None:
        self._runtime = runtime
        self._line_items = line_items

    def of(self, subject: Subject) -> Column | None:
        """The subject's column; None where the link has no gradebook.

        Raises DeliveryError, and ValueError for a maximum that is none.
        """
        link = subject.link
        manages = SCOPE_LINE_ITEM in link.scopes and link.line_items_url is not None
        if not subject.is_of_link and manages:
            return self._at(subject, _shared_place(subject), None)
        if link.line_item_url is None and (link.line_items_url is None or _unwanted(link)):
            return None
        return self._at(subject, _own_place(subject), link.line_item_url)

    def forget(self, url: str) -> bool:
        """The platform no longer knows a column: look for another next time, where we made it.

        False where it was not ours: its address is the platform's to name.
        """
        with self._runtime.database.transaction() as session:
            connection = session.connection()
            ours = connection.execute(
                update(_items)
                .where(_items.c.url == url, _items.c.made)
                .values(url=None, made=False, updated_at=self._runtime.now())
                .returning(_items.c.resource_link_id)
            ).scalars().all()  # fmt: skip
            if ours:
                connection.execute(
                    update(_links)
                    .where(_links.c.id.in_(ours), _links.c.line_item_url == url)
                    .values(line_item_url=None)
                )
        return bool(ours)

    def _at(self, subject: Subject, place: _Place, told: str | None) -> Column:
        """`told` is the address that the platform named for the link."""
        row = self._row(place.key)
        url = told or (row.url if row else None)
        if url is None:
            found = self._look(subject, place)
            return Column(found.url, found.maximum)
        if row is None or row.url != url:
            return Column(url, subject.link.maximum if place.of_link else None)
        if row.made and (row.label, row.maximum) != (place.wanted.label, place.wanted.maximum):
            return self._in_step(subject, place, row)
        return Column(url, row.maximum)

    def _in_step(self, subject: Subject, place: _Place, row: LineItem) -> Column:
        """Tell the platform a new title or maximum of a column that we made."""
        url, wanted = str(row.url), place.wanted
        if SCOPE_LINE_ITEM not in subject.link.scopes:
            return Column(url, row.maximum)
        try:
            there = self._line_items.update(
                subject.platform,
                url,
                was=(row.label, row.maximum),
                now=(wanted.label, wanted.maximum),
            )
        except RefusedByPlatformError as error:
            if not error.permanent:
                raise
            log.warning("a column could not be renamed", extra={"reason": str(error.status)})
            return Column(url, row.maximum)
        if there:
            self._note(place.key, label=wanted.label, maximum=wanted.maximum)
        return Column(url, wanted.maximum if there else row.maximum)

    def _look(self, subject: Subject, place: _Place) -> Found:
        """Find or make the column, on one worker at a time, and keep its address."""
        if not self._claim(subject.link, place.key):
            raise DeliveryError(
                "Another delivery is finding the gradebook column.", retry_after=LOOK_AGAIN
            )
        found: Found | None = None
        try:
            found = self._line_items.find_or_create(
                subject.platform,
                str(subject.link.line_items_url),
                frozenset(subject.link.scopes),
                place.wanted,
            )
        finally:
            self._release(subject.link, place, found)
        return found

    def _row(self, key: str) -> LineItem | None:
        with self._runtime.database.snapshot() as session, unscoped(session, _REASON):
            return session.scalar(select(LineItem).where(LineItem.key == key))

    def _claim(self, link: ResourceLink, key: str) -> bool:
        now = self._runtime.now()
        if self._row(key) is None:
            with (
                suppress(IntegrityError),  # another worker wrote it just now
                self._runtime.database.transaction() as session,
                unscoped(session, _REASON),
            ):
                session.add(
                    LineItem(
                        **owner_like(link),
                        id=uuid.uuid4(),
                        key=key,
                        resource_link_id=link.id,
                        created_at=now,
                        updated_at=now,
                    )
                )
        free = or_(_items.c.claimed_until.is_(None), _items.c.claimed_until <= now)
        with self._runtime.database.transaction() as session:
            result = session.connection().execute(
                update(_items)
                .where(_items.c.key == key, free)
                .values(claimed_until=now + CLAIM_LASTS)
            )
            return bool(result.rowcount == 1)

    def _release(self, link: ResourceLink, place: _Place, found: Found | None) -> None:
        kept: dict[str, Any] = {}
        if found is not None:
            kept = {
                "url": found.url,
                "label": found.label,
                "maximum": found.maximum,
                "made": found.made,
            }
        with self._runtime.database.transaction() as session:
            connection = session.connection()
            connection.execute(
                update(_items)
                .where(_items.c.key == place.key)
                .values(claimed_until=None, updated_at=self._runtime.now(), **kept)
            )
            if found is not None and place.of_link:
                connection.execute(
                    update(_links)
                    .where(_links.c.id == link.id, _links.c.line_item_url.is_(None))
                    .values(line_item_url=found.url)
                )

    def _note(self, key: str, **values: Any) -> None:
        with self._runtime.database.transaction() as session:
            session.connection().execute(
                update(_items)
                .where(_items.c.key == key)
                .values(updated_at=self._runtime.now(), **values)
            )


def _own_place(subject: Subject) -> _Place:
    link = subject.link
    wanted = ItemWanted(
        link.title or subject.title or UNTITLED,
        link.maximum or subject.maximum,
        resource_link_id=link.lti_id,
    )
    return _Place(f"link:{link.id}", wanted, of_link=True)


def _shared_place(subject: Subject) -> _Place:
    wanted = ItemWanted(
        subject.title or UNTITLED, subject.maximum, resource_id=subject.achievement_id
    )
    key = f"context:{subject.link.context_id}:{subject.achievement_id}"
    return _Place(key, wanted, of_link=False)


def _unwanted(link: ResourceLink) -> bool:
    """Whether somebody picked this link, and picked it without a column."""
    return link.item_id is not None and link.maximum is None
