"""Deployments of a platform: added by hand, named at registering, or waiting for approval.

LTI 1.3 Core, section 3.1.3. A known platform whose administrator puts the tool into another place
launches from there; the first such launch leaves a row that waits for one of our administrators.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Organisation
from core.scope import unscoped
from core.unique import unless_taken
from lti_tool.lti.models import Deployment, Platform

LONGEST_ID = 255
MOST_WAITING = 20


def add_deployment(
    session: Session,
    platform: Platform,
    deployment_id: str,
    *,
    now: datetime,
    organisation: Organisation | None = None,
    name: str | None = None,
) -> Deployment:
    """Let `platform` launch under `deployment_id`, for `organisation` (default: the platform's).

    One that waits for approval or was refused becomes active by it. Raises UnprocessableError, or
    ConflictError where the platform has that deployment already.
    """
    faults: dict[str, Any] = {}
    if not is_id(deployment_id):
        faults["deployment_id"] = _l("Give the deployment id as the LMS shows it.")
    _refuse_deployment_faults(faults)
    if organisation is not None:
        _refuse_place(organisation, platform)
    with unscoped(session, "a deployment id is unique within its platform"):
        taken = session.scalar(
            select(Deployment)
            .where(Deployment.platform_id == platform.id, Deployment.deployment_id == deployment_id)
            .with_for_update()
        )
    there = ConflictError(
        _l("This platform has that deployment already; nothing was changed."),
        code="deployment_exists",
    )
    if taken is not None and taken.state == "active":
        raise there
    deployment = taken or Deployment(
        platform_id=platform.id, deployment_id=deployment_id, created_at=now
    )
    # One that is there already came before it was typed in, and waits.
    place = (organisation.id, organisation.path) if organisation else (
        platform.owner_id, platform.owner_path,
    )  # fmt: skip
    deployment.owner_id, deployment.owner_path = place
    deployment.name, deployment.state = name or deployment.name, "active"
    with unless_taken(session, there):
        session.add(deployment)
    return deployment


def _refuse_place(organisation: Organisation, platform: Platform) -> None:
    if not organisation.path.startswith(platform.owner_path):
        text = _l("A deployment serves the platform's organisation or one below.")
        _refuse_deployment_faults({"organisation": text})


def _refuse_deployment_faults(faults: Mapping[str, Any]) -> None:
    if faults:
        raise UnprocessableError(
            _l("This deployment cannot be added as it is written."),
            code="deployment_invalid",
            fields=faults,
        )


def note_waiting(
    session: Session,
    platform_id: uuid.UUID,
    owner: Mapping[str, Any],
    deployment_id: str,
    now: datetime,
) -> bool:
    """Leave a row that waits for approval, after a genuine launch from an unknown deployment.

    `owner` holds the platform's owner columns. Returns whether it waits now: not where it is known
    already, and not where `MOST_WAITING` wait.
    """
    with unscoped(session, "a launch comes from anywhere; its platform says for whom"):
        # One launch after the other, so that the cap holds.
        session.scalar(select(Platform.id).where(Platform.id == platform_id).with_for_update())
        found = session.execute(
            select(Deployment.deployment_id, Deployment.state).where(
                Deployment.platform_id == platform_id,
                (Deployment.deployment_id == deployment_id) | (Deployment.state == "waiting"),
            )
        ).all()
    if len(found) >= MOST_WAITING or any(row.deployment_id == deployment_id for row in found):
        return any(row.deployment_id == deployment_id and row.state == "waiting" for row in found)
    session.add(
        Deployment(
            **owner, platform_id=platform_id, deployment_id=deployment_id, state="waiting",
            created_at=now,
        )
    )  # fmt: skip
    session.flush()
    return True


def approve_deployment(
    session: Session,
    row_id: uuid.UUID,
    *,
    organisation: Organisation | None = None,
    name: str | None = None,
) -> Deployment:
    """Let a deployment launch that waits or was refused, for `organisation` (default: as it is).

    `row_id` is the row's, not the LMS's. Raises NotFoundError outside the session's scope,
    UnprocessableError for an organisation that the platform does not serve.
    """
    deployment, platform = _deployment_for_change(session, row_id)
    if organisation is not None:
        _refuse_place(organisation, platform)
        deployment.owner_id, deployment.owner_path = organisation.id, organisation.path
    if name is not None:
        deployment.name = name.strip() or None
    deployment.state = "active"
    session.flush()
    return deployment


def refuse_deployment(session: Session, row_id: uuid.UUID) -> Deployment:
    """Do not let a deployment launch; it can be approved later. Raises NotFoundError."""
    deployment, _platform = _deployment_for_change(session, row_id)
    deployment.state = "refused"
    session.flush()
    return deployment


def _deployment_for_change(session: Session, row_id: uuid.UUID) -> tuple[Deployment, Platform]:
    deployment = session.scalar(select(Deployment).where(Deployment.id == row_id).with_for_update())
    if deployment is None:
        raise NotFoundError(_l("There is no deployment with this id."), code="deployment_unknown")
    with unscoped(session, "a school's deployment may be of its district's platform"):
        platform = session.get_one(Platform, deployment.platform_id)
    return deployment, platform


def deployments_of(session: Session, platform: Platform) -> list[Deployment]:
    """The platform's deployments that the session's scope sees, oldest first."""
    return list(
        session.scalars(
            select(Deployment)
            .where(Deployment.platform_id == platform.id)
            .order_by(Deployment.created_at, Deployment.deployment_id)
        )
    )


def is_id(text: str) -> bool:
    """Whether `text` can be an id that an LMS gave."""
    return 0 < len(text) <= LONGEST_ID and text.isprintable() and text == text.strip()
