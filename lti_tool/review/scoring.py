"""Scoring: drafts that are saved as they grow, and finishing a review."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.models import AchievementVersion
from core.errors import ConflictError, UnprocessableError
from core.identity import owner_like
from core.numbers import whole
from lti_tool.evidence.drafts import clean
from lti_tool.evidence.models import Revision
from lti_tool.evidence.reading import lock_revision, note
from lti_tool.review import desk
from lti_tool.review.deciding import decide_if_complete
from lti_tool.review.models import CriterionScore, Decision, Review, ReviewSlot
from lti_tool.review.people import Reviewer
from lti_tool.review.rubric import rubric_of
from lti_tool.review.rules import LEASE, score_faults

MAX_COMMENT: Final = 5000


@dataclass(frozen=True)
class Given:
    """What the page holds for one criterion: a level (as typed) and a comment."""

    level: str | int | None
    comment: str = ""


@dataclass(frozen=True)
class Place:
    """Where a reviewer stands with a revision.

    `slot` is theirs (leased, submitted or released) or None when it went back to the queue;
    `review` is their draft or their finished review, if they wrote anything.
    """

    revision: Revision
    slot: ReviewSlot | None
    review: Review | None

    @property
    def writable(self) -> bool:
        """Whether scores may still be changed and sent."""
        return self.slot is not None and self.slot.state == "leased"


class StaleReviewError(ConflictError):
    """The review's draft was saved elsewhere since this page was loaded."""

    default_code = "review_changed"

    def __init__(self) -> None:
        super().__init__(
            _("This review was changed in another tab or on another device."),
            advice=_("Nothing was overwritten. Compare both and keep the one you want."),
        )


def place(session: Session, who: Reviewer, revision_id: uuid.UUID) -> Place:
    """Where the reviewer stands. NotFoundError unless they hold or held a slot of it."""
    revision = session.scalar(select(Revision).where(Revision.id == revision_id))
    if revision is None:
        raise desk.not_found()
    slot = desk.own_slot(desk.slots_of(session, revision_id), who.person_id)
    review = _review_of(session, revision_id, who.person_id, slot)
    if slot is None and review is None:
        raise desk.not_found()
    return Place(revision, slot, review)


def _review_of(
    session: Session, revision_id: uuid.UUID, person_id: uuid.UUID, slot: ReviewSlot | None
) -> Review | None:
    query = select(Review).where(Review.revision_id == revision_id, Review.reviewer_id == person_id)
    found = list(session.scalars(query.execution_options(populate_existing=True)))
    if slot is not None and slot.state != "leased":
        return next((one for one in found if one.slot_id == slot.id and one.submitted_at), None)
    return next((one for one in found if one.submitted_at is None), None)


def save(
    session: Session,
    who: Reviewer,
    revision_id: uuid.UUID,
    given: Mapping[str, Given],
    *,
    summary: str,
    version: int | None,
    now: datetime,
) -> Place:
    """Save a draft, and extend the lease by it to 72 hours from now.

    Where the slot is gone meanwhile, the draft is kept all the same and `slot` is None. Raises
    StaleReviewError when another tab saved in between, UnprocessableError naming a foreign level or
    a text that is too long, ConflictError once the review is finished.
    """
    lock_revision(session, revision_id)  # two tabs, or a save and a finish, one after the other
    found = place(session, who, revision_id)
    if found.slot is not None and found.slot.state != "leased":
        raise _finished()
    review = found.review or _begin(session, who, found)
    version_of = found.revision.achievement_version
    levels = _read_levels(version_of, given)
    _check_texts(given, summary)
    if _differs(review, levels, given, summary):
        if found.review is not None and version not in (None, review.version):
            raise StaleReviewError
        _write(session, review, levels, given, summary)
        review.version += 1
        review.saved_at = now
    if found.slot is not None:
        _extend(session, found.slot, who, now)
    session.flush()
    return Place(found.revision, found.slot, review)


def finish(
    session: Session, who: Reviewer, revision_id: uuid.UUID, now: datetime
) -> tuple[Review, Decision | None]:
    """Hand the saved draft in; with the k-th review the decision is made, in this transaction.

    A lease that has run out is no hindrance while nobody else took the slot. Handing in twice is
    once. Raises UnprocessableError naming every criterion without a level, ConflictError when a
    colleague has the slot now or the revision no longer waits (the draft is kept).
    """
    revision = lock_revision(session, revision_id)
    found = place(session, who, revision_id)
    review, slot = found.review, found.slot
    if slot is not None and slot.state != "leased" and review is not None:
        return review, None
    if revision.state not in desk.UNDECIDED:
        raise ConflictError(
            _("This no longer waits for reviews: it was decided, or its author took it back."),
            code="review_over",
            advice=_("What you wrote is kept in your draft."),
        )
    if slot is None:
        raise _lost()
    review = review or _begin(session, who, found)
    _check_complete(revision.achievement_version, review)
    session.flush()  # the scores first: once the review is submitted they are fixed
    review.slot_id = slot.id
    review.submitted_at = review.saved_at = now
    slot.state, slot.lease_until = "submitted", None
    session.flush()
    note(session, revision, "review.submitted", actor_id=who.person_id, now=now, role=slot.kind)
    return review, decide_if_complete(session, revision, now)


def _begin(session: Session, who: Reviewer, found: Place) -> Review:
    if found.slot is None:
        raise _lost()
    review = Review(
        **owner_like(found.revision),
        revision_id=found.revision.id,
        slot=found.slot,
        reviewer_id=who.person_id,
        achievement_version_id=found.revision.achievement_version_id,
        summary="",
        version=0,
        created_at=found.slot.leased_at or found.slot.created_at,
        saved_at=found.slot.leased_at or found.slot.created_at,
        scores=[],
    )
    session.add(review)
    session.flush()
    return review


def _read_levels(version: AchievementVersion, given: Mapping[str, Given]) -> dict[str, int | None]:
    """Levels as numbers; a level that the criterion has not, or a foreign criterion, is refused."""
    rubric = rubric_of(version)
    levels: dict[str, int | None] = {}
    for name, one in given.items():
        text = str(one.level).strip() if one.level is not None else ""
        number = whole(text)
        levels[name] = -1 if text and number is None else number
    scored = {name: level for name, level in levels.items() if level is not None}
    fields = {
        f"level-{fault.criterion}": _("This criterion has no such level.")
        if fault.code == "foreign_level"
        else _("This rubric has no such criterion.")
        for fault in score_faults(rubric, scored)
        if fault.code != "missing"
    }
    known = {criterion.id for criterion in rubric.criteria}
    fields |= {
        f"level-{name}": _("This rubric has no such criterion.")
        for name in levels
        if name not in known
    }
    if fields:
        raise UnprocessableError(
            _("These scores do not belong to this rubric."), fields=fields, code="level_foreign"
        )
    return levels


def _check_texts(given: Mapping[str, Given], summary: str) -> None:
    texts = {f"comment-{name}": clean(one.comment) for name, one in given.items()}
    texts["summary"] = clean(summary)
    fields = {
        name: _(
            "This comment has %(count)s characters; the limit is %(limit)s.",
            count=len(text),
            limit=MAX_COMMENT,
        )
        for name, text in texts.items()
        if len(text) > MAX_COMMENT
    }
    if fields:
        raise UnprocessableError(
            _("A comment is too long to be saved."), fields=fields, code="text_too_long"
        )


def _check_complete(version: AchievementVersion, review: Review) -> None:
    scores = {one.criterion_id: one.level for one in review.scores}
    named = {one.id: one.name for one in achievements.micro_credential(version).rubric.criteria}
    fields = {
        f"level-{fault.criterion}": _(
            "Choose a level for “%(criterion)s”.", criterion=named.get(fault.criterion, "?")
        )
        for fault in score_faults(rubric_of(version), scores)
    }
    if fields:
        raise UnprocessableError(
            _("Every criterion needs a level before the review can be finished."),
            fields=fields,
            code="criterion_missing",
        )


def _differs(
    review: Review, levels: Mapping[str, int | None], given: Mapping[str, Given], summary: str
) -> bool:
    held = {one.criterion_id: (one.level, one.comment) for one in review.scores}
    wanted = {name: (levels[name], clean(one.comment)) for name, one in given.items()}
    changed = {name: pair for name, pair in wanted.items() if pair != held.get(name, (None, ""))}
    return bool(changed) or clean(summary) != review.summary


def _write(
    session: Session,
    review: Review,
    levels: Mapping[str, int | None],
    given: Mapping[str, Given],
    summary: str,
) -> None:
    held = {one.criterion_id: one for one in review.scores}
    for name, one in given.items():
        score = held.get(name)
        if score is None:
            score = CriterionScore(review_id=review.id, criterion_id=name, level=None, comment="")
            review.scores.append(score)
        score.level, score.comment = levels[name], clean(one.comment)
    review.summary = clean(summary)
    session.flush()


def _extend(session: Session, slot: ReviewSlot, who: Reviewer, now: datetime) -> None:
    """Extend the lease, unless a colleague has taken the slot this very moment."""
    session.execute(
        update(ReviewSlot)
        .where(
            ReviewSlot.id == slot.id,
            ReviewSlot.state == "leased",
            ReviewSlot.reviewer_id == who.person_id,
        )
        .values(lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    session.refresh(slot)


def scored(review: Review | None, criteria: Sequence[Any]) -> int:
    """How many of the criteria have a level."""
    held = {one.criterion_id for one in review.scores if one.level} if review else set()
    return sum(1 for criterion in criteria if criterion.id in held)


def _finished() -> ConflictError:
    return ConflictError(
        _("You have finished this review, so it stays as it is."), code="review_finished"
    )


def _lost() -> ConflictError:
    return ConflictError(
        _("Your time for this review ran out and a colleague has it now."),
        code="lease_lost",
        advice=_("What you wrote is kept. If it comes back to the queue you can go on from there."),
    )
