"""Which notices a person gets, and whether they can be written to at all."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import addresses, audit, identity
from core.addresses import Reachable
from core.identity import Person, owner_like
from core.scope import unscoped
from lti_tool.learning.notices.models import QuietNotice

OFFERED: Final = "offered"
ISSUED: Final = "issued"
REVOKED: Final = "revoked"
EXPIRING: Final = "expiring"
CHANGED: Final = "changed"
ENDORSED: Final = "endorsed"
KINDS: Final = (OFFERED, ISSUED, CHANGED, REVOKED, EXPIRING, ENDORSED)
_OWN = "a person's own choices, whichever school they came in through"


def quiet(session: Session, person_id: uuid.UUID) -> frozenset[str]:
    """The kinds that this person has turned off."""
    with unscoped(session, _OWN):
        found = session.scalars(select(QuietNotice.kind).where(QuietNotice.person_id == person_id))
        return frozenset(found)


def choose(
    session: Session, person_id: uuid.UUID, wanted: Collection[str], now: datetime
) -> frozenset[str]:
    """From now on tell this person of the `wanted` kinds alone; returns what changed."""
    with unscoped(session, _OWN):
        person = session.scalars(
            select(Person).where(Person.id == person_id).with_for_update(key_share=True)
        ).one()
        before = quiet(session, person_id)
        after = frozenset(KINDS) - frozenset(wanted)
        changed = before ^ after
        if not changed:
            return changed
        session.execute(delete(QuietNotice).where(QuietNotice.person_id == person_id))
    for kind in sorted(after):
        session.add(QuietNotice(**owner_like(person), person_id=person_id, kind=kind, since=now))
    audit.record(
        session, owner=person, actor_id=person_id, about_id=person_id, action="notices.chosen",
        subject=person, now=now, details={"quiet": sorted(after)},
    )  # fmt: skip
    session.flush()
    return changed


def addressee(session: Session, person_id: uuid.UUID, kind: str) -> tuple[Person, Reachable] | None:
    """Who is told of `kind`, and where; None for whoever does not want it or cannot be reached.

    Somebody who was joined to another person is told as that person; nobody invented by an LMS is.
    """
    with unscoped(session, "the person that a badge is about"):
        person = session.get_one(Person, identity.joined(session, person_id) or person_id)
    if person.is_test or kind in quiet(session, person.id):
        return None
    where = addresses.reachable(session, person)
    return (person, where) if where else None
