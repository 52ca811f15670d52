"""A key is compromised: it is withdrawn, and everything that it signed is issued anew.

Withdrawing takes the key out of the issuer's DID document at once, so that whatever it signed, ours
or forged, verifies no more. The search that follows goes through the issuer's credentials in the
order of their ids, a few at a time; its place and what it found are stored in one transaction, so
that it goes on where it was after a crash and finds nothing twice.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, undefer

from badges.achievements.models import Issuer
from badges.awards.models import Credential, CredentialRevision, KeyReplacement
from badges.awards.proofs import Signed
from badges.awards.reissuing import Change, reissue
from badges.awards.trusted import sign_and_store
from badges.endorsements.models import Endorsement
from badges.reasons import usable_reason
from core import audit
from core.crash import crash_point
from core.errors import NotFoundError
from core.identity import owner_like
from core.outbox import publish as publish_message
from core.runtime import Runtime
from core.scope import unscoped
from keys.models import SigningKey, issuer_ring
from keys.ring import KeyRing
from keys.shared import ring_of

SEARCH: Final = "keys.replace"
WINDOW: Final = 200
FOR_SECONDS: Final = 60.0  # then the search makes room for other work, and goes on after it
_REASON = "a key signs for its issuer, whoever holds what it signed"
_HEADER: Final = 600  # characters of a token that surely hold its header


@dataclass(frozen=True)
class Progress:
    """How far a replacement is. `looked_at` of `total` credentials; of the `found`, `signed`."""

    row: KeyReplacement
    total: int
    looked_at: int
    found: int
    signed: int

    @property
    def state(self) -> str:
        """`searching`, `signing` or `done`."""
        if self.row.found_all_at is None:
            return "searching"
        return "done" if self.signed >= self.found else "signing"


def withdraw(
    session: Session,
    ring: KeyRing,
    kid: str,
    *,
    reason: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> KeyReplacement | None:
    """Withdraw a key for ever; returns what is to be issued anew, None for a key of no issuer.

    If it was the one that signs, a new one signs from now on. Doing it again changes nothing. The
    caller has checked the role. Raises NotFoundError, or UnprocessableError without a reason.
    """
    text = usable_reason(
        reason, _("Say what happened. It is kept with the key, for whoever asks later.")
    )
    ring.withdraw(session, kid, now)
    with unscoped(session, _REASON):
        found = session.scalar(select(KeyReplacement).where(KeyReplacement.kid == kid))
        issuer = found.issuer if found else issuer_of(session, kid)
        if found is not None or issuer is None:
            return found
        row = KeyReplacement(
            **owner_like(issuer),
            id=uuid.uuid4(),
            issuer_id=issuer.id,
            kid=kid,
            reason=text,
            actor_id=actor_id,
            started_at=now,
            looked_at=0,
        )
        row.issuer = issuer
        session.add(row)
        session.flush()
        audit.record(
            session, owner=issuer, actor_id=actor_id, action="key.withdrawn",
            subject=row, now=now, details={"kid": kid},
        )  # fmt: skip
        _go_on(session, row)
    return row


def issuer_of(session: Session, kid: str) -> Issuer | None:
    """The issuer that a key signs for; None for a key that is no issuer's. Raises NotFoundError."""
    key = session.scalar(select(SigningKey).where(SigningKey.kid == kid))
    if key is None:
        raise NotFoundError(_("There is no such key."), code="key_unknown")
    if not key.ring.startswith("issuer:"):
        return None
    with unscoped(session, _REASON):
        return session.get(Issuer, uuid.UUID(key.ring.removeprefix("issuer:")))


def search(runtime: Runtime, replacement_id: uuid.UUID, *, seconds: float = FOR_SECONDS) -> bool:
    """Find what the key signed and have it issued anew; True once everything was looked at.

    After `seconds` it writes a job that goes on, and returns False. Any number of processes may do
    it at once: each window belongs to one of them.
    """
    until = time.monotonic() + seconds
    _sign_endorsements(runtime, replacement_id)
    while True:
        with runtime.database.transaction() as session, unscoped(session, _REASON):
            row = session.scalar(
                select(KeyReplacement)
                .where(KeyReplacement.id == replacement_id)
                .with_for_update(of=KeyReplacement)
                .execution_options(populate_existing=True)
            )
            if row is None or row.found_all_at is not None:
                return True
            if _window(session, runtime, row):
                return True
            if time.monotonic() >= until:
                _go_on(session, row)
                return False
        crash_point("replacement-window", runtime.config.environment)


def progress(session: Session, row: KeyReplacement) -> Progress:
    """How far it is, counted from the rows themselves."""
    with unscoped(session, _REASON):
        total = session.scalar(select(func.count(Credential.id)).where(*_reach(session, row)))
        of_row = CredentialRevision.replacement_id == row.id
        found = session.scalar(select(func.count(CredentialRevision.id)).where(of_row))
        signed = session.scalar(
            select(func.count(CredentialRevision.id)).where(
                of_row,
                or_(
                    CredentialRevision.signed_at.is_not(None),
                    CredentialRevision.replaced_at.is_not(None),
                ),
                CredentialRevision.refused_at.is_(None),
            )
        )
    return Progress(row, max(total or 0, row.looked_at), row.looked_at, found or 0, signed or 0)


def waiting(session: Session, row: KeyReplacement) -> list[uuid.UUID]:
    """The credentials that were found and are not signed anew yet, by id."""
    with unscoped(session, _REASON):
        return list(
            session.scalars(
                select(CredentialRevision.credential_id)
                .where(
                    CredentialRevision.replacement_id == row.id,
                    CredentialRevision.signed_at.is_(None),
                    CredentialRevision.replaced_at.is_(None),
                )
                .order_by(CredentialRevision.credential_id)
            )
        )


def _reach(session: Session, row: KeyReplacement) -> list[ColumnElement[bool]]:
    """Where to look: the issuer's badges; everybody's where the issuer has endorsed others'."""
    signed = Credential.state == "signed"
    own = select(Endorsement.id).where(Endorsement.issuer_id == row.issuer_id).limit(1)
    if session.scalar(own) is not None:
        return [signed]
    return [signed, Credential.issuer_id == row.issuer_id]


def _sign_endorsements(runtime: Runtime, replacement_id: uuid.UUID) -> None:
    """Sign anew what the key endorsed, in the place of the old; each once, whoever is first."""
    ring = ring_of(runtime)
    with runtime.database.snapshot() as session, unscoped(session, _REASON):
        row = session.get(KeyReplacement, replacement_id)
        if row is None or row.found_all_at is not None:
            return
        given = session.scalars(
            select(Endorsement)
            .where(Endorsement.issuer_id == row.issuer_id, Endorsement.signed_at.is_not(None))
            .options(undefer(Endorsement.unsigned))
        ).all()
    ring.forget()  # another process may have withdrawn the key
    for one in given:
        sign_and_store(
            runtime, ring, row.issuer, one.unsigned,
            created=one.made_at, crash="endorsement-replaced-not-stored",
            store=partial(_replace, one.id),
        )  # fmt: skip


def _replace(endorsement_id: uuid.UUID, session: Session, signed: Signed) -> None:
    found = session.scalars(
        select(Endorsement).where(Endorsement.id == endorsement_id).with_for_update(of=Endorsement)
    ).one()
    found.document, found.jwt = signed.document, signed.jwt


def _window(session: Session, runtime: Runtime, row: KeyReplacement) -> bool:
    """Look at the next few credentials, and note the place; True at the end. The row is locked."""
    now = runtime.now()
    next_ones = (
        select(Credential.id).where(*_reach(session, row)).order_by(Credential.id).limit(WINDOW)
    )
    if row.cursor is not None:
        next_ones = next_ones.where(Credential.id > row.cursor)
    ids = list(session.scalars(next_ones))
    for credential_id in _signed_with(session, row.kid, ids):
        reissue(
            session, credential_id, Change("key"), actor_id=row.actor_id,
            badge_url=runtime.config.badge_url, now=now, replacement_id=row.id,
        )  # fmt: skip
    crash_point("replacement-found-not-stored", runtime.config.environment)
    if ids:
        row.cursor, row.looked_at = ids[-1], row.looked_at + len(ids)
    last = len(ids) < WINDOW
    if last:
        row.found_all_at = now
    session.flush()
    return last


def _signed_with(session: Session, kid: str, ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """Those of `ids` whose embedded proof or token was made with the key."""
    key = session.scalars(select(SigningKey).where(SigningKey.kid == kid)).one()
    query = select(Credential.id).where(Credential.id.in_(ids)).order_by(Credential.id)
    if key.public_multibase and key.algorithm == "Ed25519":
        method = f'#{key.public_multibase}"'
        return list(
            session.scalars(query.where(Credential.document.contains(method, autoescape=True)))
        )
    rows = session.execute(query.add_columns(func.substr(Credential.jwt, 1, _HEADER))).all()
    return [one for one, token in rows if _key_of(token) == kid]


def _key_of(token: str | None) -> str:
    """The key that a token's header names; the last part of its `kid` (R27)."""
    header = (token or "").split(".", 1)[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except ValueError:
        return ""
    return str(found.get("kid", "")).rsplit("/", 1)[-1]


def _go_on(session: Session, row: KeyReplacement) -> None:
    publish_message(
        session,
        SEARCH,
        f"{row.id}:{row.cursor or 'start'}",
        {"replacement_id": str(row.id)},
        organisation_id=row.owner_id,
    )


def keys_of(session: Session, issuer: Issuer) -> list[SigningKey]:
    """Every key that the issuer ever had, active ones first, then newest first."""
    rows = session.scalars(
        select(SigningKey)
        .where(SigningKey.ring == issuer_ring(issuer.id))
        .order_by(SigningKey.created_at.desc(), SigningKey.kid)
    )
    return sorted(rows, key=lambda key: key.state != "active")
