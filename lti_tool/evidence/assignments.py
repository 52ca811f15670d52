"""Assignments: a micro-credential offered in a course, with the review policy of its version."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.document import MicroCredential
from badges.achievements.models import AchievementVersion
from core.scope import Scope
from lti_tool.courses.models import Context
from lti_tool.evidence.models import Assignment, Revision


def assignment_for(
    session: Session,
    *,
    achievement_id: uuid.UUID,
    context: Context | None,
    scope: Scope,
    now: datetime,
    resource_link_id: str | None = None,
) -> Assignment:
    """The assignment of the micro-credential in `context` (None: in the organisation of `scope`).

    It is made at the first call; later calls bring its version and policy up to date, for revisions
    that are begun from then on. `resource_link_id` is noted as leading here. Raises NotFoundError
    where no such micro-credential is published.
    """
    version = achievements.current(session, achievement_id)
    found = find(session, achievement_id, context, scope)
    if found is None:
        found = _create(session, version, context, scope, now)
    if found.achievement_version_id != version.id:
        found.achievement_version_id = version.id
        found.policy = policy_of(achievements.micro_credential(version))
        found.updated_at = now
    if resource_link_id and resource_link_id not in found.resource_links:
        found.resource_links = [*found.resource_links, resource_link_id]
        found.updated_at = now
    session.flush()
    return found


def policy_of(micro_credential: MicroCredential) -> dict[str, Any]:
    """The review policy as assignments and revisions keep it."""
    review = micro_credential.review
    return {"kind": review.kind, "k": review.k, "blindness": review.blindness}


def policy_for(revision: Revision) -> dict[str, Any]:
    """The review policy that the revision has, or as a draft will have once it is sent.

    Of an assignment's policy where both are on one version, else of the revision's own version.
    """
    if revision.policy is not None:
        return dict(revision.policy)
    assignment = revision.submission.assignment
    if assignment.achievement_version_id == revision.achievement_version_id:
        return dict(assignment.policy)
    return policy_of(achievements.micro_credential(revision.achievement_version))


def hides_author(policy: Mapping[str, Any]) -> bool:
    """Whether reviewers may not know whose work it is: in double-blind reviews alone."""
    return bool(policy.get("blindness", "double") == "double")


def find(
    session: Session, achievement_id: uuid.UUID, context: Context | None, scope: Scope
) -> Assignment | None:
    """The assignment, if there is one already."""
    query = select(Assignment).where(Assignment.achievement_id == achievement_id)
    if context is not None:
        query = query.where(Assignment.context_id == context.id)
    else:
        query = query.where(
            Assignment.context_id.is_(None), Assignment.owner_id == scope.organisation_id
        )
    return session.scalar(query)


def _create(
    session: Session,
    version: AchievementVersion,
    context: Context | None,
    scope: Scope,
    now: datetime,
) -> Assignment:
    assignment = Assignment(
        owner_id=context.owner_id if context else scope.organisation_id,
        owner_path=context.owner_path if context else scope.path,
        context_id=context.id if context else None,
        achievement_id=version.achievement_id,
        achievement_version_id=version.id,
        policy=policy_of(achievements.micro_credential(version)),
        resource_links=[],
        created_at=now,
        updated_at=now,
    )
    try:
        with session.begin_nested():
            session.add(assignment)
    except IntegrityError:  # somebody opened the page in the same moment
        found = find(session, version.achievement_id, context, scope)
        if found is None:
            raise
        return found
    return assignment
