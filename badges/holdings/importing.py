"""Badges of other issuers, brought into a person's record after they were verified.

Who verifies is the caller (the network lies between): here the answer is kept with the badge, and
everything that depends on it follows. A badge that cannot be shown to be its bringer's is kept,
says so, and counts for nothing.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from badges.awards.granting import refuse_test_student
from badges.awards.models import Credential
from badges.holdings import counting
from badges.holdings.belonging import belongs, identities
from badges.holdings.models import ImportedBadge
from badges.openbadges.documents import id_of
from badges.openbadges.report import Outcome, Report, Step, StepStatus
from badges.pathways.ledger import lock_enrolments
from core import audit
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Person, owner_like
from core.scope import unscoped

MOST: Final = 500  # badges of one person
AGAIN: Final = timedelta(days=7)
TEXT_LIMIT: Final = 256 * 1024
SOONER: Final = timedelta(days=1)
_ISSUER_LIMIT: Final = 500
_OWN = "a person's own record, found by its id and the person's"
_OURS = re.compile(r"/credentials/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class Said(Protocol):
    """The words of a badge, as `badges.public.reading` picks them out."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def description(self) -> str:
        """What it says of itself."""

    @property
    def issuer_id(self) -> str:
        """How its issuer names itself."""

    @property
    def issuer_name(self) -> str:
        """What its issuer is called."""

    @property
    def achievement_id(self) -> str:
        """What was earned."""

    @property
    def issued_at(self) -> datetime | None:
        """When it was issued."""

    @property
    def valid_from(self) -> datetime | None:
        """When it began to hold."""

    @property
    def valid_until(self) -> datetime | None:
        """When it ends."""


@dataclass(frozen=True)
class Brought:
    """A badge as it was brought: its own text, in which way, and from which address if any."""

    text: str
    way: str
    address: str | None = None


class NotImportedError(UnprocessableError):
    """The badge was not brought in, and why; `report` says the rest."""

    default_code = "badge_not_imported"


def standing(report: Report) -> str | None:
    """What a report says of a badge: valid, expired, revoked or broken; None where it is open."""
    if report.outcome is Outcome.VALID:
        return "valid"
    if report.outcome is Outcome.UNDECIDED:
        return None
    failed = {one.step: one for one in report.steps if one.status is StepStatus.FAILED}
    if set(failed) == {Step.TIME} and failed[Step.TIME].message.code == "time.expired":
        return "expired"
    code = failed[Step.STATUS].message.code if Step.STATUS in failed else ""
    return "revoked" if code.startswith("status.revo") else "broken"


def hold(
    session: Session,
    person_id: uuid.UUID,
    brought: Brought,
    report: Report,
    said: Said,
    *,
    badge_url: str,
    now: datetime,
) -> ImportedBadge:
    """Keep a badge that was verified in the person's record, and count it where it is accepted.

    Raises NotImportedError for one that is not valid today, ConflictError for one that is there
    already, for a test student, and where there are too many.
    """
    refuse_test_student(session, person_id)
    if standing(report) != "valid" or report.credential is None or not said.issuer_id:
        raise NotImportedError(_("Only a badge that holds in every respect can be brought in."))
    if len(said.issuer_id) > _ISSUER_LIMIT or not said.issuer_id.isprintable():
        raise NotImportedError(_("This badge names its issuer in a way that cannot be kept."))
    if len(brought.text) > TEXT_LIMIT:
        raise NotImportedError(_("This badge is larger than what can be kept here."))
    lock_enrolments(session, person_id)  # one at a time: what is there already is looked up next
    with unscoped(session, _OWN):
        person = session.get_one(Person, person_id)
    name = id_of(report.credential) or hashlib.sha256(brought.text.encode()).hexdigest()
    _refuse_own(session, person_id, name, badge_url)
    identity = _identity(report.version or 3, said.issuer_id, name)
    _refuse_known(session, person_id, identity)
    row = ImportedBadge(
        **owner_like(person),
        id=uuid.uuid4(),
        person_id=person_id,
        identity=identity,
        text=brought.text,
        version=report.version or 3,
        form=report.format or "json",
        credential=_plain(name),
        issuer=said.issuer_id,
        issuer_name=_plain(said.issuer_name)[:300],
        achievement=_plain(said.achievement_id),
        name=_plain(said.name)[:300],
        description=_plain(said.description)[:4000],
        brought=brought.way,
        address=brought.address,
        issued_at=said.issued_at,
        valid_from=said.valid_from,
        valid_until=said.valid_until,
        state="valid",
        belongs_at=now if belongs(report, identities(session, person_id)) else None,
        report=_without_credential(report),
        imported_at=now,
        checked_at=now,
        tried_at=now,
        next_check_at=now + AGAIN,
    )
    session.add(row)
    session.flush()
    _note(session, row, "added", person_id, now)
    counting.settle(session, row, now)
    return row


def checked(
    session: Session, imported_id: uuid.UUID, report: Report, now: datetime
) -> ImportedBadge | None:
    """Write down what a later check said; None where the badge was removed meanwhile.

    Where the check came to no answer (the issuer's site was down), what was known stays.
    """
    with unscoped(session, "the badge that a check was about, whoever it belongs to"):
        person_id = session.scalar(
            select(ImportedBadge.person_id).where(ImportedBadge.id == imported_id)
        )
        if person_id is None:
            return None
        lock_enrolments(session, person_id)
        row = session.scalar(
            select(ImportedBadge)
            .where(ImportedBadge.id == imported_id, ImportedBadge.person_id == person_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    if row is None:
        return None
    found = standing(report)
    row.tried_at = now
    row.next_check_at = now + (SOONER if found is None else AGAIN)
    if found is not None:
        if found != row.state:
            _note(session, row, found, None, now)
        row.state, row.checked_at, row.report = found, now, _without_credential(report)
    if row.belongs_at is None and belongs(report, identities(session, person_id)):
        row.belongs_at = now
    session.flush()
    counting.settle(session, row, now)
    return row


def remove(
    session: Session, imported_id: uuid.UUID, person_id: uuid.UUID, now: datetime
) -> ImportedBadge:
    """Take a badge out of one's record; it no longer counts. Raises NotFoundError."""
    lock_enrolments(session, person_id)
    row = own_import(session, imported_id, person_id)
    counting.withdraw(session, row, now)
    _note(session, row, "removed", person_id, now)
    session.delete(row)
    session.flush()
    return row


def imports(session: Session, person_id: uuid.UUID) -> list[ImportedBadge]:
    """The badges that the person brought, newest first."""
    with unscoped(session, _OWN):
        return list(
            session.scalars(
                select(ImportedBadge)
                .where(ImportedBadge.person_id == person_id)
                .order_by(ImportedBadge.imported_at.desc(), ImportedBadge.id)
            )
        )


def own_import(
    session: Session, imported_id: uuid.UUID, person_id: uuid.UUID, *, whole: bool = False
) -> ImportedBadge:
    """One of the person's own; `whole` with its text and report. NotFoundError for any other."""
    query = select(ImportedBadge).where(
        ImportedBadge.id == imported_id, ImportedBadge.person_id == person_id
    )
    if whole:
        query = query.options(undefer(ImportedBadge.text), undefer(ImportedBadge.report))
    with unscoped(session, _OWN):
        found = session.scalar(query)
    if found is None:
        raise NotFoundError(
            _("There is no badge of yours at this address."), code="imported_badge_unknown"
        )
    return found


def _refuse_own(session: Session, person_id: uuid.UUID, name: str, badge_url: str) -> None:
    """What was awarded here to the same person stands on their shelf already."""
    match = _OURS.fullmatch(name.removeprefix(badge_url)) if name.startswith(badge_url) else None
    if match is None:
        return
    with unscoped(session, _OWN):
        own = session.scalar(
            select(Credential.id).where(
                Credential.id == uuid.UUID(match[1]), Credential.person_id == person_id
            )
        )
    if own is not None:
        raise ConflictError(
            _("This badge was issued to you here, so it stands in “My badges” already."),
            code="badge_is_own",
        )


def _refuse_known(session: Session, person_id: uuid.UUID, identity: str) -> None:
    with unscoped(session, _OWN):
        known = session.execute(
            select(ImportedBadge.identity).where(ImportedBadge.person_id == person_id)
        ).scalars()
        held = list(known)
    if identity in held:
        raise ConflictError(
            _("You have brought this badge before. It counts once, however many copies there are."),
            code="badge_is_known",
        )
    if len(held) >= MOST:
        raise ConflictError(
            _("You keep %(most)s badges from elsewhere, which is as many as fit.", most=MOST),
            code="too_many_badges",
            advice=_("Remove one that you no longer need, then bring this one."),
        )


def _identity(version: int, issuer: str, name: str) -> str:
    return hashlib.sha256("\0".join((str(version), issuer, name)).encode()).hexdigest()


def _without_credential(report: Report) -> dict[str, object]:
    """What is kept of a report: the badge stands beside it, and strangers' pages are not ours."""
    said = {name: value for name, value in report.to_dict().items() if name != "credential"}
    said["details"] = {"read_here": list(report.details.get("read_here", ()))}
    return {name: _plain(value) for name, value in said.items()}


def _plain(value: Any) -> Any:
    """A stranger's text without the one character that PostgreSQL cannot keep."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(name): _plain(item) for name, item in value.items()}
    return value


def _note(
    session: Session, row: ImportedBadge, action: str, actor_id: uuid.UUID | None, now: datetime
) -> None:
    audit.record(
        session,
        owner=row,
        actor_id=actor_id,
        action=f"imported_badge.{action}",
        subject=row,
        about_id=row.person_id,
        now=now,
    )
