"""The base address of all badges: kept at the first issue, refused if it changes later.

Badges name their issuer, their page and their status list by it, and they are out of our hands
once they are signed.
"""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.addresses import issuer_did
from badges.achievements.models import Issuer
from badges.awards.models import BadgeAddress
from badges.once import insert_once
from core.errors import ConflictError
from core.scope import unscoped


def kept_address(session: Session) -> str | None:
    """The origin that badges carry, or None before the first issue."""
    return session.scalar(select(BadgeAddress.origin))


def check_address(session: Session, badge_url: str) -> None:
    """Raise ConflictError if badges were issued under another origin than `badge_url`."""
    kept = kept_address(session)
    if kept is not None and kept != badge_url:
        raise ConflictError(
            _(
                "Badges were issued under %(kept)s, so the badge address cannot become"
                " %(given)s: they would no longer be found there.",
                kept=kept,
                given=badge_url,
            ),
            code="badge_address_changed",
            advice=_("Set MILEPOST_BADGE_URL to %(kept)s again.", kept=kept),
        )


def keep_address(session: Session, badge_url: str, now: datetime) -> None:
    """Keep `badge_url` if it is the first; otherwise check it (see `check_address`).

    Until then nothing was signed, so issuers that were made under an earlier setting move along.
    """
    if kept_address(session) is None:
        values = {"id": 1, "origin": badge_url, "kept_at": now}
        if insert_once(session, BadgeAddress, values, ("id",)):
            with unscoped(session, "the address is the whole installation's"):
                for issuer in session.scalars(select(Issuer)):
                    issuer.did = issuer_did(badge_url, issuer.slug)
            session.flush()
    check_address(session, badge_url)
