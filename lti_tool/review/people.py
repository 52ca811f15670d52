"""Who reviews: what somebody is where the work is, and why they may or may not read it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.errors import NotAllowedError
from core.identity import Person, Role, RoleGrant
from core.scope import Scope, unscoped
from lti_tool.courses import service as courses
from lti_tool.courses.models import Membership
from lti_tool.evidence.models import Assignment, Revision
from lti_tool.review.models import ConflictOfInterest, ReviewSlot
from lti_tool.review.rules import LIVE_SLOTS, Kind, Refusal, may_review

LIVE: Final = frozenset(state.value for state in LIVE_SLOTS)
COURSE_ROLES: Final = frozenset({Role.TEACHER.value, Role.COACH.value})


@dataclass(frozen=True)
class Reviewer:
    """A person as a reviewer: where they are, and as what. `lead` by grant of the organisation."""

    person_id: uuid.UUID
    scope: Scope
    context_id: uuid.UUID | None
    roles: frozenset[str]


def reviewer(
    session: Session,
    *,
    person_id: uuid.UUID,
    scope: Scope,
    context_id: uuid.UUID | None,
    roles: Iterable[Role],
) -> Reviewer:
    """The person as a reviewer now: a course role counts only while the membership does.

    The roles of a visit are those of its launch; a membership that has ended or changed since then
    takes course roles away. A platform's test student reviews nobody, whatever roles it came with.
    """
    held = {role.value for role in roles}
    if context_id is not None:
        member = courses.membership(session, context_id, person_id)
        if member is not None:
            still = set(member.roles) if member.state == "active" else set()
            held -= COURSE_ROLES - still
    if _is_test(session, person_id):
        held.clear()
    return Reviewer(person_id, scope, context_id, frozenset(held))


def where_the_work_is(session: Session, who: Reviewer, assignment: Assignment) -> Reviewer:
    """The same person as what they are now where the work is, wherever this visit began.

    A course role counts while the membership of that course does, a grant while it stands, at the
    work's organisation or above it. An organisation's own work has no membership that could end.
    """
    roles = set(who.roles | COURSE_ROLES)
    if assignment.context_id is not None:
        member = courses.membership(session, assignment.context_id, who.person_id)
        if member is not None:
            roles = set(member.roles) if member.state == "active" else set()
        else:
            roles = set(who.roles) if assignment.context_id == who.context_id else set()
    roles |= _granted(session, who.person_id, assignment)
    if _is_test(session, who.person_id):
        roles.clear()
    return replace(who, context_id=assignment.context_id, roles=frozenset(roles))


def _granted(session: Session, person_id: uuid.UUID, assignment: Assignment) -> set[str]:
    with unscoped(session, "a grant may stand in an organisation above that of the work"):
        rows = session.execute(
            select(RoleGrant.role, RoleGrant.owner_path).where(
                RoleGrant.person_id == person_id,
                RoleGrant.ended_at.is_(None),
                or_(
                    RoleGrant.context_id.is_(None),
                    RoleGrant.context_id == assignment.context_id,
                ),
            )
        ).all()
    return {role for role, path in rows if assignment.owner_path.startswith(path)}


def _is_test(session: Session, person_id: uuid.UUID) -> bool:
    with unscoped(session, "the visit's own person, wherever they belong"):
        found = session.scalar(select(Person.is_test).where(Person.id == person_id))
    return bool(found)


def in_reach(who: Reviewer, assignment: Assignment, kind: Kind) -> bool:
    """Whether the assignment's work is anything of this reviewer's: their course, or a lead's."""
    if kind is Kind.ADJUDICATOR and Role.LEAD.value in who.roles:
        return assignment.owner_path.startswith(who.scope.path)
    if assignment.context_id is not None or who.context_id is not None:
        return assignment.context_id == who.context_id
    return assignment.owner_id == who.scope.organisation_id


def wanted_kind(slot: ReviewSlot, revision: Revision) -> Kind:
    """Whose reading a slot asks for, whoever holds it now."""
    if slot.kind == Kind.ADJUDICATOR.value:
        return Kind.ADJUDICATOR
    return Kind((revision.policy or {}).get("kind", slot.kind))


def kind_for(who: Reviewer, wanted: Kind, *, peers_short: bool) -> Kind:
    """As what this reviewer would take the slot: a coach stands in where peers are too few."""
    if wanted is Kind.PEER and peers_short and "teacher" not in who.roles:
        return Kind.COACH
    return wanted


def refusal(
    session: Session, who: Reviewer, revision: Revision, slots: Iterable[ReviewSlot], kind: Kind
) -> Refusal | None:
    """Why this reviewer may not take a slot of the revision; None when they may."""
    owner = revision.submission.person_id
    return may_review(
        who.person_id,
        owners={owner},
        conflicts={owner} if has_conflict(session, who.person_id, revision) else (),
        reviewers={slot.reviewer_id for slot in slots if slot.state in LIVE},
        roles=who.roles,
        kind=kind,
    )


def has_conflict(session: Session, person_id: uuid.UUID, revision: Revision) -> bool:
    """Whether the person has said that they know whose work this is."""
    found = session.scalar(
        select(ConflictOfInterest.id).where(
            ConflictOfInterest.reviewer_id == person_id,
            ConflictOfInterest.submission_id == revision.submission_id,
        )
    )
    return found is not None


def members_by_role(session: Session, context_id: uuid.UUID | None) -> dict[str, set[uuid.UUID]]:
    """Who of a course can read now, by Milepost's roles; test students are not among them.

    Whoever is on the LMS's list and has never come in is not either: a seat that waits for them
    would wait in vain, and a coach would not be asked. With their first visit they count.
    """
    found: dict[str, set[uuid.UUID]] = {role.value: set() for role in Role}
    if context_id is None:
        return found
    with unscoped(session, "members of one course, some of whom may belong above it"):
        rows: Iterable[Any] = session.execute(
            select(Membership.person_id, Membership.roles)
            .join(Person, Person.id == Membership.person_id)
            .where(
                Membership.context_id == context_id,
                Membership.state == "active",
                Membership.launched,
                Person.is_test.is_(False),
            )
        ).all()
    for person_id, roles in rows:
        for role in roles:
            found.setdefault(role, set()).add(person_id)
    return found


_REASONS: Final = {
    Refusal.OWNER: _("This is your own work, so somebody else reads it."),
    Refusal.CONFLICT: _("You said that you know whose work this is, so a colleague reads it."),
    Refusal.ALREADY_REVIEWING: _("You have read this already."),
    Refusal.WRONG_ROLE: _("This is read by people with another role in this course than yours."),
}


def reason(why: Refusal) -> Any:
    """The sentence for a refusal."""
    return _REASONS[why]


def refuse(why: Refusal) -> NotAllowedError:
    """The error for a refusal."""
    return NotAllowedError(
        reason(why),
        code=f"review_{why.value}",
        advice=_("Your queue shows what you can read."),
    )
