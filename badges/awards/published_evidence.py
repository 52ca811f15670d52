"""Evidence that an earner shows to strangers with a badge, piece by piece, until it is taken back.

A piece is open while its row is not withdrawn and its badge is published; the badge itself is
issued anew with the piece's address as `evidence[].id` (Open Badges 3.0, B.1.11), under its own id.
Taking back closes the address at once and empties the row; the badge follows as a job, so that
nothing can keep an address open.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from badges.achievements.addresses import evidence_url
from badges.awards.evidence_entries import (
    Published,
    published_description,
    web_address,
    with_published,
)
from badges.awards.evidence_models import PublishedEvidence
from badges.awards.granting import refuse_test_student
from badges.awards.kinds import kind_name
from badges.awards.models import Credential, CredentialRevision
from badges.awards.reading import locked_own
from badges.awards.reissuing import reissue
from badges.awards.revised import Change
from core import audit
from core.errors import ConflictError, GoneError, NotFoundError, UnprocessableError
from core.identity import owner_like
from core.outbox import publish as publish_message
from core.runtime import Runtime
from core.scope import unscoped

REWRITE: Final = "credential.rewrite_evidence"
_LENGTHS: Final = range(1, 2001)  # of a link
_OWN = "a person's own badge and what they published with it"
_PUBLIC = "what its earner has published is public"


@dataclass(frozen=True)
class Piece:
    """A piece that its author may publish, as whoever keeps the evidence hands it over.

    `key` is stable and at most 120 characters, `position` its place among them; `evidence_kind` one
    of the kinds that micro-credentials ask for; the rest as in `PublishedEvidence`.
    """

    key: str
    position: int
    kind: str
    shown_as: str
    name: str
    evidence_kind: str
    text: str | None = None
    url: str | None = None
    file_key: str | None = None
    filename: str | None = None
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    read_sha256: str | None = None


def open_pieces(session: Session, credential_id: uuid.UUID) -> list[PublishedEvidence]:
    """What is not taken back of a badge's published evidence, in order."""
    with unscoped(session, _OWN):
        return list(
            session.scalars(
                select(PublishedEvidence)
                .where(
                    PublishedEvidence.credential_id == credential_id,
                    PublishedEvidence.withdrawn_at.is_(None),
                )
                .order_by(PublishedEvidence.position, PublishedEvidence.id)
            )
        )


def all_pieces(session: Session, person_id: uuid.UUID) -> list[PublishedEvidence]:
    """Everything that the person ever published of their evidence, oldest first."""
    with unscoped(session, _OWN):
        return list(
            session.scalars(
                select(PublishedEvidence)
                .where(PublishedEvidence.person_id == person_id)
                .order_by(PublishedEvidence.published_at, PublishedEvidence.position)
            )
        )


def publish(
    session: Session,
    credential_id: uuid.UUID,
    person_id: uuid.UUID,
    add: Sequence[Piece],
    *,
    keep: Collection[str] = (),
    consent: bool,
    badge_url: str,
    now: datetime,
) -> Credential:
    """Show `add` with one's own badge beside what is open already and among `keep` (their keys).

    What is open and in neither is taken back; of `keep`, what was taken back meanwhile stays so.
    The badge is issued anew. Doing the same again changes nothing: a piece keeps its address, and
    no version is made.

    Raises NotFoundError for somebody else's badge, ConflictError while it is not signed yet, once
    it was revoked (taking back is possible) and for a test student, UnprocessableError without
    `consent` where a piece is new, or for a link that is no web address.
    """
    credential = locked_own(session, credential_id, person_id)
    before = {row.piece: row for row in open_pieces(session, credential.id)}
    added = {piece.key: piece for piece in add if piece.key not in before}
    stays = {*keep, *(piece.key for piece in add)}
    gone = [row for key, row in before.items() if key not in stays]
    if not added:
        _close(session, gone, person_id, now)
        return credential
    refuse_test_student(session, person_id)
    _check(credential, added.values(), consent=consent)
    _withdraw(session, gone, person_id, now)
    for piece in added.values():
        _add(session, credential, piece, now)
    _reissue(session, credential, person_id, badge_url, now)
    return credential


def take_back(
    session: Session, piece_id: uuid.UUID, person_id: uuid.UUID, now: datetime
) -> PublishedEvidence:
    """Close one's own published piece from this moment on; the badge follows. Idempotent.

    Raises NotFoundError for somebody else's.
    """
    with unscoped(session, _OWN):
        found = session.scalar(
            select(PublishedEvidence).where(
                PublishedEvidence.id == piece_id, PublishedEvidence.person_id == person_id
            )
        )
        if found is None:
            raise _not_found()
        locked_own(session, found.credential_id, person_id)
        session.refresh(found)
    if found.withdrawn_at is None:
        _close(session, [found], person_id, now)
    return found


def close_all(
    session: Session, person_id: uuid.UUID, actor_id: uuid.UUID | None, now: datetime
) -> int:
    """Close everything that the person has published of their evidence; returns how many pieces.

    For an account that ends or becomes part of another. The caller holds the locks on its badges.
    """
    rows = [row for row in all_pieces(session, person_id) if row.withdrawn_at is None]
    _close(session, rows, actor_id, now)
    return len(rows)


def rewrite(runtime: Runtime, credential_id: uuid.UUID) -> None:
    """Have a badge issued anew as its published evidence is now; nothing where it says so already.

    A badge that was withdrawn meanwhile keeps what it says.
    """
    with runtime.database.transaction() as session, unscoped(session, _OWN):
        credential = session.scalar(
            select(Credential).where(Credential.id == credential_id).with_for_update(of=Credential)
        )
        if credential is not None:
            _reissue(session, credential, None, runtime.config.badge_url, runtime.now())


def public_piece(
    session: Session, credential_id: uuid.UUID, piece_id: uuid.UUID
) -> tuple[PublishedEvidence, Credential]:
    """A piece that is open to everybody, with its text, and its badge with its document.

    Raises NotFoundError where there is none, it is a link, or the badge is not published: they look
    alike; GoneError where its author took it back.
    """
    with unscoped(session, _PUBLIC):
        found = session.execute(
            select(PublishedEvidence, Credential)
            .join(Credential, Credential.id == PublishedEvidence.credential_id)
            .where(
                PublishedEvidence.id == piece_id,
                PublishedEvidence.credential_id == credential_id,
                PublishedEvidence.person_id == Credential.person_id,
                PublishedEvidence.kind != "link",
                Credential.published_at.is_not(None),
                Credential.document.is_not(None),
            )
            .options(undefer(PublishedEvidence.text), undefer(Credential.document))
        ).first()
    if found is None:
        raise NotFoundError(_("There is no badge at this address."), code="credential_unknown")
    piece, credential = found
    if piece.withdrawn_at is not None:
        raise GoneError(
            _("Its author has taken this piece of evidence back. The badge itself still stands."),
            code="evidence_withdrawn",
            title=_("No longer shown"),
            advice=_("Ask the person who earned the badge if you need to see it."),
        )
    return piece, credential


def _check(credential: Credential, added: Iterable[Piece], *, consent: bool) -> None:
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
    for piece in added:
        if piece.url is not None and len(web_address(piece.url) or "") not in _LENGTHS:
            fault = _("“%(name)s” is no address that a badge can name.", name=piece.name)
            raise UnprocessableError(fault, code="evidence_link", fields={"": fault})
    if not consent:
        raise UnprocessableError(
            _("Nothing was published."),
            code="consent_missing",
            fields={"consent": _("Confirm this first. Without it nothing is shown to anybody.")},
        )


def _add(session: Session, credential: Credential, piece: Piece, now: datetime) -> None:
    row = PublishedEvidence(
        **owner_like(credential),
        id=uuid.uuid4(),
        credential_id=credential.id,
        person_id=credential.person_id,
        piece=piece.key,
        position=piece.position,
        kind=piece.kind,
        shown_as=piece.shown_as,
        name=piece.name,
        genre=kind_name(piece.evidence_kind),
        description=published_description(),
        text=piece.text,
        url=web_address(piece.url) if piece.url else None,
        file_key=piece.file_key,
        filename=piece.filename,
        media_type=piece.media_type,
        size=piece.size,
        sha256=piece.sha256,
        read_sha256=piece.read_sha256,
        published_at=now,
    )
    session.add(row)
    session.flush()
    _note(session, row, credential.person_id, "evidence.published", now)


def _close(
    session: Session, rows: Sequence[PublishedEvidence], actor_id: uuid.UUID | None, now: datetime
) -> None:
    """Withdraw, and have the badges issued anew without, whatever stands in the way of that now."""
    _withdraw(session, rows, actor_id, now)
    for row in {row.credential_id: row for row in rows}.values():
        publish_message(
            session,
            REWRITE,
            str(row.id),
            {"credential_id": str(row.credential_id)},
            organisation_id=row.owner_id,
        )


def _withdraw(
    session: Session, rows: Sequence[PublishedEvidence], actor_id: uuid.UUID | None, now: datetime
) -> None:
    for row in rows:
        row.withdrawn_at = now
        row.text = row.url = row.file_key = row.filename = None
        _note(session, row, actor_id, "evidence.withdrawn", now)
    session.flush()


def _reissue(
    session: Session,
    credential: Credential,
    actor_id: uuid.UUID | None,
    badge_url: str,
    now: datetime,
) -> None:
    if credential.state != "signed":
        return
    shown = [_published(row, badge_url) for row in open_pieces(session, credential.id)]
    entries = with_published(_accepted(session, credential), shown)
    with unscoped(session, _OWN):
        reissue(
            session,
            credential.id,
            Change("evidence", evidence=entries),
            actor_id=actor_id,
            badge_url=badge_url,
            now=now,
        )


def _accepted(session: Session, credential: Credential) -> list[dict[str, Any]]:
    """The entries of the first version: what acceptance fixed, with nothing published."""
    with unscoped(session, _OWN):
        first = session.scalar(
            select(CredentialRevision.unsigned).where(
                CredentialRevision.credential_id == credential.id, CredentialRevision.number == 1
            )
        )
    return list((first or credential.unsigned).get("evidence", ()))


def _published(row: PublishedEvidence, badge_url: str) -> Published:
    return Published(
        id=row.url or evidence_url(badge_url, row.credential_id, row.id),
        name=row.name,
        genre=row.genre,
        description=row.description,
        sha256=row.sha256,
        read_sha256=row.read_sha256,
    )


def _not_found() -> NotFoundError:
    return NotFoundError(
        _("There is no badge of yours at this address."), code="credential_unknown"
    )


def _note(
    session: Session,
    row: PublishedEvidence,
    actor_id: uuid.UUID | None,
    action: str,
    now: datetime,
) -> None:
    audit.record(
        session, owner=row, actor_id=actor_id, about_id=row.person_id, action=action, subject=row,
        now=now, details={"credential": str(row.credential_id), "piece": row.piece},
    )  # fmt: skip
