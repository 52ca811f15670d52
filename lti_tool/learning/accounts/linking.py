"""Connecting two accounts: a code shown in one, typed in the other, confirmed in both.

Nobody is taken for somebody else by an address or a name. A code is good for one use within fifteen
minutes, and kept as a keyed hash; five wrong ones, and an account waits before it may try again.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from core import audit
from core.audit import AuditEvent
from core.errors import ConflictError, NotAllowedError, NotFoundError
from core.identity import Person, owner_like
from core.scope import unscoped
from lti_tool.learning.accounts.locks import Turn, await_turn
from lti_tool.learning.accounts.merging import Merged, merge
from lti_tool.learning.accounts.models import OPEN, AccountLink
from lti_tool.learning.accounts.places import AccountsOf

# Without what is mistaken for something else: 0 and O, 1, I and L, 2 and Z, 5 and S, 8 and B, U.
ALPHABET: Final = "ACDEFGHJKMNPQRTVWXY34679"
LENGTH: Final = 8
CODE_LASTS: Final = timedelta(minutes=15)
CONFIRM_WITHIN: Final = timedelta(hours=1)
MOST_WRONG: Final = 5
MOST_CODES: Final = 10
TOLD_FOR: Final = timedelta(hours=24)
WRONG: Final = "account.code_wrong"
_OWN = "a person's own connections; the other side may have come in through another school"


@dataclass(frozen=True)
class Standing:
    """The connection that matters to a person now, or the last one that came to nothing.

    `side` is first or second; `state` as in AccountLink, or expired.
    """

    link: AccountLink
    side: str
    state: str

    @property
    def other_id(self) -> uuid.UUID | None:
        """The person on the other side, once there is one."""
        return self.link.second_id if self.side == "first" else self.link.first_id


def standing(session: Session, person_id: uuid.UUID, now: datetime) -> Standing | None:
    """Where the person's open connection stands, or the latest; None where nothing is to tell."""
    with unscoped(session, _OWN):
        link = session.scalar(
            select(AccountLink)
            .where(_of(person_id))
            .order_by(
                AccountLink.state.in_(OPEN).desc(), AccountLink.changed_at.desc(), AccountLink.id
            )
            .limit(1)
        )
    if link is None or link.changed_at < now - TOLD_FOR:
        return None
    side = "first" if link.first_id == person_id else "second"
    return Standing(link, side, "expired" if _is_over(link, now) else link.state)


def start(
    session: Session, person_id: uuid.UUID, accounts_of: AccountsOf, *, key: bytes, now: datetime
) -> tuple[AccountLink, str]:
    """Begin a connection; returns it with its code, which is shown once. An open one is cancelled.

    Raises NotAllowedError for who cannot be connected, ConflictError after too many codes.
    """
    person, pending = _lock_all(session, person_id, None)
    _require_connectable(session, person, accounts_of)
    with unscoped(session, _OWN):
        lately = session.scalar(
            select(func.count(AccountLink.id)).where(
                AccountLink.first_id == person_id, AccountLink.created_at > now - timedelta(hours=1)
            )
        )
    if (lately or 0) >= MOST_CODES:
        raise ConflictError(
            _("You have asked for many codes, so the next one has to wait a while."),
            code="codes_used_up",
            advice=_("Please come back in an hour. Nothing was changed."),
        )
    _cancel_all(session, pending, person_id, now)
    code = "".join(secrets.choice(ALPHABET) for _n in range(LENGTH))
    link = AccountLink(
        **owner_like(person),
        id=uuid.uuid4(),
        first_id=person_id,
        code_hash=_hash(code, key),
        state="waiting",
        created_at=now,
        changed_at=now,
        expires_at=now + CODE_LASTS,
    )
    session.add(link)
    session.flush()
    return link, code


def enter(
    session: Session,
    person_id: uuid.UUID,
    typed: str,
    accounts_of: AccountsOf,
    *,
    key: bytes,
    now: datetime,
) -> AccountLink | None:
    """Take up the connection whose code was typed, as its second side.

    None for a code that is unknown, used or over: that is noted, so the transaction must be
    committed. Raises ConflictError after five wrong ones, for one's own code and for that of
    somebody in another tree of organisations; NotAllowedError for who cannot be connected.
    """
    digest = _hash(normal(typed), key)
    person, pending = _lock_all(session, person_id, digest)
    _require_connectable(session, person, accounts_of)
    if wrong_tries(session, person_id, now) >= MOST_WRONG:
        raise ConflictError(
            _("Five codes did not match, so this account has to wait before it tries another."),
            code="tries_used_up",
            advice=_("Please wait fifteen minutes, then ask for a new code in the other account."),
        )
    link = _waiting(session, digest)
    if link is None or _is_over(link, now):
        audit.record(
            session, owner=person, actor_id=person_id, action=WRONG, subject=person, now=now
        )
        return None
    if link.first_id == person_id:
        raise ConflictError(
            _("This is the code of the very account you are in."),
            code="code_of_ones_own",
            advice=_("Open Milepost from your other LMS, and enter it there."),
        )
    if _root(link.owner_path) != _root(person.owner_path):
        raise ConflictError(
            _("That account belongs to another organisation, so the two stay apart."),
            code="accounts_apart",
            advice=_("Accounts can be connected within one district or region. Ask your lead."),
        )
    _cancel_all(session, [one for one in pending if one is not link], person_id, now)
    link.second_id, link.state = person_id, "entered"
    link.changed_at, link.expires_at = now, now + CODE_LASTS
    session.flush()
    return link


def confirm_second(
    session: Session, person_id: uuid.UUID, link_id: uuid.UUID, now: datetime
) -> None:
    """The second side says yes. Idempotent. Raises NotFoundError, or ConflictError once over."""
    link = _own_link(session, link_id)
    if link is None or link.second_id != person_id:
        raise _unknown()
    _require_open(link, now)
    if link.state == "confirmed":
        return
    link.state, link.changed_at, link.expires_at = "confirmed", now, now + CONFIRM_WITHIN
    audit.record(
        session, owner=link, actor_id=person_id, action="account.confirmed", subject=link,
        about_id=person_id, now=now,
    )  # fmt: skip
    session.flush()


def confirm_first(
    session: Session,
    person_id: uuid.UUID,
    link_id: uuid.UUID,
    accounts_of: AccountsOf,
    now: datetime,
) -> Merged | None:
    """The first side says yes, so the second is joined to it; None where that is done already.

    Raises as `merge` does; ConflictError while the other side has not confirmed.
    """
    link = _own_link(session, link_id)
    if link is None or link.first_id != person_id:
        raise _unknown()
    if link.state == "done":
        return None
    _require_open(link, now)
    if link.state != "confirmed" or link.second_id is None:
        raise ConflictError(
            _("The other account has not confirmed yet."),
            code="other_side_missing",
            advice=_("Enter the code there and confirm, then come back to this page."),
        )
    merged = merge(session, person_id, link.second_id, accounts_of=accounts_of, now=now)
    link.state, link.changed_at = "done", now
    session.flush()
    return merged


def cancel(session: Session, person_id: uuid.UUID, link_id: uuid.UUID, now: datetime) -> None:
    """Either side ends it, at any point before it is done. Idempotent. Raises NotFoundError."""
    link = _own_link(session, link_id)
    if link is None or person_id not in (link.first_id, link.second_id):
        raise _unknown()
    if link.state == "done":
        raise ConflictError(
            _("These accounts are connected already, and that cannot be taken apart."),
            code="accounts_connected",
        )
    _cancel(link, person_id, now)
    session.flush()


def wrong_tries(session: Session, person_id: uuid.UUID, now: datetime) -> int:
    """How many codes of this person did not match in the last fifteen minutes."""
    with unscoped(session, _OWN):
        found = session.scalar(
            select(func.count(AuditEvent.id)).where(
                AuditEvent.actor_id == person_id,
                AuditEvent.action == WRONG,
                AuditEvent.at > now - CODE_LASTS,
            )
        )
    return found or 0


def normal(typed: str) -> str:
    """A typed code without the spaces and dashes that make it readable, in capitals."""
    return "".join(char for char in typed.upper() if char.isalnum())[:64]


def shown(code: str) -> str:
    """A code as it is shown: two groups of four."""
    return f"{code[:4]}-{code[4:]}"


def _hash(code: str, key: bytes) -> bytes:
    return hmac.digest(key, b"milepost account code " + code.encode(), "sha256")


def _lock_all(
    session: Session, person_id: uuid.UUID, digest: bytes | None
) -> tuple[Person, list[AccountLink]]:
    """Lock what is open for the person (and the code's connection), then the person.

    Connections before people, as `merge` does. Returns the person and what is open.
    """
    await_turn(session, Turn.CONNECTING)
    wanted = _of(person_id)
    if digest is not None:
        wanted = or_(wanted, AccountLink.code_hash == digest)
    query = (
        select(AccountLink)
        .where(AccountLink.state.in_(OPEN), wanted)
        .order_by(AccountLink.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    with unscoped(session, _OWN):
        session.scalars(query).all()
        person = session.scalar(
            select(Person)
            .where(Person.id == person_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        if person is None or person.merged_into_id is not None:
            raise _unknown()
        return person, list(session.scalars(query))


def _cancel_all(
    session: Session, links: list[AccountLink], person_id: uuid.UUID, now: datetime
) -> None:
    """One connection at a time: a new one ends what was open."""
    for link in links:
        _cancel(link, person_id, now)
    session.flush()


def _cancel(link: AccountLink, person_id: uuid.UUID, now: datetime) -> None:
    if link.state in OPEN:
        link.state, link.changed_at, link.cancelled_by_id = "cancelled", now, person_id


def _waiting(session: Session, digest: bytes) -> AccountLink | None:
    with unscoped(session, "a code is looked up wherever it was made; its tree is compared next"):
        return session.scalar(
            select(AccountLink)
            .where(AccountLink.code_hash == digest, AccountLink.state == "waiting")
            .order_by(AccountLink.created_at.desc())
            .limit(1)
        )


def _own_link(session: Session, link_id: uuid.UUID) -> AccountLink | None:
    with unscoped(session, _OWN):
        return session.scalar(
            select(AccountLink)
            .where(AccountLink.id == link_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )


def _require_connectable(session: Session, person: Person, accounts_of: AccountsOf) -> None:
    if person.is_test:
        raise NotAllowedError(
            _("This is a test student of the LMS, and only people's accounts are connected."),
            code="person_is_test",
            advice=_("Open the activity as yourself."),
        )
    if not accounts_of(session, [person.id]):
        raise NotAllowedError(
            _("Your LMS does not tell us who you are, so this visit cannot be connected."),
            code="account_missing",
            advice=_("Ask your LMS administrator to let Milepost know you by an id."),
        )


def _require_open(link: AccountLink, now: datetime) -> None:
    if link.state not in OPEN or _is_over(link, now):
        raise ConflictError(
            _("This connection was cancelled or ran out of time, so nothing was changed."),
            code="connection_over",
            advice=_("You can begin anew under “My accounts”."),
        )


def _is_over(link: AccountLink, now: datetime) -> bool:
    return link.state in OPEN and link.expires_at <= now


def _of(person_id: uuid.UUID) -> ColumnElement[bool]:
    return or_(AccountLink.first_id == person_id, AccountLink.second_id == person_id)


def _root(path: str) -> str:
    return path.split("/")[1]


def _unknown() -> NotFoundError:
    return NotFoundError(
        _("There is no such connection of yours."),
        code="connection_unknown",
        advice=_("You can begin one under “My accounts”."),
    )
