"""Sending a draft, taking it back, and beginning the next revision after "not yet".

`lti_tool.review.intake` is what pages call: it seals here and makes the review slots in the same
transaction. This module knows nothing of reviews.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.models import AchievementVersion
from core.errors import ConflictError, UnprocessableError
from core.identity import Person, owner_like
from core.scope import unscoped
from lti_tool.evidence import reading, requirements
from lti_tool.evidence.assignments import hides_author, policy_for
from lti_tool.evidence.drafts import add_revision
from lti_tool.evidence.models import LIVE_STATES, EvidenceItem, Revision
from lti_tool.evidence.requirements import Gap
from lti_tool.evidence.states import move
from lti_tool.review.rules import RevisionState

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NAMES: Final = (
    "Alder", "Ash", "Aspen", "Beech", "Birch", "Cedar", "Curlew", "Dipper", "Dunlin", "Elder",
    "Elm", "Finch", "Hazel", "Heron", "Holly", "Ibis", "Jay", "Juniper", "Kestrel", "Kite", "Larch",
    "Lark", "Linden", "Linnet", "Maple", "Martin", "Merlin", "Oak", "Osprey", "Owl", "Pine",
    "Plover", "Poplar", "Quail", "Raven", "Robin", "Rowan", "Sedge", "Siskin", "Spruce", "Swift",
    "Teal", "Tern", "Thrush", "Willow", "Wren", "Yew",
)  # fmt: skip


class NotReadyError(UnprocessableError):
    """The draft does not have yet what is asked for; `gaps` says what."""

    default_code = "evidence_incomplete"

    def __init__(self, gaps: list[Gap]) -> None:
        super().__init__(_("Something is still missing, so nothing was sent."))
        self.gaps = gaps


def fingerprint(revision: Revision) -> str:
    """What a draft holds, in short: changes with every saved text, answer, file or link."""
    parts = [str(revision.id), str(revision.version), *(str(item.id) for item in revision.items)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:20]


def seal(
    session: Session,
    revision_id: uuid.UUID,
    person_id: uuid.UUID,
    *,
    key: str,
    seen: str | None,
    now: datetime,
) -> tuple[Revision, bool]:
    """Fix a draft as sent; True beside it if it was this call that did.

    Idempotent: a revision that was sent before is returned with its receipt, whatever `key` says.
    `seen` is the fingerprint that the learner checked; ConflictError if the draft differs now.
    Raises NotReadyError with everything that is missing.
    """
    revision = reading.own_revision(session, revision_id, person_id, lock=True)
    if revision.state != "draft":
        return revision, False
    if seen is not None and seen != fingerprint(revision):
        raise ConflictError(
            _("This draft has changed since you checked it, so it was not sent."),
            code="draft_changed",
            advice=_("Look at the check page once more, then send it."),
        )
    missing = gaps_of(revision)
    if missing:
        raise NotReadyError(missing)
    for item in revision.items:
        if item.file_key:
            item.release = revision.releases.get(item.requirement_id)
    session.flush()  # before the revision is fixed: from then on its evidence is, too
    revision.policy = _policy(session, revision, person_id)
    revision.label = _label(session, revision)
    revision.receipt = receipt_number()
    revision.idempotency_key = f"{revision.id.hex}:{key[:40]}"
    revision.submitted_at = now
    # No malware scanner is connected, so nothing waits: the items say "not scanned" themselves.
    move(revision, RevisionState.SCANNING)
    move(revision, RevisionState.SUBMITTED)
    session.flush()
    reading.note(session, revision, "sent", actor_id=person_id, now=now, receipt=revision.receipt)
    return revision, True


def gaps_of(revision: Revision) -> list[Gap]:
    """Everything that keeps the draft from being sent, in the document's order."""
    document = achievements.micro_credential(revision.achievement_version)
    missing = requirements.gaps(document, revision.items, revision.texts, revision.releases)
    if hides_author(policy_for(revision)):
        missing += requirements.gaps_in_hiding(document, revision.items)
    return missing


def _policy(session: Session, revision: Revision, person_id: uuid.UUID) -> dict[str, Any]:
    """The policy that a revision is sent under; colleagues are not asked to read a test student."""
    policy = policy_for(revision)
    with unscoped(session, "the author, wherever they belong"):
        author = session.get_one(Person, person_id)
    if author.is_test and policy["kind"] != "coach":
        return {**policy, "kind": "coach", "k": 1}
    return policy


def mark_withdrawn(
    session: Session, revision_id: uuid.UUID, person_id: uuid.UUID, now: datetime
) -> tuple[Revision, bool]:
    """Take a sent revision back, before it is decided; idempotent.

    Raises ConflictError once there is a decision, and for a draft (which needs no taking back).
    """
    revision = reading.own_revision(session, revision_id, person_id, lock=True)
    if revision.state == "withdrawn":
        return revision, False
    if revision.decided_at is not None:
        raise ConflictError(
            _("There is a decision already, so this can no longer be taken back."),
            code="already_decided",
        )
    if revision.state == "draft":
        raise ConflictError(
            _("This has not been sent, so there is nothing to take back."), code="not_sent"
        )
    move(revision, RevisionState.WITHDRAWN)
    session.flush()
    reading.note(session, revision, "withdrawn", actor_id=person_id, now=now)
    return revision, True


def revise(
    session: Session, submission_id: uuid.UUID, person_id: uuid.UUID, now: datetime
) -> Revision:
    """The next draft after "not yet" or a withdrawal, with everything of the last one in it.

    Returns the draft that is there already, if one is. It stands on the newest version whose rubric
    has the same criteria as the last one's: the learner's pathway is pinned to those. Raises
    ConflictError while reviewers have it, and once it is met.
    """
    submission, existing = reading.own_submission(session, submission_id, person_id)
    last = reading.lock_revision(session, existing[0].id)
    if last.state == "draft":
        return last
    if last.state in LIVE_STATES:
        raise ConflictError(
            _("Your reviewers have this now. A new revision can begin after their decision."),
            code="in_review",
        )
    if last.state == "met":
        raise ConflictError(_("This is met, so there is nothing to revise."), code="already_met")
    newest = achievements.current(session, submission.assignment.achievement_id)
    pinned = last.achievement_version
    version = newest if _same_criteria(newest, pinned) else pinned
    revision = add_revision(session, submission, version.id, last.n + 1, person_id, now)
    if revision.n != last.n + 1 or revision.texts or revision.items:
        return revision
    asked = {one.id: one for one in achievements.micro_credential(version).evidence_asked}
    revision.texts = {
        key: text
        for key, text in last.texts.items()
        if key in asked or key == requirements.NARRATIVE
    }
    revision.releases = {key: value for key, value in last.releases.items() if key in asked}
    for item in last.items:
        if item.requirement_id in asked:
            revision.items.append(_copy(item, revision, now))
    session.flush()
    return revision


def _same_criteria(one: AchievementVersion, other: AchievementVersion) -> bool:
    first, second = (
        {
            criterion.id: (len(criterion.levels), criterion.required_level)
            for criterion in achievements.micro_credential(version).rubric.criteria
        }
        for version in (one, other)
    )
    return first == second


def _copy(item: EvidenceItem, revision: Revision, now: datetime) -> EvidenceItem:
    names = ("requirement_id", "kind", "title", "url", "file_key", "preview_key", "preview_type",
             "sha256", "media_type", "size", "scan_state", "position")  # fmt: skip
    return EvidenceItem(
        **owner_like(revision),
        **{name: getattr(item, name) for name in names},
        created_at=now,
    )


def receipt_number() -> str:
    """A number to quote: `MP-7K3Q-9XZ2`, 40 random bits without letters that look like digits."""
    letters = "".join(secrets.choice(_CROCKFORD) for _n in range(8))
    return f"MP-{letters[:4]}-{letters[4:]}"


def _label(session: Session, revision: Revision) -> str:
    """A label for blind reviewers that no undecided revision of the same organisation has."""
    taken = set(
        session.scalars(
            select(Revision.label).where(
                Revision.owner_id == revision.owner_id,
                Revision.state.in_(LIVE_STATES),
                Revision.label.is_not(None),
            )
        )
    )
    for size in (99, 999, 9999, 99_999):
        for _try in range(20):
            label = f"{secrets.choice(_NAMES)} {secrets.randbelow(size) + 1}"
            if label not in taken:
                return label
    return f"{secrets.choice(_NAMES)} {secrets.randbelow(10**9)}"
