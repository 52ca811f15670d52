"""What brought badges say in the ledger: a fact for each achievement that one counts for.

Facts are superseded, never edited: a badge that its issuer revoked is told as revoked, one that is
no longer accepted (or was taken out of the record) is withdrawn. Awards stay as they were given.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from badges.holdings.accepting import accepted_for, counts_as
from badges.holdings.models import ImportedBadge
from badges.pathways.facts import BadgeFact
from badges.pathways.ledger import facts_of
from badges.pathways.service import record_fact
from core.identity import Person
from core.scope import unscoped

SOURCE: Final = "imported"


def settle(session: Session, badge: ImportedBadge, now: datetime) -> int:
    """Have the ledger say what is true of `badge` today; returns how many facts were written.

    The caller holds the person's lock (`ledger.lock_enrolments`).
    """
    wanted: dict[str, str] = {}
    if badge.belongs_at is not None:
        wanted = counts_as(badge, accepted_for(session, badge))
    return _write(session, badge, wanted, now)


def withdraw(session: Session, badge: ImportedBadge, now: datetime) -> int:
    """Take back whatever the ledger says of `badge`."""
    return _write(session, badge, {}, now)


def counted(session: Session, badge: ImportedBadge) -> list[str]:
    """The achievements that `badge` counts for today."""
    if badge.state in ("revoked", "broken"):
        return []
    told = _told(session, badge).values()
    return sorted(fact.achievement for fact in told if not fact.withdrawn and not fact.revoked)


def _write(session: Session, badge: ImportedBadge, wanted: dict[str, str], now: datetime) -> int:
    told = _told(session, badge)
    with unscoped(session, "the holder of the badge in hand"):
        person = session.get_one(Person, badge.person_id)
    written = 0
    for mark in sorted(told.keys() | wanted.keys()):
        before = told.get(mark)
        if mark in wanted:
            fact = _fact(badge, mark, wanted[mark], now)
        elif before is not None:
            fact = replace(before, withdrawn=True)
        else:
            continue
        if before is None and fact.revoked:
            continue  # it never counted, so nothing is taken back
        if before is not None:
            if _says(before) == _says(fact):
                continue
            fact = replace(fact, revision=before.revision + 1, at=now)
        record_fact(session, person, fact, now)
        written += 1
    return written


def _fact(badge: ImportedBadge, mark: str, achievement: str, now: datetime) -> BadgeFact:
    return BadgeFact(
        source=SOURCE,
        source_id=f"{badge.id}/{mark}" if mark else str(badge.id),
        revision=0,
        at=now,
        achievement=achievement,
        credential=str(badge.id),
        valid_from=badge.valid_from or badge.issued_at or badge.imported_at,
        valid_until=badge.valid_until,
        revoked=badge.state in ("revoked", "broken"),
        issuer=badge.issuer,
    )


def _told(session: Session, badge: ImportedBadge) -> dict[str, BadgeFact]:
    """The latest fact for each mark."""
    found: dict[str, BadgeFact] = {}
    for fact in facts_of(session, badge.person_id):
        if not isinstance(fact, BadgeFact) or fact.source != SOURCE:
            continue
        name, _slash, mark = fact.source_id.partition("/")
        if name == str(badge.id) and (mark not in found or found[mark].revision < fact.revision):
            found[mark] = fact
    return found


def _says(fact: BadgeFact) -> BadgeFact:
    """The fact without its place in the history."""
    return replace(fact, revision=0, at=fact.valid_from)
