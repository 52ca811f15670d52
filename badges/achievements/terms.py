"""An issuer's terms of use: texts that are published once, numbered, and never changed.

A credential names the one that was in force when it was accepted (VCDM 2.0, section 5.5).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.models import Issuer, IssuerTerms
from core import audit, plain_text
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import owner_like
from core.numbers import MOST
from core.scope import unscoped

MOST_LETTERS: Final = 20_000
_PUBLIC = "terms are public, like the issuer whose they are"


def in_force(session: Session, issuer_id: uuid.UUID) -> IssuerTerms | None:
    """The terms that a new badge is given under; None where the issuer has none."""
    latest = _latest(session, issuer_id)
    return latest if latest is not None and latest.text else None


def publish(
    session: Session,
    issuer: Issuer,
    text: str,
    *,
    seen: int | None = None,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> IssuerTerms | None:
    """Publish the next terms; an empty text ends them for badges to come.

    `seen` is the number of the version that the writer had before them, 0 for none: ConflictError
    where somebody published in between. Returns None where that is what holds already. Raises
    UnprocessableError for a text that is too long or holds what turns its direction.
    """
    clean = "\n".join(line.rstrip() for line in text.strip().splitlines())
    fault = plain_text.text_fault(clean, MOST_LETTERS)
    if fault is not None:
        raise UnprocessableError(
            _("These terms cannot be published as they are."),
            code="terms_long",
            fields={"text": fault},
        )
    with unscoped(session, "one issuer, locked by its id"):
        # Two publications at once would otherwise claim the same number.
        session.execute(select(Issuer.id).where(Issuer.id == issuer.id).with_for_update())
    latest = _latest(session, issuer.id)
    if clean == (latest.text if latest else ""):
        return None
    if seen is not None and seen != (latest.number if latest else 0):
        raise ConflictError(
            _(
                "Somebody has published other terms since you opened this page, so yours were not."
                " Compare them with the latest version below, then publish."
            ),
            code="terms_changed",
        )
    made = IssuerTerms(
        **owner_like(issuer),
        id=uuid.uuid4(),
        issuer_id=issuer.id,
        number=latest.number + 1 if latest else 1,
        text=clean,
        published_at=now,
    )
    session.add(made)
    session.flush()
    audit.record(
        session, owner=issuer, actor_id=actor_id, action="issuer.terms", subject=made, now=now,
        details={"number": made.number},
    )  # fmt: skip
    return made


def published(session: Session, issuer_id: uuid.UUID, number: int) -> IssuerTerms:
    """One text, for ever at its address. Raises NotFoundError."""
    with unscoped(session, _PUBLIC):
        named = IssuerTerms.issuer_id == issuer_id, IssuerTerms.number == number
        # The number comes from an address, and a column does not hold every number.
        found = session.scalar(select(IssuerTerms).where(*named)) if number <= MOST else None
    if found is None or not found.text:
        raise NotFoundError(_("There are no terms at this address."), code="terms_unknown")
    return found


def every(session: Session, issuer_id: uuid.UUID) -> list[IssuerTerms]:
    """All texts of an issuer, the latest first."""
    with unscoped(session, _PUBLIC):
        return list(
            session.scalars(
                select(IssuerTerms)
                .where(IssuerTerms.issuer_id == issuer_id)
                .order_by(IssuerTerms.number.desc())
            )
        )


def _latest(session: Session, issuer_id: uuid.UUID) -> IssuerTerms | None:
    with unscoped(session, _PUBLIC):
        return session.scalar(
            select(IssuerTerms)
            .where(IssuerTerms.issuer_id == issuer_id)
            .order_by(IssuerTerms.number.desc())
            .limit(1)
        )
