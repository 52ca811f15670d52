"""Connections within an administrator's part of the tree: how each is, and what may be changed."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import audit
from core.errors import NotFoundError
from core.identity import Organisation, Role
from core.scope import Scope
from core.web.sessions import WebSession, end_session
from lti_tool.admin.models import PlatformCheck
from lti_tool.courses.models import Context, Membership
from lti_tool.lti import deployments as placements
from lti_tool.lti import registration
from lti_tool.lti.models import Deployment, GradeDelivery, Platform, ResourceLink

MOST_ROLES_SEEN = 12
LATEST_MEMBERSHIPS = 300
MOST_VISITS = 5


@dataclass(frozen=True)
class Connection:
    """A platform as the list shows it."""

    platform: Platform
    deployments: int
    waiting: int
    check: PlatformCheck | None


@dataclass(frozen=True)
class Roster:
    """How reading the people of a platform's courses goes."""

    courses: int
    read: int
    last_read_at: datetime | None
    notes: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Visit:
    """A launch: when, into which course (None: into none), and as what."""

    at: datetime
    course: str | None
    roles: Sequence[str]


@dataclass(frozen=True)
class Gradebook:
    """How sending grades to a platform goes."""

    last_taken_at: datetime | None
    kept: int


def connections(session: Session) -> list[Connection]:
    """Every platform of the scope, by name."""
    counted: dict[tuple[uuid.UUID, str], int] = {
        (platform_id, state): number
        for platform_id, state, number in session.execute(
            select(Deployment.platform_id, Deployment.state, func.count(Deployment.id)).group_by(
                Deployment.platform_id, Deployment.state
            )
        )
    }
    checks = {row.platform_id: row for row in session.scalars(select(PlatformCheck))}
    return [
        Connection(
            platform,
            counted.get((platform.id, "active"), 0),
            counted.get((platform.id, "waiting"), 0),
            checks.get(platform.id),
        )
        for platform in registration.list_platforms(session)
    ]


def served_from_above(session: Session) -> int:
    """How many deployments serve the scope on a platform that belongs to somebody above it."""
    own = select(Platform.id)
    return (
        session.scalar(
            select(func.count(Deployment.id)).where(
                Deployment.platform_id.not_in(own), Deployment.state == "active"
            )
        )
        or 0
    )


def find(session: Session, platform_id: uuid.UUID) -> Platform:
    """The platform, if the session's scope sees it. Raises NotFoundError."""
    platform = session.scalar(select(Platform).where(Platform.id == platform_id))
    if platform is None:
        raise registration.platform_unknown()
    return platform


def last_check(session: Session, platform: Platform) -> PlatformCheck | None:
    """What was found when it was last checked."""
    return session.scalar(select(PlatformCheck).where(PlatformCheck.platform_id == platform.id))


def places(session: Session, path: str) -> list[Organisation]:
    """The organisation at `path` and all below it, from the top."""
    return list(
        session.scalars(
            select(Organisation)
            .where(Organisation.path.startswith(path, autoescape=True))
            .order_by(Organisation.path)
        )
    )


def place(session: Session, scope: Scope, organisation_id: uuid.UUID | None) -> Organisation:
    """The organisation, if it is the scope's or below it; None means the scope's own."""
    found = session.get(Organisation, organisation_id or scope.organisation_id)
    if found is None or not found.path.startswith(scope.path):
        raise NotFoundError("There is no such organisation here.", code="organisation_unknown")
    return found


def rosters(session: Session, platform: Platform) -> Roster:
    """Courses whose people the platform lists, how many were read, and what hindered the last."""
    offered = (Context.platform_id == platform.id, Context.memberships_url.is_not(None))
    courses, read, last = session.execute(
        select(
            func.count(Context.id), func.count(Context.roster_synced_at),
            func.max(Context.roster_synced_at),
        ).where(*offered)
    ).one()  # fmt: skip
    notes = session.execute(
        select(Context.title, Context.lti_id, Context.roster_note)
        .where(*offered, Context.roster_note.is_not(None))
        .order_by(Context.updated_at.desc())
        .limit(5)
    )
    return Roster(
        courses, read, last, [(title or lti_id, note or "") for title, lti_id, note in notes]
    )


def gradebook(session: Session, platform: Platform) -> Gradebook:
    """When the platform last took a grade, and how many of a teacher's own were left alone."""
    mine = select(ResourceLink.id).where(ResourceLink.platform_id == platform.id)
    taken, kept = session.execute(
        select(
            func.max(GradeDelivery.sent_at).filter(GradeDelivery.state == "sent"),
            func.count(GradeDelivery.id).filter(GradeDelivery.state == "kept"),
        ).where(GradeDelivery.resource_link_id.in_(mine))
    ).one()
    return Gradebook(taken, kept)


def visits(session: Session, platform: Platform) -> list[Visit]:
    """The latest launches whose visits have not ended, newest first; whose they are is not told."""
    rows = session.execute(
        select(WebSession.created_at, Context.title, Context.lti_id, WebSession.roles)
        .select_from(WebSession)
        .outerjoin(Context, Context.id == WebSession.context_id)
        .where(WebSession.platform_id == platform.id)
        .order_by(WebSession.created_at.desc())
        .limit(MOST_VISITS)
    )
    return [Visit(at, title or lti_id, list(roles)) for at, title, lti_id, roles in rows]


def roles_seen(session: Session, platform: Platform) -> list[str]:
    """The platform's own words for roles, as its latest memberships had them, commonest first."""
    rows = session.scalars(
        select(Membership.lti_roles)
        .join(Context, Context.id == Membership.context_id)
        .where(Context.platform_id == platform.id)
        .order_by(Membership.last_seen_at.desc())
        .limit(LATEST_MEMBERSHIPS)
    )
    counted = Counter(role for roles in rows for role in roles if isinstance(role, str))
    return [role for role, _number in counted.most_common(MOST_ROLES_SEEN)]


def change(
    session: Session,
    platform_id: uuid.UUID,
    wanted: Mapping[str, Any],
    *,
    administrators_allowed: bool,
    actor_id: uuid.UUID,
    actor_session: uuid.UUID,
    now: datetime,
) -> list[str]:
    """Set what `registration.change_platform` takes; returns the names of what is different now.

    Where the LMS's administrators are no longer allowed in, visits that came from there as
    administrator end, but for the one that says so. Raises NotFoundError, UnprocessableError.
    """
    # The row is locked first, so that what is told as changed is what this call changed.
    before = _values(_locked(session, platform_id), wanted)
    platform = registration.change_platform(session, platform_id, now=now, **wanted)
    changed = [key for key, value in _values(platform, wanted).items() if value != before[key]]
    if platform.administrators_allowed != administrators_allowed:
        platform.administrators_allowed = administrators_allowed
        changed.append("administrators_allowed")
        session.flush()
        if not administrators_allowed:
            _end_administrators(session, platform.id, actor_session)
    if changed:
        _note(session, platform, platform, "platform.change", actor_id, now, changed=changed)
    return changed


def switch(
    session: Session,
    platform_id: uuid.UUID,
    *,
    disabled: bool,
    actor_id: uuid.UUID,
    now: datetime,
) -> Platform:
    """Disable a platform, or enable it again; once more is no change."""
    was = _locked(session, platform_id).disabled_at is not None
    platform = registration.change_platform(session, platform_id, now=now, disabled=disabled)
    if was != disabled:
        action = "platform.disable" if disabled else "platform.enable"
        _note(session, platform, platform, action, actor_id, now)
    return platform


def approve(
    session: Session,
    scope: Scope,
    platform_id: uuid.UUID,
    row_id: uuid.UUID,
    *,
    organisation_id: uuid.UUID,
    actor_id: uuid.UUID,
    now: datetime,
) -> Deployment:
    """Let a deployment launch for an organisation. Raises NotFoundError, UnprocessableError."""
    platform = _of_platform(session, platform_id, row_id)
    organisation = place(session, scope, organisation_id)
    deployment = placements.approve_deployment(session, row_id, organisation=organisation)
    _note(
        session, deployment, platform, "deployment.approve", actor_id, now,
        deployment=str(deployment.id), organisation=organisation.slug,
    )  # fmt: skip
    return deployment


def refuse(
    session: Session,
    platform_id: uuid.UUID,
    row_id: uuid.UUID,
    *,
    actor_id: uuid.UUID,
    now: datetime,
) -> Deployment:
    """Do not let a deployment launch. Raises NotFoundError."""
    platform = _of_platform(session, platform_id, row_id)
    deployment = placements.refuse_deployment(session, row_id)
    _note(
        session, deployment, platform, "deployment.refuse", actor_id, now,
        deployment=str(deployment.id),
    )  # fmt: skip
    return deployment


def add_deployment(
    session: Session,
    scope: Scope,
    platform_id: uuid.UUID,
    deployment_id: str,
    *,
    organisation_id: uuid.UUID | None,
    actor_id: uuid.UUID,
    now: datetime,
) -> Deployment:
    """Let the platform launch under a deployment id that somebody typed. Raises like A's."""
    platform = find(session, platform_id)
    organisation = place(session, scope, organisation_id) if organisation_id else None
    deployment = placements.add_deployment(
        session, platform, deployment_id, organisation=organisation, now=now
    )
    _note(
        session, deployment, platform, "deployment.add", actor_id, now,
        deployment=str(deployment.id),
    )  # fmt: skip
    return deployment


def _locked(session: Session, platform_id: uuid.UUID) -> Platform:
    platform = session.scalar(select(Platform).where(Platform.id == platform_id).with_for_update())
    if platform is None:
        raise registration.platform_unknown()
    return platform


def _of_platform(session: Session, platform_id: uuid.UUID, row_id: uuid.UUID) -> Platform:
    """The platform, where the row is a deployment of it."""
    platform = find(session, platform_id)
    known = session.scalar(
        select(Deployment.id).where(Deployment.id == row_id, Deployment.platform_id == platform.id)
    )
    if known is None:
        raise NotFoundError("There is no such deployment here.", code="deployment_unknown")
    return platform


def _end_administrators(session: Session, platform_id: uuid.UUID, but: uuid.UUID) -> None:
    visits = session.execute(
        select(WebSession.id, WebSession.roles).where(WebSession.platform_id == platform_id)
    ).all()
    for visit_id, roles in visits:
        if Role.ADMINISTRATOR.value in roles and visit_id != but:
            end_session(session, visit_id)


def _values(platform: Platform, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(platform, name) for name in wanted}


def _note(
    session: Session,
    owner: Platform | Deployment,
    platform: Platform,
    action: str,
    actor_id: uuid.UUID,
    now: datetime,
    **details: Any,
) -> None:
    """Every change is noted with the platform as its subject, so that its page can tell it."""
    audit.record(
        session, owner=owner, actor_id=actor_id, action=action, subject=platform, now=now,
        details=details,
    )  # fmt: skip
