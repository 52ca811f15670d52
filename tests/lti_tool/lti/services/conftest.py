"""A scripted LMS beside the installation, and the worker that talks to it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from sqlalchemy import select

from core.identity import Organisation
from core.outbox import OutboxMessage, Registry, publish
from core.runtime import Runtime
from core.scope import unscoped
from core.worker import Worker
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.courses.models import Context, Membership
from lti_tool.lti.grades import GradePoster
from lti_tool.lti.jobs import register_jobs
from lti_tool.lti.keysets import KeySets
from lti_tool.lti.models import GradeDelivery, PlatformUser, ResourceLink
from lti_tool.lti.platforms import Platforms
from lti_tool.lti.registration import add_deployment, add_platform
from lti_tool.lti.rosters import RosterReader
from lti_tool.lti.services.shared import Services
from tests.lti_tool.lti.harness import ACHIEVEMENT, Browser, Installation, ensure_tool_key
from tests.support.hostile_platform import INSTRUCTOR
from tests.support.local_http import LocalServer
from tests.support.platforms import (
    CanvasPlatform,
    Enrolled,
    MoodlePlatform,
    SchoologyPlatform,
    ScriptedPlatform,
)
from tests.support.platforms.canvas import ISSUER as CANVAS
from tests.support.platforms.schoology import ISSUER as SCHOOLOGY

NOW = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)
T = TypeVar("T", bound=ScriptedPlatform)


@dataclass
class Scene:
    """An installation whose platform is a scripted one."""

    installation: Installation
    platform: Any
    registry: Registry

    @property
    def runtime(self) -> Runtime:
        return self.installation.runtime

    def launch(self, user_id: str, **claims: Any) -> dict[str, Any]:
        """Somebody opens the activity; the page that they land on."""
        browser: Browser = self.installation.browser()
        pending = browser.begin(login_hint=user_id)
        return browser.follow(browser.finish(pending, **claims))

    def publish(self, topic: str, payload: dict[str, Any]) -> None:
        with self.runtime.database.transaction() as session:
            publish(session, topic, str(uuid.uuid4()), payload)

    def decide(self, page: dict[str, Any], **changes: Any) -> None:
        """The news of a decision, carried out."""
        self.publish("review.decided", decision(page, **changes))
        self.work()

    def hand_in(self, page: dict[str, Any], **changes: Any) -> None:
        """The news of a submission, carried out."""
        self.publish("evidence.sent", submission(page, **changes))
        self.work()

    def work(self) -> None:
        Worker(self.runtime.database, self.registry).drain()

    def all(self, kind: type[Any]) -> list[Any]:
        with self.runtime.database.snapshot() as session, unscoped(session, "test"):
            return list(session.scalars(select(kind)).unique())

    def deliveries(self) -> list[GradeDelivery]:
        return sorted(self.all(GradeDelivery), key=lambda one: one.sent_at)

    def link(self) -> ResourceLink:
        [found] = self.all(ResourceLink)
        return found

    def context(self) -> Context:
        [found] = self.all(Context)
        return found

    def messages(self, topic: str) -> list[OutboxMessage]:
        return [row for row in self.all(OutboxMessage) if row.topic == topic]

    def member(self, user_id: str) -> Membership | None:
        """The membership of the person whom the platform knows by that id."""
        people = {row.sub: row.person_id for row in self.all(PlatformUser)}
        return next(
            (row for row in self.all(Membership) if row.person_id == people.get(user_id)), None
        )


def decision(page: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """News of a decision about the work of whoever landed on `page`."""
    return {
        "submission_id": str(uuid.uuid4()),
        "revision_id": str(uuid.uuid4()),
        "decision_id": str(uuid.uuid4()),
        "person_id": page["person_id"],
        "context_id": page["context_id"],
        "assignment_id": str(uuid.uuid4()),
        "achievement_id": ACHIEVEMENT,
        "title": "Questions That Open",
        "resource_link_id": page["data"]["resource_link_id"],
        "sent_at": NOW.isoformat(),
        "outcome": "met",
        "score": "100",
        "max": 100,
        "comment": "Clear questions.",
        "decided_at": NOW.isoformat(),
        **changes,
    }


def submission(page: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """News of work that whoever landed on `page` has handed in."""
    return {
        "submission_id": str(uuid.uuid4()),
        "revision_id": str(uuid.uuid4()),
        "person_id": page["person_id"],
        "resource_link_id": page["data"]["resource_link_id"],
        "achievement_id": ACHIEVEMENT,
        "title": "Questions That Open",
        "max": 100,
        "sent_at": NOW.isoformat(),
        **changes,
    }


def people() -> list[Enrolled]:
    return [
        Enrolled("3", "Ilse", "Muster", roles=(INSTRUCTOR,)),
        Enrolled("7", "Mara", "O'Example & Sons"),
        Enrolled("8", "Noor", "Prøve"),
    ]


@pytest.fixture
def connect(
    home: Any, runtime: Runtime, organisation: Organisation, server: LocalServer
) -> Callable[[T], Scene]:
    """Registers a scripted platform and forgets what earlier tests left in memory."""

    def connected(platform: T) -> Scene:
        ensure_tool_key(runtime)
        home.tool.platforms = Platforms(runtime.database)
        home.tool.key_sets = KeySets(runtime.http)
        for part in (Services, GradePoster, RosterReader):
            runtime._parts.pop(part, None)
        with runtime.database.transaction(organisation.scope) as session:
            row = add_platform(
                session,
                organisation,
                name=f"Alder Valley {platform.family}",
                family=platform.family,
                client_id=platform.client_id,
                now=runtime.now(),
                **platform.endpoints,
            )
            add_deployment(session, row, platform.deployment_id, now=runtime.now())
        registry = Registry()
        register_jobs(registry, runtime)
        installation = Installation(runtime, home.app, home.tool, server, platform, row.id)
        return Scene(installation, platform, registry)

    return connected


def keys_of(runtime: Runtime) -> Callable[[], dict[str, Any]]:
    """The tool's published keys, as the platform would fetch them."""
    return lambda: ring_of(runtime).jwks(LTI_RING)


@pytest.fixture
def moodle(connect: Any, runtime: Runtime, server: LocalServer) -> Scene:
    found: Scene = connect(
        MoodlePlatform(
            issuer=server.url, server=server, tool_keys=keys_of(runtime), people=people()
        )
    )
    return found


@pytest.fixture
def canvas(connect: Any, runtime: Runtime, server: LocalServer) -> Scene:
    found: Scene = connect(
        CanvasPlatform(issuer=CANVAS, server=server, tool_keys=keys_of(runtime), people=people())
    )
    return found


@pytest.fixture
def schoology(connect: Any, runtime: Runtime, server: LocalServer) -> Scene:
    found: Scene = connect(
        SchoologyPlatform(
            issuer=SCHOOLOGY, server=server, tool_keys=keys_of(runtime), people=people()
        )
    )
    return found


@pytest.fixture
def standard(connect: Any, runtime: Runtime, server: LocalServer) -> Scene:
    found: Scene = connect(
        ScriptedPlatform(
            issuer=server.url, server=server, tool_keys=keys_of(runtime), people=people()
        )
    )
    return found
