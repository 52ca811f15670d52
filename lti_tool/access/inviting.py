"""Invitations: a way to a badge for somebody whom an organisation knows by an address alone.

The link goes to that address and nowhere else, so whoever takes it has read what was sent there:
the address is confirmed by it, and opens the person's badges from then on like anybody's own.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.service import micro_credential
from badges.awards.models import Award
from core import mail, postal, single_use
from core.config import Config
from core.errors import GoneError, MilepostError, NotFoundError
from core.identity import Organisation, Person, owner_like
from core.scope import unscoped
from core.web.sessions import StartedSession
from lti_tool.access import leaving
from lti_tool.access.models import AccessInvitation

LIFETIME: Final = timedelta(days=30)
REMEMBERED: Final = timedelta(days=30)
PURPOSE: Final = "invitation"
LETTER: Final = "access.invitation"


@dataclass(frozen=True)
class Door:
    """What an invitation that holds opens, and the badges that wait behind it."""

    person: Person
    organisation: Organisation
    address: str
    expires_at: datetime
    waiting: tuple[str, ...]


def invite(
    session: Session, config: Config, person_id: uuid.UUID, key: str, now: datetime
) -> AccessInvitation | None:
    """Have an invitation mailed, once for each `key`; what was sent before still works.

    None where there is nobody to invite: no address, one that is confirmed, or a joined account.
    """
    new_id = uuid.uuid5(uuid.NAMESPACE_URL, f"milepost:invitation:{key}")
    with unscoped(session, "somebody who was offered a badge, wherever they belong"):
        person = session.get(Person, person_id)
        if session.get(AccessInvitation, new_id) is not None:
            return None
    if person is None or person.merged_into_id is not None or person.email_verified_at is not None:
        return None
    address = postal.normal(person.email or "")
    if address is None or not mail.promised(config):
        return None
    row = AccessInvitation(
        **owner_like(person),
        id=new_id,
        person_id=person.id,
        address=address,
        token_hash=single_use.digest(single_use.token(config.master_key, PURPOSE, new_id)),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    session.add(row)
    session.flush()
    mail.queue(
        session, config, LETTER, str(row.id), {"invitation_id": str(row.id)},
        organisation_id=person.owner_id,
    )  # fmt: skip
    return row


def find(session: Session, secret: str, now: datetime) -> Door:
    """What the invitation opens; taking nothing.

    Raises NotFoundError for one that never was, GoneError for one that is over.
    """
    row = single_use.find(session, AccessInvitation, secret, _refusal, now)
    with unscoped(session, single_use.WHY):
        person = session.get_one(Person, row.person_id)
    return Door(
        person, session.get_one(Organisation, row.owner_id), row.address, row.expires_at,
        waiting(session, person.id),
    )  # fmt: skip


def take(session: Session, config: Config, secret: str, *, now: datetime) -> StartedSession:
    """Use the invitation up: its address is confirmed, and the visit is the person's own.

    Of any number of simultaneous attempts one succeeds. Raises like `find`.
    """
    row = single_use.take(session, AccessInvitation, secret, _refusal, now)
    with unscoped(session, single_use.WHY):
        person = session.scalars(
            select(Person).where(Person.id == row.person_id).with_for_update(key_share=True)
        ).one()
    if person.email_verified_at is None and postal.normal(person.email or "") == row.address:
        person.email_verified_at = person.updated_at = now
    return leaving.visit(session, config, row, person, "invitation.take", now)


def forget(session: Session, now: datetime) -> int:
    """Delete invitations that ended a month ago; returns how many."""
    return single_use.forget(session, AccessInvitation, now - REMEMBERED)


def waiting(session: Session, person_id: uuid.UUID) -> tuple[str, ...]:
    """The names of the badges that the person has not answered, newest first."""
    with unscoped(session, "what waits behind an invitation, whoever awards it"):
        awards = session.scalars(
            select(Award)
            .where(Award.person_id == person_id, Award.state == "offered")
            .order_by(Award.granted_at.desc(), Award.id)
        ).all()
    return tuple(micro_credential(award.version).name for award in awards)


def _refusal(row: AccessInvitation | None) -> MilepostError:
    """Why an invitation opens nothing: it never was, was used, or has expired."""
    if row is None:
        return NotFoundError(
            _l("There is no such invitation, or it ended long ago."),
            code="invitation_unknown",
            advice=_l("Ask whoever awards the badge to send it again."),
        )
    if row.used_at is not None:
        return GoneError(
            _l("This invitation has opened your badges once. From now on you come in by mail."),
            code="invitation_used",
            title=_l("This invitation was used before"),
            advice=_l("Ask for a link with the same address: it takes a minute."),
            actions=[{"label": _l("Open my badges by mail"), "url": "/access", "primary": True}],
        )
    return GoneError(
        _l("An invitation works for thirty days."),
        code="invitation_expired",
        title=_l("This invitation has expired"),
        advice=_l("Ask whoever awards the badge to send it again."),
    )
