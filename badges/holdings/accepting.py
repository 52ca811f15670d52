"""Whose badges count here besides our own: a list that each organisation keeps.

A school's pathways take what the school accepts, and what stands above it does. A badge counts as
the achievement it names, where that lies on its issuer's own site or was named on the list (or
somebody could write another's name into theirs); or as one of our micro-credentials, if the list
says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from badges.achievements.issuers import issuers
from badges.achievements.models import Achievement
from badges.holdings.models import AcceptedIssuer, ImportedBadge
from badges.openbadges.did import did_web_url, origin
from badges.openbadges.errors import DidError
from core import audit, plain_text
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Organisation, Person, of_real_people, owner_of
from core.outbox import publish
from core.scope import Scope, unscoped
from core.unique import unless_taken

WEIGH: Final = "holdings.weigh"
FACT_LIMIT: Final = 500  # what a fact of the ledger can name
NAME_LIMIT: Final = 200
FEW: Final = 10  # below it a number could tell who it is
MOST_SEEN: Final = 50
_UPWARDS = "what the person's own organisations accept, theirs and all above"


@dataclass(frozen=True)
class SeenBadge:
    """A badge of another issuer that people here have brought.

    `people` is how many, or None where they are few enough to be guessed.
    """

    issuer: str
    issuer_name: str
    achievement: str
    name: str
    people: int | None


def accepted(session: Session) -> list[AcceptedIssuer]:
    """The list in the session's scope, by name."""
    return list(
        session.scalars(
            select(AcceptedIssuer)
            .where(AcceptedIssuer.ended_at.is_(None))
            .order_by(AcceptedIssuer.name, AcceptedIssuer.accepted_at)
        )
    )


def accepted_for(session: Session, badge: ImportedBadge) -> list[AcceptedIssuer]:
    """What says that `badge` counts for its holder, where they are and where they brought it."""
    with unscoped(session, _UPWARDS):
        home = session.scalar(select(Person.owner_path).where(Person.id == badge.person_id))
        above = {
            path
            for place in (badge.owner_path, home or badge.owner_path)
            for path in Scope(badge.owner_id, place).ancestors
        }
        return list(
            session.scalars(
                select(AcceptedIssuer)
                .where(
                    AcceptedIssuer.issuer == badge.issuer,
                    AcceptedIssuer.ended_at.is_(None),
                    AcceptedIssuer.owner_path.in_(above),
                )
                .order_by(AcceptedIssuer.accepted_at, AcceptedIssuer.id)
            )
        )


def counts_as(badge: ImportedBadge, accepting: Sequence[AcceptedIssuer]) -> dict[str, str]:
    """The achievements that a badge counts for, by what tells its facts apart ("" for its own)."""
    found: dict[str, str] = {}
    for one in accepting:
        if one.achievement and one.achievement != badge.achievement:
            continue
        if one.counts_as_id is not None:
            found[str(one.counts_as_id)] = str(one.counts_as_id)
        elif _usable(badge.achievement) and (one.achievement or _own_word(badge)):
            found[""] = badge.achievement
    return found


def accept(
    session: Session,
    organisation: Organisation,
    *,
    issuer: str,
    name: str,
    achievement: str = "",
    counts_as_id: uuid.UUID | None = None,
    actor_id: uuid.UUID,
    now: datetime,
) -> AcceptedIssuer:
    """Let an issuer's badges count in the organisation and below; the caller has checked the role.

    Raises UnprocessableError with every fault by field, ConflictError for what is accepted already.
    """
    name = plain_text.line(name.replace("\0", ""))
    issuer, achievement = issuer.strip(), achievement.strip()
    _check(session, issuer, name, achievement, counts_as_id)
    with unscoped(session, "one line of an organisation's own list"):
        known = session.scalar(
            select(AcceptedIssuer.id).where(
                AcceptedIssuer.owner_id == organisation.id,
                AcceptedIssuer.issuer == issuer,
                AcceptedIssuer.achievement == achievement,
                AcceptedIssuer.ended_at.is_(None),
            )
        )
    listed = ConflictError(
        _("This is on the list already. End that line first to change what it says."),
        code="issuer_accepted",
    )
    if known is not None:
        raise listed
    row = AcceptedIssuer(
        **owner_of(organisation),
        id=uuid.uuid4(),
        issuer=issuer,
        name=name or issuer[:NAME_LIMIT],
        achievement=achievement,
        counts_as_id=counts_as_id,
        accepted_at=now,
        accepted_by=actor_id,
    )
    with unless_taken(session, listed):
        session.add(row)
    _tell(session, row, "accepted", actor_id, now)
    return row


def end(session: Session, accepted_id: uuid.UUID, actor_id: uuid.UUID, now: datetime) -> None:
    """Let a line of the list count no longer. Awards given meanwhile stay. NotFoundError."""
    row = session.scalar(
        select(AcceptedIssuer).where(AcceptedIssuer.id == accepted_id).with_for_update()
    )
    if row is None:
        raise NotFoundError(_("There is no such line on the list."), code="issuer_unknown")
    if row.ended_at is None:
        row.ended_at, row.ended_by = now, actor_id
        session.flush()
        _tell(session, row, "ended", actor_id, now)


def seen(session: Session) -> list[SeenBadge]:
    """Badges that people in the session's scope have brought, most people first.

    Nobody is named; test students are left out.
    """
    people = func.count(func.distinct(ImportedBadge.person_id))
    rows = session.execute(
        select(
            ImportedBadge.issuer,
            func.max(ImportedBadge.issuer_name),
            ImportedBadge.achievement,
            func.max(ImportedBadge.name),
            people,
        )
        .where(of_real_people(ImportedBadge.person_id), ImportedBadge.belongs_at.is_not(None))
        .group_by(ImportedBadge.issuer, ImportedBadge.achievement)
        .order_by(people.desc(), ImportedBadge.issuer, ImportedBadge.achievement)
        .limit(MOST_SEEN)
    )
    return [
        SeenBadge(issuer, said or issuer, achievement, name, number if number >= FEW else None)
        for issuer, said, achievement, name, number in rows
    ]


def _check(
    session: Session, issuer: str, name: str, achievement: str, counts_as_id: uuid.UUID | None
) -> None:
    faults: dict[str, object] = {}
    if not _identifier(issuer):
        faults["issuer"] = _(
            "Write it as their badges do: a web address beginning with https://, or a DID such as"
            " did:web:example.org."
        )
    elif _is_ours(session, issuer):
        faults["issuer"] = _(
            "This is an issuer of your own: its badges count already. Other issuers are named here."
        )
    fault = plain_text.line_fault(name, NAME_LIMIT)
    if fault is not None:
        faults["name"] = fault
    if achievement and not _usable(achievement):
        faults["achievement"] = _("Write the badge’s own identifier, as it stands in the badge.")
    if counts_as_id is not None and not achievement:
        faults["achievement"] = _("Say which of their badges stands for one of yours.")
    if counts_as_id is not None:
        ours = session.scalar(select(Achievement.id).where(Achievement.id == counts_as_id))
        if ours is None:
            faults["counts_as"] = _("Choose one of the micro-credentials on the list.")
    if faults:
        raise UnprocessableError(
            _("This cannot be put on the list yet."), code="issuer_unusable", fields=faults
        )


def _is_ours(session: Session, issuer: str) -> bool:
    """Whether the session's scope signs its badges under this name, as a DID or as an address."""
    names = {one.did for one in issuers(session)}
    return issuer in names or issuer in {
        did_web_url(name).removesuffix("/did.json") for name in names
    }


def _identifier(text: str) -> bool:
    return (
        text.startswith(("https://", "http://", "did:"))
        and len(text) <= FACT_LIMIT
        and text.isascii()  # as addresses are written; others are percent-encoded
        and text.isprintable()
        and " " not in text
    )


def _usable(achievement: str) -> bool:
    plain = achievement.isascii() and achievement.isprintable()
    return plain and 0 < len(achievement) <= FACT_LIMIT and ":" in achievement


def _own_word(badge: ImportedBadge) -> bool:
    """Whether the achievement lies on the site of the issuer, who alone may speak of it."""
    try:
        address = did_web_url(badge.issuer) if badge.issuer.startswith("did:web:") else badge.issuer
    except DidError:
        return False
    home = origin(address)
    return home is not None and home == origin(badge.achievement)


def _tell(
    session: Session, row: AcceptedIssuer, what: str, actor_id: uuid.UUID, now: datetime
) -> None:
    """Note it, and have the badges weighed again that it is about."""
    audit.record(
        session, owner=row, actor_id=actor_id, action=f"accepted_issuer.{what}", subject=row,
        now=now, details={"issuer": row.issuer},
    )  # fmt: skip
    publish(
        session, WEIGH, f"{row.id}:{what}", {"accepted_id": str(row.id)},
        organisation_id=row.owner_id,
    )  # fmt: skip
