"""Addresses that people have proved to be theirs, and who may be written to where.

The LMS's address stands in `people`. Beside it anybody may have one of their own, which a school
does not take away: it is asked for, a link goes there, and whoever reads it says yes.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import audit, mail, postal, quotas, single_use
from core.config import Config
from core.db import Base, Identified
from core.errors import ConflictError, GoneError, NotFoundError, UnprocessableError
from core.identity import Person, owner_like
from core.scope import OwnedByPeople, unscoped

LIFETIME: Final = timedelta(hours=1)
KEPT_ENDED: Final = timedelta(days=30)
CONFIRM: Final = "address.confirm"
ADDED: Final = "address.added"
PURPOSE: Final = "own address"
PER_NETWORK: Final = quotas.Limit("own address, network", 60, timedelta(hours=1))
PER_ADDRESS: Final = quotas.Limit("own address, address", 3, timedelta(hours=1))
PER_PERSON: Final = quotas.Limit("own address, person", 8, timedelta(days=1))
_OWN = "a person's own addresses, whichever school they came in through"


class OwnAddress(OwnedByPeople, Identified, Base):
    """An address that a person gave: `asked` until its link is taken, `verified`, then `ended`.

    Several of one person may be verified where two accounts were joined; the newest is theirs.
    `lookup` is what its spellings share. The link's secret is kept as a hash alone.
    """

    __tablename__ = "own_addresses"
    __table_args__ = (CheckConstraint("state in ('asked','verified','ended')", name="state"),)

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    address: Mapped[str] = mapped_column(String(254))
    lookup: Mapped[str] = mapped_column(String(254), index=True)
    state: Mapped[str] = mapped_column(String(10), default="asked")
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Reachable:
    """Where a person is written to, and whether the address is their own (not their LMS's)."""

    address: str
    own: bool


def current(session: Session, person_id: uuid.UUID, state: str = "verified") -> OwnAddress | None:
    """The newest address of the person in `state`."""
    with unscoped(session, _OWN):
        return session.scalar(
            select(OwnAddress)
            .where(OwnAddress.person_id == person_id, OwnAddress.state == state)
            .order_by(
                OwnAddress.verified_at.desc(), OwnAddress.asked_at.desc(), OwnAddress.id.desc()
            )
            .limit(1)
        )


def reachable(session: Session, person: Person) -> Reachable | None:
    """Where to write to: the person's own address, else the LMS's; only one that is verified."""
    found = current(session, person.id)
    if found is not None:
        return Reachable(found.address, True)
    given = postal.normal(person.verified_email or "")
    return Reachable(given, False) if given else None


def holders(session: Session, address: str) -> list[Person]:
    """Everybody whose verified address this is, oldest first; nobody whom an LMS invented."""
    lookup = postal.same(address)
    theirs = select(OwnAddress.person_id).where(
        OwnAddress.lookup == lookup, OwnAddress.state == "verified"
    )
    by_lms = (func.lower(Person.email) == lookup) & Person.email_verified_at.is_not(None)
    with unscoped(session, "somebody without a visit asks for a way in by an address alone"):
        return list(
            session.scalars(
                select(Person)
                .where(
                    by_lms | Person.id.in_(theirs),
                    Person.merged_into_id.is_(None),
                    Person.is_test.is_(False),
                )
                .order_by(Person.created_at, Person.id)
            )
        )


def ask(
    session: Session, config: Config, person: Person, typed: str, *, network: str, now: datetime
) -> OwnAddress:
    """Have a link sent to `typed`; what was asked for before and not confirmed ends.

    A verified address stays until the new one is confirmed. `network` is where it is asked from.
    Raises UnprocessableError for what is no address, or is verified already, ConflictError for a
    test student, TooOftenError where it was asked for too often.
    """
    if person.is_test:
        raise ConflictError(
            _("This is a test student of the LMS, and mail goes to people only."),
            code="person_is_test",
        )
    address = postal.normal(typed)
    if address is None:
        raise _unusable(_("Type one whole address, such as name@example.org."))
    _lock(session, person.id)
    known = current(session, person.id)
    if known is not None and known.lookup == postal.same(address):
        raise _unusable(_("This is your address already, and it is confirmed."))
    counted = (
        (PER_NETWORK, network),
        (PER_ADDRESS, postal.same(address)),
        (PER_PERSON, str(person.id)),
    )
    for limit, asker in counted:
        quotas.demand(session, config.master_key, limit, asker, now)
    _end(session, person.id, ("asked",), now)
    new_id = uuid.uuid4()
    secret = single_use.token(config.master_key, PURPOSE, new_id)
    row = OwnAddress(
        **owner_like(person),
        id=new_id,
        person_id=person.id,
        address=address,
        lookup=postal.same(address),
        state="asked",
        token_hash=single_use.digest(secret),
        asked_at=now,
        expires_at=now + LIFETIME,
    )
    session.add(row)
    session.flush()
    mail.queue(
        session, config, CONFIRM, str(row.id), {"address_id": str(row.id)},
        organisation_id=person.owner_id,
    )  # fmt: skip
    _note(session, person, "own_address.asked", row, now)
    return row


def find(session: Session, secret: str, now: datetime) -> tuple[OwnAddress, Person]:
    """What a link that holds would confirm, and whose it is; taking nothing.

    Raises NotFoundError for one that never was, GoneError for one that is over.
    """
    row = _by_token(session, secret)
    if row.state != "asked" or row.expires_at <= now:
        raise _over(row)
    with unscoped(session, single_use.WHY):
        person = session.get_one(Person, row.person_id)
    if person.merged_into_id is not None:
        raise _over(row)
    return row, person


def confirm(session: Session, config: Config, secret: str, now: datetime) -> OwnAddress:
    """Use the link up: the address is the person's own, in place of any before it.

    Of any number of simultaneous attempts one succeeds. Whoever could be written to before is told
    there. Raises like `find`.
    """
    row, person = find(session, secret, now)
    _lock(session, person.id)
    session.refresh(row)
    if row.state != "asked":
        raise _over(row)
    before, own = reachable(session, person), current(session, person.id)
    _end(session, person.id, ("asked", "verified"), now)
    row.state, row.verified_at, row.ended_at = "verified", now, None
    session.flush()
    _note(session, person, "own_address.verified", row, now)
    if before is not None and postal.same(before.address) != row.lookup:
        facts = {"address_id": str(row.id), "before_id": str(own.id) if own else None}
        mail.queue(session, config, ADDED, str(row.id), facts, organisation_id=person.owner_id)
    return row


def remove(session: Session, person_id: uuid.UUID, now: datetime) -> int:
    """End every address of the person's own, confirmed or asked for; returns how many."""
    _lock(session, person_id)
    ended = _end(session, person_id, ("asked", "verified"), now)
    with unscoped(session, _OWN):
        person = session.get_one(Person, person_id)
    for row in ended:
        _note(session, person, "own_address.removed", row, now)
    return len(ended)


def forget(session: Session, now: datetime) -> int:
    """Delete what ended, or was never confirmed, a month ago; returns how many."""
    table: Any = OwnAddress.__table__
    old = now - KEPT_ENDED
    ended = (table.c.state == "ended") & (table.c.ended_at < old)
    never = (table.c.state == "asked") & (table.c.expires_at < old)
    return int(session.connection().execute(delete(table).where(ended | never)).rowcount)


def _lock(session: Session, person_id: uuid.UUID) -> None:
    """One change of a person's addresses at a time."""
    with unscoped(session, _OWN):
        session.execute(
            select(Person.id).where(Person.id == person_id).with_for_update(key_share=True)
        )


def _end(
    session: Session, person_id: uuid.UUID, states: Sequence[str], now: datetime
) -> list[OwnAddress]:
    with unscoped(session, _OWN):
        rows = list(
            session.scalars(
                select(OwnAddress)
                .where(OwnAddress.person_id == person_id, OwnAddress.state.in_(states))
                .execution_options(populate_existing=True)
            )
        )
    for row in rows:
        row.state, row.ended_at = "ended", now
    session.flush()
    return rows


def _by_token(session: Session, secret: str) -> OwnAddress:
    found = single_use.row_of(session, OwnAddress, secret)
    if found is None:
        raise NotFoundError(
            _("There is no such link, or it ended long ago."), code="address_link_unknown",
            advice=_("Open “My address” in Milepost and ask for a new one."),
        )  # fmt: skip
    return found


def _over(row: OwnAddress) -> GoneError:
    if row.verified_at is not None:
        return GoneError(
            _("This address was confirmed with this link before; there is nothing left to do."),
            code="address_link_used",
            title=_("This link was used before"),
        )
    return GoneError(
        _("Such a link works for an hour, and until another one is asked for."),
        code="address_link_expired",
        title=_("This link has expired"),
        advice=_("Open “My address” in Milepost and ask for a new one."),
    )


def _unusable(text: object) -> UnprocessableError:
    return UnprocessableError(text, code="address_unusable", fields={"address": text})


def _note(session: Session, person: Person, action: str, row: OwnAddress, now: datetime) -> None:
    audit.record(
        session, owner=person, actor_id=person.id, about_id=person.id, action=action, subject=row,
        now=now,
    )  # fmt: skip
