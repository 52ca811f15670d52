"""Drafts: begun, saved as they grow, with files and links added and removed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.document import EvidenceAsked
from badges.pathways import service as pathways
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Person, owner_like
from lti_tool.evidence import reading
from lti_tool.evidence.models import RELEASES, Assignment, EvidenceItem, Revision, Submission
from lti_tool.evidence.requirements import MAX_TEXT, NARRATIVE
from lti_tool.evidence.uploads import ReceivedFile

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class StaleDraftError(ConflictError):
    """The draft was saved elsewhere since this page was loaded; nothing was changed."""

    default_code = "draft_changed"

    def __init__(self) -> None:
        super().__init__(
            _("This draft was changed in another tab or on another device."),
            advice=_("Nothing was overwritten. Compare both and keep the one you want."),
        )


def start(
    session: Session,
    assignment: Assignment,
    person: Person,
    now: datetime,
    *,
    resource_link_id: str | None = None,
) -> Revision:
    """The person's live revision on the assignment; a first draft is begun where there is none.

    Beginning enrols the person on the micro-credential's own pathway. After "not yet" or a
    withdrawal use `sending.revise`. Idempotent, also when called twice at once.
    """
    submission = reading.submission_of(session, assignment.id, person.id)
    if submission is None:
        submission = _create(session, assignment, person, now)
    if resource_link_id and submission.resource_link_id != resource_link_id:
        submission.resource_link_id = resource_link_id
    existing = reading.revisions(session, submission.id)
    if existing:
        return existing[0]
    version = achievements.version(session, assignment.achievement_version_id)
    pathways.enrol(session, person, version, now)
    return add_revision(session, submission, version.id, 1, person.id, now)


def add_revision(
    session: Session,
    submission: Submission,
    version_id: uuid.UUID,
    n: int,
    actor_id: uuid.UUID,
    now: datetime,
) -> Revision:
    """An empty draft, number `n`; the winner's, if two are begun at once."""
    revision = Revision(
        **owner_like(submission),
        submission_id=submission.id,
        n=n,
        achievement_version_id=version_id,
        state="draft",
        texts={},
        releases={},
        version=0,
        created_at=now,
        saved_at=now,
    )
    try:
        with session.begin_nested():
            session.add(revision)
    except IntegrityError:
        return reading.revisions(session, submission.id)[0]
    session.refresh(revision)
    reading.note(session, revision, "draft.begun", actor_id=actor_id, now=now)
    return revision


def _create(session: Session, assignment: Assignment, person: Person, now: datetime) -> Submission:
    submission = Submission(
        **owner_like(assignment),
        assignment_id=assignment.id,
        person_id=person.id,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(submission)
    except IntegrityError:
        found = reading.submission_of(session, assignment.id, person.id)
        if found is None:
            raise
        return found
    session.refresh(submission)
    return submission


def save(
    session: Session,
    revision_id: uuid.UUID,
    person_id: uuid.UUID,
    *,
    texts: Mapping[str, str],
    releases: Mapping[str, str],
    version: int | None,
    now: datetime,
) -> Revision:
    """Save what was typed. `version` is the one the page was loaded with; None keeps the newest.

    Fields that are not given stay as they were. Saving the same again is no change. Raises
    StaleDraftError when somebody saved in between, UnprocessableError when a text is too long,
    ConflictError once the revision has been sent.
    """
    revision = _open_draft(session, revision_id, person_id)
    allowed = {asked.id for asked in _asked(revision)}
    merged = dict(revision.texts)
    for key, value in texts.items():
        if key in allowed or key == NARRATIVE:
            merged[key] = clean(value)
    chosen = dict(revision.releases)
    for key, value in releases.items():
        if key in allowed and value in RELEASES:
            chosen[key] = value
    _check_lengths(merged)
    if merged == revision.texts and chosen == revision.releases:
        return revision
    if version is not None and version != revision.version:
        raise StaleDraftError
    revision.texts, revision.releases = merged, chosen
    revision.version += 1
    revision.saved_at = now
    session.flush()
    return revision


def clean(text: str) -> str:
    """Typed text with one kind of line end and without characters that no database keeps."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _check_lengths(texts: Mapping[str, Any]) -> None:
    fields = {
        f"text-{key}": _(
            "This has %(count)s characters; the limit is %(limit)s. Shorten it, or add the rest"
            " as a file.",
            count=len(value),
            limit=MAX_TEXT,
        )
        for key, value in texts.items()
        if len(value) > MAX_TEXT
    }
    if fields:
        raise UnprocessableError(
            _("A text is too long to be saved."), fields=fields, code="text_too_long"
        )


def requirement(revision: Revision, requirement_id: str) -> EvidenceAsked:
    """What the revision's version asks for under this id. Raises NotFoundError."""
    for asked in _asked(revision):
        if asked.id == requirement_id and not asked.counts_words:
            return asked
    raise NotFoundError(_("This micro-credential does not ask for that."))


def check_room(revision: Revision, asked: EvidenceAsked) -> None:
    """Refuse a piece more than is asked for. Raises UnprocessableError."""
    held = sum(1 for item in revision.items if item.requirement_id == asked.id)
    if asked.maximum and held >= asked.maximum:
        raise UnprocessableError(
            _(
                "“%(title)s” takes at most %(most)s. Remove one first.",
                title=asked.title,
                most=asked.maximum,
            ),
            fields={f"file-{asked.id}": _("At most %(most)s here.", most=asked.maximum)},
            code="too_many_pieces",
        )


def draft_of(
    session: Session, revision_id: uuid.UUID, person_id: uuid.UUID, requirement_id: str
) -> tuple[Revision, EvidenceAsked]:
    """A draft that may take one more piece for the requirement; checked before a file is stored."""
    revision = reading.own_revision(session, revision_id, person_id)
    _refuse_sent(revision)
    asked = requirement(revision, requirement_id)
    check_room(revision, asked)
    return revision, asked


def add_file(
    session: Session,
    revision_id: uuid.UUID,
    person_id: uuid.UUID,
    requirement_id: str,
    received: ReceivedFile,
    now: datetime,
) -> EvidenceItem:
    """Attach a stored file. The same file twice on one requirement is one piece."""
    revision = _open_draft(session, revision_id, person_id)
    asked = requirement(revision, requirement_id)
    for item in revision.items:
        if item.requirement_id == asked.id and item.sha256 == received.sha256:
            return item
    check_room(revision, asked)
    return _append(
        session,
        revision,
        asked,
        now,
        title=received.name,
        file_key=received.key,
        preview_key=received.preview_key,
        preview_type=received.preview_type,
        sha256=received.sha256,
        media_type=received.media_type,
        size=received.size,
        scan_state=received.scan_state,
    )


def add_link(
    session: Session,
    revision_id: uuid.UUID,
    person_id: uuid.UUID,
    requirement_id: str,
    *,
    url: str,
    title: str,
    now: datetime,
) -> EvidenceItem:
    """Attach a link that `links.check` has accepted. The same address twice is one piece."""
    revision = _open_draft(session, revision_id, person_id)
    asked = requirement(revision, requirement_id)
    for item in revision.items:
        if item.requirement_id == asked.id and item.url == url:
            return item
    check_room(revision, asked)
    return _append(session, revision, asked, now, title=clean(title)[:255] or url[:255], url=url)


def _append(
    session: Session, revision: Revision, asked: EvidenceAsked, now: datetime, **values: Any
) -> EvidenceItem:
    last = session.scalar(
        select(func.max(EvidenceItem.position)).where(EvidenceItem.revision_id == revision.id)
    )
    item = EvidenceItem(
        **owner_like(revision),
        revision=revision,
        requirement_id=asked.id,
        kind=asked.kind,
        position=(last or 0) + 1,
        created_at=now,
        **values,
    )
    session.add(item)
    revision.saved_at = now
    session.flush()
    return item


def remove_item(
    session: Session, revision_id: uuid.UUID, person_id: uuid.UUID, item_id: uuid.UUID
) -> list[str]:
    """Take a piece off a draft; returns keys of stored files that nothing refers to any more."""
    revision = _open_draft(session, revision_id, person_id)
    item = next((one for one in revision.items if one.id == item_id), None)
    if item is None:
        return []  # removed already, in another tab
    keys = [key for key in (item.file_key, item.preview_key) if key]
    main = item.file_key
    revision.items.remove(item)
    session.delete(item)
    session.flush()
    still = main is not None and session.scalar(
        select(func.count()).select_from(EvidenceItem).where(EvidenceItem.file_key == main)
    )
    return [] if still else keys


def _asked(revision: Revision) -> tuple[EvidenceAsked, ...]:
    return achievements.micro_credential(revision.achievement_version).evidence_asked


def _open_draft(session: Session, revision_id: uuid.UUID, person_id: uuid.UUID) -> Revision:
    revision = reading.own_revision(session, revision_id, person_id, lock=True)
    _refuse_sent(revision)
    return revision


def _refuse_sent(revision: Revision) -> None:
    if revision.state != "draft":
        raise ConflictError(
            _("This has already been sent, so it stays as it is."),
            code="already_sent",
            advice=_("Open your receipt to see where it stands."),
        )
