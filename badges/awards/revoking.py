"""Withdrawing many badges at once, for one reason: all of them or, where that fails, none."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.awards.models import Credential
from badges.awards.service import mark_revoked, usable_reason
from badges.awards.versions import withdraw_all
from core.errors import UnprocessableError

AT_ONCE: Final = 500


@dataclass(frozen=True)
class Outcome:
    """What became of those that were named: withdrawn now, before, or not found in reach."""

    revoked: tuple[Credential, ...]
    before: tuple[Credential, ...]
    unknown: tuple[uuid.UUID, ...]


def look_up(session: Session, ids: Collection[uuid.UUID]) -> Outcome:
    """What `revoke_many` would do; nothing is changed and nobody is told."""
    found = {
        one.id: one
        for one in session.scalars(
            select(Credential).where(Credential.id.in_(ids)).order_by(Credential.id)
        )
    }
    return Outcome(
        tuple(one for one in found.values() if one.state != "revoked"),
        tuple(one for one in found.values() if one.state == "revoked"),
        tuple(sorted(set(ids) - found.keys())),
    )


def revoke_many(
    session: Session,
    ids: Iterable[uuid.UUID],
    reason: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> Outcome:
    """Withdraw every credential of `ids` that is in the session's scope, for one reason.

    What was withdrawn before keeps its own reason; what is out of reach is named in the result. In
    the order of the ids, so that two who do this at once never wait for each other.

    Raises UnprocessableError for more than AT_ONCE, for none, and without a usable reason.
    """
    wanted = sorted(set(ids))
    text = usable_reason(reason)
    if not 0 < len(wanted) <= AT_ONCE:
        raise UnprocessableError(
            _("Choose between 1 and %(most)d badges at a time.", most=AT_ONCE),
            code="too_many",
            fields={"credential": _("Choose at least one badge.")},
        )
    session.execute(
        select(Credential.id)
        .where(Credential.id.in_(wanted))
        .order_by(Credential.id)
        .with_for_update(of=Credential)
    )
    outcome = look_up(session, wanted)
    # People in one order as well: each one's ledger is locked while it is written.
    for one in sorted(outcome.revoked, key=lambda one: (one.person_id, one.id)):
        mark_revoked(session, one, text, actor_id, now)
    withdraw_all(session, outcome.revoked, now)
    return outcome
