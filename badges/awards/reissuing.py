"""Issuing a credential anew: the same badge at the same address, in its next version (R9).

The next version is fixed here, whole and unsigned, and stored as a pending row; a worker signs it
and puts it in the place of the current one (see `revisions`). Until then the current one is served.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from badges import ends
from badges.achievements.models import AchievementVersion
from badges.achievements.service import micro_credential
from badges.awards.address import check_address
from badges.awards.building import Fixed
from badges.awards.models import Credential, CredentialRevision
from badges.awards.naming import clean_name
from badges.awards.revised import (
    UNSET,
    Change,
    Reason,
    Unset,
    dated,
    endorsement_ids,
    revised,
)
from badges.awards.status import allocate, count_allocation
from badges.awards.versions import history, pending
from badges.endorsements.additions import of_achievement, signed_now
from core import audit, plain_text
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import owner_like
from core.outbox import publish as publish_message
from core.scope import unscoped
from core.timezones import last_day

SIGN_REVISION: Final = "credential.sign_revision"
NOTE_LIMIT: Final = 500
T = TypeVar("T")
_REASON = "a credential that the caller has found, its versions and its achievement"


def reissue(
    session: Session,
    credential_id: uuid.UUID,
    change: Change,
    *,
    actor_id: uuid.UUID | None,
    badge_url: str,
    now: datetime,
    replacement_id: uuid.UUID | None = None,
    seen: int | None = None,
) -> Credential:
    """Fix the next version of a credential and have it signed; returns the credential as it is yet.

    The session's scope says whose credentials are in reach; the caller has checked who may do this
    (inside `unscoped` for a holder's own). A change that changes nothing makes no version, unless
    its reason is `key`. Several may be asked for before the first is signed: each is made on top of
    the last, and only the last is signed. To have it at once, call `revisions.sign_revision` after
    the transaction; the worker then finds nothing left to do.

    Args:
        actor_id: who decided it; None for an operator's command or a rule.
        replacement_id: the withdrawn key's row, where that is the reason.
        seen: the number of the version that whoever decided it had before them, where a person did.

    Raises NotFoundError out of scope, ConflictError while the credential is not signed yet, once it
    was revoked and (`credential_changed`) where there is a newer version than `seen`,
    UnprocessableError for a name, a note, levels or an end that cannot stand on the badge.
    """
    check_address(session, badge_url)
    credential = _found(session, credential_id, lock=True)
    clean = _checked(change)
    with unscoped(session, _REASON):
        latest, version, document = _next(session, credential, clean, badge_url, now, seen)
        if clean.reason != "key" and document == latest.unsigned:
            return credential
        _append(
            session, credential, latest, version, clean, document,
            actor_id=actor_id, replacement_id=replacement_id, badge_url=badge_url, now=now,
        )  # fmt: skip
    return credential


def preview(
    session: Session,
    credential_id: uuid.UUID,
    change: Change,
    *,
    badge_url: str,
    now: datetime,
    seen: int | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the credential says now (or is about to) and what it would say, both unsigned.

    Its date and its place on the status list are those of now. Raises as `reissue`.
    """
    credential = _found(session, credential_id, lock=False)
    clean = _checked(change)
    with unscoped(session, _REASON):
        latest, _version, document = _next(session, credential, clean, badge_url, now, seen)
        return latest.unsigned, document


def _next(
    session: Session,
    credential: Credential,
    change: Change,
    badge_url: str,
    now: datetime,
    seen: int | None,
) -> tuple[CredentialRevision, AchievementVersion, dict[str, Any]]:
    """The newest version, the achievement's version to speak of, and what is to be said."""
    latest = _latest(session, credential)
    if seen is not None and latest.number != seen:
        raise ConflictError(
            _("This badge was issued anew since you opened the page; nothing was changed."),
            code="credential_changed",
        )
    version = _version(session, credential, latest.achievement_version_id, change)
    if not isinstance(change.levels, Unset):
        _check_levels(version, change.levels)
    if change.reason == "corrected" and not isinstance(change.valid_until, Unset):
        ends.check(
            change.valid_until, after=ends.end_of(last_day(credential.awarded_at)), now=now,
            early=_("Choose a day after the one on which it was earned."),
        )  # fmt: skip
    document = revised(
        latest.unsigned,
        change,
        before=session.get_one(AchievementVersion, latest.achievement_version_id),
        after=version,
        subject_id=f"urn:uuid:{uuid.uuid4()}",
        salt=secrets.token_urlsafe(18),
        badge_url=badge_url,
        endorsed=of_achievement(session, version, now),
        signed=signed_now(session, endorsement_ids(latest.unsigned)),
    )
    return latest, version, document


def _found(session: Session, credential_id: uuid.UUID, *, lock: bool) -> Credential:
    query = (
        select(Credential)
        .where(Credential.id == credential_id)
        .options(undefer(Credential.unsigned))
        .execution_options(populate_existing=True)
    )
    credential = session.scalar(query.with_for_update(of=Credential) if lock else query)
    if credential is None:
        raise NotFoundError(_("There is no badge at this address."), code="credential_unknown")
    if credential.state == "accepted":
        raise ConflictError(
            _("This badge is still being signed. That takes a moment; please try again."),
            code="credential_unsigned",
        )
    if credential.state == "revoked":
        raise ConflictError(
            _("This badge was withdrawn by its issuer, so it is not issued anew."),
            code="credential_revoked",
        )
    return credential


def _checked(change: Change) -> Change:
    note = change.note.strip()
    fault = plain_text.text_fault(note, NOTE_LIMIT)
    if change.reason == "corrected" and not note:
        fault = _("Say what was wrong. The holder of the badge will read this.")
    if fault is not None:
        raise UnprocessableError(
            _("Say what was wrong, in at most %(limit)d characters.", limit=NOTE_LIMIT),
            code="note_missing" if not note else "note_unusable",
            fields={"note": fault},
        )
    if isinstance(change.name, str):
        return replace(change, note=note, name=clean_name(change.name))
    return replace(change, note=note)


def _latest(session: Session, credential: Credential) -> CredentialRevision:
    """The newest version that can stand, signed or not; the first is what acceptance fixed."""
    found = session.scalar(
        select(CredentialRevision)
        .where(
            CredentialRevision.credential_id == credential.id,
            CredentialRevision.refused_at.is_(None),
        )
        .order_by(CredentialRevision.number.desc())
        .limit(1)
        .options(undefer(CredentialRevision.unsigned))
        .execution_options(populate_existing=True)
    )
    if found is not None:
        return found
    return CredentialRevision(
        **owner_like(credential),
        id=uuid.uuid4(),
        credential_id=credential.id,
        number=1,
        reason="issued",
        recipient_name=credential.recipient_name,
        achievement_version_id=credential.achievement_version_id,
        valid_until=credential.valid_until,
        unsigned=credential.unsigned,
        status_list_id=credential.status_list_id,
        status_index=credential.status_index,
        proof_created_at=credential.proof_created_at,
        created_at=credential.accepted_at,
        signed_at=credential.signed_at,
    )


def _version(
    session: Session, credential: Credential, version_id: uuid.UUID, change: Change
) -> AchievementVersion:
    wanted = version_id if isinstance(change.version_id, Unset) else change.version_id
    found = session.get(AchievementVersion, wanted)
    if found is None or found.achievement_id != credential.version.achievement_id:
        raise NotFoundError(
            _("This is no version of what the badge was given for."), code="achievement_unknown"
        )
    return found


def _check_levels(version: AchievementVersion, levels: Mapping[str, int]) -> None:
    """Only criteria and levels of the version itself can stand on the badge."""
    rubric = {item.id: len(item.levels) for item in micro_credential(version).rubric.criteria}
    faults = {
        f"levels.{name}": _("Choose one of the levels.")
        for name, number in levels.items()
        if not 1 <= number <= rubric.get(name, 0)
    }
    if faults:
        raise UnprocessableError(
            _("These results cannot stand on the badge."), code="levels_unknown", fields=faults
        )


def _append(
    session: Session,
    credential: Credential,
    latest: CredentialRevision,
    version: AchievementVersion,
    change: Change,
    document: dict[str, Any],
    *,
    actor_id: uuid.UUID | None,
    replacement_id: uuid.UUID | None,
    badge_url: str,
    now: datetime,
) -> None:
    """Write the pending row, with a date and a place on a status list of its own."""
    session.add(latest)  # number 1 becomes a row when there is a number 2
    status_list, index = allocate(session, credential.issuer, now)
    # Of two versions the one with the later date is the newer (R9), and a date has no fractions.
    begins = max(now.replace(microsecond=0), latest.proof_created_at + timedelta(seconds=1))
    fixed = replace(Fixed.preview(begins), status_list_id=status_list.id, status_index=index)
    row = CredentialRevision(
        **owner_like(credential),
        id=uuid.uuid4(),
        credential_id=credential.id,
        number=_newest_number(session, credential, latest) + 1,
        reason=change.reason,
        note=change.note or None,
        recipient_name=_or(change.name, latest.recipient_name),
        achievement_version_id=version.id,
        valid_until=_or(change.valid_until, latest.valid_until),
        unsigned=dated(document, fixed, badge_url),
        status_list_id=status_list.id,
        status_index=index,
        proof_created_at=begins,
        created_at=now,
        actor_id=actor_id,
        replacement_id=replacement_id,
    )
    session.add(row)
    session.flush()
    count_allocation(session, status_list.id)
    audit.record(
        session, owner=credential, actor_id=actor_id, action="credential.reissued",
        subject=credential, about_id=credential.person_id, now=now,
        details={"number": row.number, "reason": row.reason},
    )  # fmt: skip
    publish_message(
        session,
        SIGN_REVISION,
        f"{credential.id}:{row.number}",
        {"credential_id": str(credential.id)},
        organisation_id=credential.owner_id,
    )
    session.flush()


def _newest_number(session: Session, credential: Credential, latest: CredentialRevision) -> int:
    """The last number that was given: one that was refused keeps its own."""
    session.flush()
    numbers = select(func.max(CredentialRevision.number))
    given = session.scalar(numbers.where(CredentialRevision.credential_id == credential.id))
    return given or latest.number


def _or(wanted: T | Unset, otherwise: T) -> T:
    return otherwise if isinstance(wanted, Unset) else wanted


__all__ = [
    "NOTE_LIMIT", "SIGN_REVISION", "UNSET", "Change", "Reason", "history", "pending", "preview",
    "reissue",
]  # fmt: skip
