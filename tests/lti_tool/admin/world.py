"""Administrators, platforms and deliveries for the tests of their pages."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from flask import Flask
from sqlalchemy import select

from core.audit import AuditEvent
from core.db import utcnow
from core.identity import Organisation, Person, Role, create_organisation, owner_of
from core.outbox import Job, OutboxMessage, bury, claim, publish
from core.runtime import Runtime
from core.scope import set_scope, unscoped
from lti_tool.courses.models import Context
from lti_tool.lti.deployments import add_deployment
from lti_tool.lti.models import Deployment, Platform, PlatformUser, ResourceLink
from lti_tool.lti.names import SCOPE_SCORE
from lti_tool.lti.registration import add_platform
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.support.badges import District, add_person

ADMIN = frozenset({Role.ADMINISTRATOR})
OTHERS = [role for role in Role if role is not Role.ADMINISTRATOR]


def admin_of(app: Flask, district: District, place: Organisation) -> Visit:
    person = add_person(district.runtime, place, "Pia Specimen")
    return visit_as(app, replace(district, organisation=place), person, ADMIN)


def another(runtime: Runtime, name: str, parent: Organisation | None = None) -> Organisation:
    with runtime.database.transaction() as session:
        return create_organisation(session, name=name, slug=name.lower(), parent=parent)


def register(
    runtime: Runtime, place: Organisation, name: str, *deployments: str, **given: Any
) -> Platform:
    wanted: dict[str, Any] = {
        "family": "moodle",
        "client_id": "abc",
        "site_url": f"https://{name.split()[0].lower()}.example.org",
        **given,
    }
    with runtime.database.transaction() as session:
        set_scope(session, place.scope)
        made = add_platform(session, place, name=name, now=utcnow(), **wanted)
        for deployment in deployments:
            add_deployment(session, made, deployment, now=utcnow())
    return made


def claimed(
    runtime: Runtime, place: Organisation | None, topic: str, payload: dict[str, Any] | None = None
) -> Job:
    with runtime.database.transaction() as session:
        organisation_id = place.id if place else None
        publish(session, topic, str(uuid.uuid4()), payload or {}, organisation_id=organisation_id)
    [job] = claim(runtime.database, limit=1, now=utcnow())
    return job


def given_up(
    runtime: Runtime,
    place: Organisation | None,
    error: str = "The LMS said no.",
    payload: dict[str, Any] | None = None,
) -> Job:
    job = claimed(runtime, place, "review.decided>grade.post", payload)
    bury(runtime.database, job, error, now=utcnow())
    return job


def message(runtime: Runtime, job: Job) -> OutboxMessage:
    with runtime.database.snapshot() as session:
        return session.get_one(OutboxMessage, job.id)


def state(runtime: Runtime, job: Job) -> tuple[str, int]:
    found = message(runtime, job)
    return found.state, found.attempts


def platform_row(runtime: Runtime, platform: Platform) -> Platform:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return session.get_one(Platform, platform.id)


def noted(runtime: Runtime, subject_id: uuid.UUID) -> list[AuditEvent]:
    """What was noted of one thing, oldest first."""
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return list(
            session.scalars(
                select(AuditEvent)
                .where(AuditEvent.subject_id == subject_id)
                .order_by(AuditEvent.at)
            )
        )


def activity(
    runtime: Runtime, place: Organisation, platform: Platform, person: Person | None = None
) -> dict[str, Any]:
    """A launched activity of `platform`, as the payload of a decision names it."""
    owner = owner_of(place)
    now = utcnow()
    with runtime.database.transaction() as session, unscoped(session, "test"):
        deployment = session.scalars(
            select(Deployment).where(Deployment.platform_id == platform.id)
        ).first()
        assert deployment is not None
        context = Context(
            **owner, platform_id=platform.id, deployment_id=deployment.id, lti_id="c7",
            title="Year 5 <Science>", created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(context)
        session.flush()
        link = ResourceLink(
            **owner, platform_id=platform.id, deployment_id=deployment.id, context_id=context.id,
            lti_id="l1", title="Noticing", target_kind="home", scopes=[SCOPE_SCORE],
            created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(link)
        if person is not None:
            session.add(
                PlatformUser(
                    **owner, platform_id=platform.id, sub="lms-42", person_id=person.id,
                    created_at=now,
                )
            )  # fmt: skip
        session.flush()
    return {
        "resource_link_id": str(link.id),
        "person_id": str(person.id) if person else None,
        "context_id": str(context.id),
    }
