"""After leaving: a mailed link to one's own badges and data, for people without any LMS.

Whoever asks is told the same and waits for the same: the page writes one row and one job, whatever
the address is, and a worker looks it up. Only an address that is verified as somebody's opens
anything, and only what is theirs: the visit has no roles.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import addresses, audit, mail, outbox, postal, quotas, single_use
from core.config import Config
from core.errors import GoneError, MilepostError, NotFoundError, UnprocessableError
from core.identity import Organisation, Person, owner_like
from core.scope import Owned
from core.web.sessions import StartedSession, start_session
from lti_tool.access.models import AccessAsk, AccessLink, MailedLink

LIFETIME: Final = timedelta(minutes=20)
REMEMBERED: Final = timedelta(days=7)
MOST_PEOPLE: Final = 10  # of one address; an office's, most likely
LOOK_UP: Final = "access.look_up"
LINKS: Final = "access.links"
PURPOSE: Final = "access link"
BY_MAIL: Final = "by_mail"
IN_ALL: Final = quotas.Limit("access, all", 1000, timedelta(hours=1))
PER_NETWORK: Final = quotas.Limit("access, network", 30, timedelta(hours=1))
PER_ADDRESS: Final = quotas.Limit("access, address", 3, timedelta(hours=1))
_NEW = _l("Ask for a new one: it takes a minute.")


@dataclass(frozen=True)
class Door:
    """What a link that holds opens."""

    person: Person
    organisation: Organisation
    expires_at: datetime


def ask(session: Session, config: Config, typed: str, *, network: str, now: datetime) -> None:
    """Have a link sent to `typed`, should it be somebody's; nothing tells whether it is.

    Past three an hour for one address nothing more is sent, and nothing is said. Raises
    UnprocessableError for what is no address, TooOftenError where a network asks too often, or all.
    """
    address = postal.normal(typed)
    if address is None:
        fault = _l("Type one whole address, such as name@example.org.")
        raise UnprocessableError(fault, code="address_unusable", fields={"address": fault})
    key = config.master_key
    quotas.demand(session, key, IN_ALL, "", now)
    quotas.demand(session, key, PER_NETWORK, network, now)
    if not quotas.take(session, key, PER_ADDRESS, postal.same(address), now):
        return
    row = AccessAsk(id=uuid.uuid4(), address=address, asked_at=now)
    session.add(row)
    session.flush()
    outbox.publish(session, LOOK_UP, str(row.id), {"ask_id": str(row.id)})


def look_up(session: Session, config: Config, ask_id: uuid.UUID, now: datetime) -> int:
    """Write a link for everybody whose address was typed, and have them mailed; returns how many.

    The typed address is forgotten with it. Nothing to do where that was done before.
    """
    asked = session.scalar(select(AccessAsk).where(AccessAsk.id == ask_id).with_for_update())
    if asked is None:
        return 0
    links = [
        _link(session, config, person, asked.address, now)
        for person in addresses.holders(session, asked.address)[:MOST_PEOPLE]
    ]
    if links:
        mail.queue(
            session, config, LINKS, str(ask_id), {"link_ids": [str(link.id) for link in links]}
        )
    session.delete(asked)
    session.flush()
    return len(links)


def find(session: Session, secret: str, now: datetime) -> Door:
    """What the link opens; taking nothing.

    Raises NotFoundError for one that never was, GoneError for one that is over.
    """
    row = single_use.find(session, AccessLink, secret, _refusal, now)
    return Door(_holder(session, row), session.get_one(Organisation, row.owner_id), row.expires_at)


def take(session: Session, config: Config, secret: str, *, now: datetime) -> StartedSession:
    """Use the link up: a visit of the person's own, without an LMS and without roles.

    Of any number of simultaneous attempts one succeeds. Raises like `find`.
    """
    link = single_use.take(session, AccessLink, secret, _refusal, now)
    return visit(session, config, link, _holder(session, link), "access_link.take", now)


def visit(
    session: Session, config: Config, link: MailedLink, person: Person, action: str, now: datetime
) -> StartedSession:
    """Begin the visit that a mailed link of `person` opens, and note it as `action`."""
    audit.record(
        session, owner=link, actor_id=person.id, about_id=person.id, action=action, subject=link,
        now=now,
    )  # fmt: skip
    return start_session(
        session,
        person_id=person.id,
        organisation_id=link.owner_id,
        organisation_path=link.owner_path,
        context_id=None,
        platform_id=None,
        roles=frozenset(),
        data={BY_MAIL: True},
        hours=config.session_hours,
        now=now,
    )


def forget(session: Session, now: datetime) -> int:
    """Delete links of a week ago and what was asked for a day ago; returns how many."""
    asks: Any = AccessAsk.__table__
    old = delete(asks).where(asks.c.asked_at < now - timedelta(days=1))
    gone = single_use.forget(session, AccessLink, now - REMEMBERED)
    return gone + int(session.connection().execute(old).rowcount)


def _link(
    session: Session, config: Config, person: Person, address: str, now: datetime
) -> AccessLink:
    new_id = uuid.uuid4()
    link = AccessLink(
        **owner_like(person),
        id=new_id,
        person_id=person.id,
        address=address,
        token_hash=single_use.digest(single_use.token(config.master_key, PURPOSE, new_id)),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    session.add(link)
    session.flush()
    audit.record(
        session, owner=link, actor_id=None, about_id=person.id, action="access_link.create",
        subject=link, now=now,
    )  # fmt: skip
    return link


def _holder(session: Session, link: AccessLink) -> Person:
    """Whose link it is, while the address is still theirs."""
    for person in addresses.holders(session, link.address):
        if person.id == link.person_id:
            return person
    raise GoneError(
        _l("The address that it was sent to is no longer one of yours here."),
        code="access_link_ended",
        advice=_l("Ask for a link with the address that you use now."),
        actions=[_again()],
    )


def _refusal(row: AccessLink | None) -> MilepostError:
    """Why a link opens nothing: it never was, was used, or has expired."""
    if row is None:
        return NotFoundError(
            _l("There is no such link, or it ended long ago."),
            code="access_link_unknown",
            advice=_NEW,
            actions=[_again()],
        )
    if row.used_at is not None:
        return GoneError(
            _l("Each link opens your badges once, and this one has done so."),
            code="access_link_used",
            title=_l("This link was used before"),
            advice=[_NEW, _l("If that was not you, ask who else reads your mail.")],
            actions=[_again()],
        )
    return GoneError(
        _l("For safety such a link works for twenty minutes."),
        code="access_link_expired",
        title=_l("This link has expired"),
        advice=_NEW,
        actions=[_again()],
    )


def _again() -> dict[str, Any]:
    return {"label": _l("Ask for a new link"), "url": "/access", "primary": True}


def place_of(session: Session, row: Owned) -> Organisation:
    """The organisation that a row belongs to."""
    return session.get_one(Organisation, row.owner_id)
