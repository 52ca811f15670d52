"""Private links: an address that opens one badge for whoever holds it, until it ends.

For a badge that its holder keeps private as well as for one that is published. The table holds a
hash of the secret; the secret follows from the row and the master key, so that its holder can copy
the link again.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import ForeignKey, LargeBinary, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, undefer

from badges.awards.granting import refuse_test_student
from badges.awards.models import Credential
from badges.awards.reading import own_credential
from core import audit, plain_text, single_use
from core.db import Base, Identified
from core.errors import ConflictError, GoneError, NotFoundError, UnprocessableError
from core.identity import owner_like
from core.scope import OwnedByPeople, unscoped

PURPOSE: Final = "credential link"
DAYS: Final = (1, 7, 30, 90, 365)
MOST: Final = 20
KEPT_ENDED: Final = timedelta(days=30)
LABEL_LIMIT: Final = 80
_OWN = "a person's own links to their own badge"
_BY_LINK = "whoever holds the link may open what it leads to"


class CredentialLink(OwnedByPeople, Identified, Base):
    """A link that its holder made. `label` is for the holder alone, such as who it was sent to."""

    __tablename__ = "credential_links"

    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    label: Mapped[str] = mapped_column(String(LABEL_LIMIT))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


def secret_of(master_key: bytes, link_id: uuid.UUID) -> str:
    """What stands in the link's address."""
    return single_use.token(master_key, PURPOSE, link_id)


def make(
    session: Session,
    master_key: bytes,
    credential_id: uuid.UUID,
    person_id: uuid.UUID,
    *,
    days: int,
    label: str,
    now: datetime,
) -> CredentialLink:
    """Make a link to one's own signed badge that works for `days` days.

    Raises NotFoundError for somebody else's badge, ConflictError before it is signed, with too many
    links that work already, and for a test student, UnprocessableError for another time than `DAYS`
    or a label that is too long or is no line of text.
    """
    refuse_test_student(session, person_id)
    credential = own_credential(session, credential_id, person_id)
    if credential.document is None:
        raise ConflictError(
            _("This badge is still being signed. That takes a moment; please try again."),
            code="credential_unsigned",
        )
    label = plain_text.line(label)
    _check(days, label)
    with unscoped(session, _OWN):
        # One at a time for each badge, so that the limit holds.
        session.execute(
            select(Credential.id).where(Credential.id == credential_id).with_for_update()
        )
        count = session.scalar(
            select(func.count())
            .select_from(CredentialLink)
            .where(CredentialLink.credential_id == credential_id, *_working(now))
        )
    if (count or 0) >= MOST:
        raise ConflictError(
            _("This badge has %(most)d links that work. End one of them first.", most=MOST),
            code="links_too_many",
        )
    link_id = uuid.uuid4()
    link = CredentialLink(
        **owner_like(credential),
        id=link_id,
        credential_id=credential.id,
        person_id=person_id,
        token_hash=single_use.digest(secret_of(master_key, link_id)),
        label=label,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(link)
    session.flush()
    _note(session, link, "credential.link_made", now)
    return link


def links_of(
    session: Session, credential_id: uuid.UUID, person_id: uuid.UUID, now: datetime
) -> list[CredentialLink]:
    """One's own links to a badge that still work, newest first."""
    with unscoped(session, _OWN):
        return list(
            session.scalars(
                select(CredentialLink)
                .where(
                    CredentialLink.credential_id == credential_id,
                    CredentialLink.person_id == person_id,
                    *_working(now),
                )
                .order_by(CredentialLink.created_at.desc(), CredentialLink.id)
            )
        )


def end(session: Session, link_id: uuid.UUID, person_id: uuid.UUID, now: datetime) -> None:
    """End one's own link; it opens nothing from now on. Idempotent. Raises NotFoundError."""
    with unscoped(session, _OWN):
        link = session.scalar(
            select(CredentialLink)
            .where(CredentialLink.id == link_id, CredentialLink.person_id == person_id)
            .with_for_update()
        )
    if link is None:
        raise NotFoundError(_("There is no link of yours at this address."), code="link_unknown")
    if link.ended_at is None:
        link.ended_at = now
        session.flush()
        _note(session, link, "credential.link_ended", now)


def opened(session: Session, secret: str, now: datetime) -> tuple[CredentialLink, Credential]:
    """The link with this secret, and its badge with every signed form, revoked or not.

    Raises NotFoundError for a link that never was, GoneError for one that is over.
    """
    found, link = None, single_use.row_of(session, CredentialLink, secret, why=_BY_LINK)
    if link is not None:
        with unscoped(session, _BY_LINK):
            found = session.scalar(
                select(Credential)
                .where(Credential.id == link.credential_id)
                .options(undefer(Credential.document), undefer(Credential.jwt))
            )
    if found is None or link is None or found.document is None:
        raise NotFoundError(
            _("There is no such link, or it ended long ago."), code="link_unknown",
            advice=_("Ask the person who sent it for a new one."),
        )  # fmt: skip
    if link.ended_at is not None or link.expires_at <= now:
        raise GoneError(
            _("Whoever made this link let it work for a while, and that is over."),
            code="link_over",
            title=_("This link has ended"),
            advice=_("Ask the person who sent it for a new one."),
        )
    return link, found


def forget(session: Session, now: datetime) -> int:
    """Delete links that ended a month ago; returns how many."""
    table: Any = CredentialLink.__table__
    old = now - KEPT_ENDED
    over = (table.c.expires_at < old) | (table.c.ended_at < old)
    return int(session.connection().execute(delete(table).where(over)).rowcount)


def _working(now: datetime) -> tuple[Any, ...]:
    return (CredentialLink.ended_at.is_(None), CredentialLink.expires_at > now)


def _check(days: int, label: str) -> None:
    faults: dict[str, Any] = {}
    if days not in DAYS:
        faults["days"] = _("Choose one of these times.")
    fault = plain_text.line_fault(label, LABEL_LIMIT)
    if fault is not None:
        faults["label"] = fault
    if faults:
        raise UnprocessableError(
            _("This link cannot be made as it is."), code="link_invalid", fields=faults
        )


def _note(session: Session, link: CredentialLink, action: str, now: datetime) -> None:
    audit.record(
        session, owner=link, actor_id=link.person_id, about_id=link.person_id, action=action,
        subject=link, now=now,
    )  # fmt: skip
