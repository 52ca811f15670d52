"""Invitations: a way to a badge for somebody whom an organisation knows by an address alone.

The link goes to that address and nowhere else, so whoever takes it has read what was sent there:
the address is confirmed by it, and opens the person's badges from then on like anybody's own.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from badges.achievements.service import micro_credential
from badges.awards.models import Award
from core import audit, mail, postal, single_use
from core.config import Config
from core.errors import GoneError, NotFoundError
from core.identity import Organisation, Person, owner_like
from core.letters import Letter, Link
from core.runtime import Runtime
from core.scope import unscoped
from core.web.i18n import texts_in
from core.web.sessions import StartedSession, start_session
from lti_tool.access.leaving import BY_MAIL
from lti_tool.access.models import AccessInvitation

LIFETIME: Final = timedelta(days=30)
REMEMBERED: Final = timedelta(days=30)
PURPOSE: Final = "invitation"
LETTER: Final = "access.invitation"
_WHY = "an invitation is found by its token alone; it says for whom"


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
    row = _by_token(session, secret)
    if row.used_at is not None or row.expires_at <= now:
        raise _over(row)
    with unscoped(session, _WHY):
        person = session.get_one(Person, row.person_id)
    return Door(
        person, session.get_one(Organisation, row.owner_id), row.address, row.expires_at,
        _waiting(session, person.id),
    )  # fmt: skip


def take(session: Session, config: Config, secret: str, *, now: datetime) -> StartedSession:
    """Use the invitation up: its address is confirmed, and the visit is the person's own.

    Of any number of simultaneous attempts one succeeds. Raises like `find`.
    """
    if not single_use.claim(session, AccessInvitation, single_use.digest(secret), now):
        raise _over(_by_token(session, secret))
    row = _by_token(session, secret)
    with unscoped(session, _WHY):
        person = session.scalars(
            select(Person).where(Person.id == row.person_id).with_for_update(key_share=True)
        ).one()
    if person.email_verified_at is None and postal.normal(person.email or "") == row.address:
        person.email_verified_at = person.updated_at = now
    audit.record(
        session, owner=row, actor_id=person.id, about_id=person.id, action="invitation.take",
        subject=row, now=now,
    )  # fmt: skip
    return start_session(
        session,
        person_id=person.id,
        organisation_id=row.owner_id,
        organisation_path=row.owner_path,
        context_id=None,
        platform_id=None,
        roles=frozenset(),
        data={BY_MAIL: True},
        hours=config.session_hours,
        now=now,
    )


def forget(session: Session, now: datetime) -> int:
    """Delete invitations that ended a month ago; returns how many."""
    table: Any = AccessInvitation.__table__
    gone = session.connection().execute(delete(table).where(table.c.expires_at < now - REMEMBERED))
    return int(gone.rowcount)


def letter(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """The invitation in words; None once it would not work, or no badge waits any more."""
    config = runtime.config
    with unscoped(session, "the rows that a mail is about, whoever they belong to"):
        row = session.get(AccessInvitation, uuid.UUID(facts["invitation_id"]))
        person = session.get(Person, row.person_id) if row else None
    if row is None or person is None or row.used_at is not None or row.expires_at <= runtime.now():
        return None
    waiting = _waiting(session, person.id)
    if not waiting:
        return None
    place = session.get_one(Organisation, row.owner_id)
    locale = mail.language(config, person.locale)
    _ = texts_in(locale)
    secret = single_use.token(config.master_key, PURPOSE, row.id)
    hello = _("Hello %(name)s,", name=person.name) if person.name else _("Hello,")
    return Letter(
        to=row.address,
        locale=locale,
        subject=_("A badge waits for you: %(name)s", name=waiting[0]),
        body=[
            hello,
            _(
                "%(organisation)s has awarded you a badge: “%(name)s”. You see exactly what it will"
                " say before you accept it, you choose the name on it, and nobody else sees it"
                " until you say so.",
                organisation=place.name,
                name=waiting[0],
            ),
            Link(_("Look at my badge"), f"{config.base_url}/access/invitations/{secret}"),
            _(
                "The link works once, within thirty days, and needs no password. It also confirms"
                " this address; after that you come to your badges by mail whenever you like:"
            )
            + f"\n{config.base_url}/access",
        ],
        closing=[
            _(
                "You do not know %(organisation)s? Then somebody mistook your address. Leave this"
                " mail alone: no badge is made of it.",
                organisation=place.name,
            )
        ],
    )


def _waiting(session: Session, person_id: uuid.UUID) -> tuple[str, ...]:
    """The names of the badges that the person has not answered, newest first."""
    with unscoped(session, _WHY):
        awards = session.scalars(
            select(Award)
            .where(Award.person_id == person_id, Award.state == "offered")
            .order_by(Award.granted_at.desc(), Award.id)
        ).all()
    return tuple(micro_credential(award.version).name for award in awards)


def _by_token(session: Session, secret: str) -> AccessInvitation:
    found = None
    if len(secret) <= single_use.LONGEST:
        with unscoped(session, _WHY):
            found = session.scalar(
                select(AccessInvitation).where(
                    AccessInvitation.token_hash == single_use.digest(secret)
                )
            )
    if found is None:
        raise NotFoundError(
            _l("There is no such invitation, or it ended long ago."),
            code="invitation_unknown",
            advice=_l("Ask whoever awards the badge to send it again."),
        )
    return found


def _over(row: AccessInvitation) -> GoneError:
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
