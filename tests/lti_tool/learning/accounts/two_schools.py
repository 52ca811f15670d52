"""Wren works at two schools of one district: at one with a Canvas, at the other with a Moodle."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.models import Achievement
from core.identity import Person, Role, owner_of
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.courses.models import Context
from lti_tool.evidence import drafts
from lti_tool.evidence.assignments import assignment_for
from lti_tool.evidence.models import Revision
from lti_tool.learning.accounts.columns import COLUMNS, Way, table_of
from lti_tool.learning.accounts.merging import Merged, merge
from lti_tool.lti.accounts import accounts_of
from lti_tool.lti.models import Platform, PlatformUser
from lti_tool.review import desk, intake, scoring
from lti_tool.review.scoring import Given
from tests.lti_tool.review.world import COACH, NOW, REFLECTION, World, make_world
from tests.support.badges import micro_credential

LATER = NOW + timedelta(hours=2)


@dataclass
class TwoSchools:
    """The review world with a second course in another LMS, and people known from both."""

    world: World
    second_course: Context
    second_achievement: Achievement
    platforms: dict[str, uuid.UUID]

    @property
    def people(self) -> dict[str, Person]:
        return self.world.people

    def id(self, name: str) -> uuid.UUID:
        return self.people[name].id

    def account(self, name: str, platform: str) -> None:
        """`name` launches from `platform`."""
        with self.world.database.transaction() as session:
            session.add(
                PlatformUser(
                    **owner_of(self.world.organisation),
                    platform_id=self.platforms[platform],
                    sub=f"{platform}-{name}",
                    person_id=self.id(name),
                    created_at=NOW,
                )
            )

    def merge(self, kept: str = "Wren", gone: str = "W. Abara") -> Merged:
        with self.world.write() as session:
            return merge(session, self.id(kept), self.id(gone), accounts_of=accounts_of, now=LATER)

    def draft_elsewhere(self, name: str, *, empty: bool = False) -> Revision:
        """A draft on the second micro-credential, in the second course."""
        return self.draft(name, self.second_achievement, self.second_course, empty=empty)

    def draft(
        self, name: str, achievement: Achievement, course: Context, *, empty: bool = False
    ) -> Revision:
        with self.world.write() as session:
            assignment = assignment_for(
                session, achievement_id=achievement.id, context=course,
                scope=self.world.organisation.scope, now=NOW,
            )  # fmt: skip
            revision = drafts.start(session, assignment, self.people[name], NOW)
            if not empty:
                drafts.save(
                    session, revision.id, self.id(name), texts={"reflection": REFLECTION},
                    releases={}, version=None, now=NOW,
                )  # fmt: skip
        return revision

    def send(self, name: str, revision: Revision) -> Revision:
        """Complete a draft and send it."""
        with self.world.write() as session:
            drafts.add_link(
                session, revision.id, self.id(name), "plan", url="https://docs.example.org/plan",
                title="My plan", now=NOW,
            )  # fmt: skip
            return intake.send(session, revision.id, self.id(name), key="k", now=NOW)

    def meet(self, revision: Revision, coach: str = "Otto") -> None:
        """A coach of its course reads it, and it is met."""
        with self.world.write() as session:
            stored = session.get_one(Revision, revision.id)
            who = replace(
                self.world.reviewer(session, coach),
                context_id=stored.submission.assignment.context_id,
            )
            desk.claim(session, who, revision.id, NOW)
            given = {name: Given(3, "") for name in ("planned", "wait")}
            scoring.save(session, who, revision.id, given, summary="", version=None, now=NOW)
            scoring.finish(session, who, revision.id, NOW)

    def owned(self, name: str) -> dict[str, int]:
        """How many rows name the person, by table and column, history aside."""
        found = {}
        with self.world.read() as session:
            for (table_name, column), way in COLUMNS.items():
                named = table_of(table_name).c[column] == self.id(name)
                query = select(func.count()).select_from(table_of(table_name)).where(named)
                number = session.connection().execute(query).scalar_one()
                if number and way is not Way.STAY:
                    found[f"{table_name}.{column}"] = number
        return found

    def person(self, name: str) -> Person:
        with self.world.read() as session, unscoped(session, "test"):
            return session.get_one(Person, self.id(name))

    def rows(self, model: Any, **values: Any) -> list[Any]:
        with self.world.read() as session, unscoped(session, "test"):
            query = select(model).filter_by(**values)
            return list(session.scalars(query).unique())


def make_two_schools(runtime: Runtime, **changes: Any) -> TwoSchools:
    """Wren (Canvas) and W. Abara (Moodle) are one teacher; nobody knows that yet."""
    world = make_world(runtime, **{"review": COACH, **changes})
    with runtime.database.transaction(world.organisation.scope) as session:
        platforms = {name: _platform(session, world, name) for name in ("Canvas", "Moodle")}
        issuer = achievements.version(
            session, achievements.current(session, world.achievement.id).id
        ).achievement.issuer
        other = achievements.create(
            session, issuer, micro_credential(name="Wait Time That Works", review=COACH), NOW
        )
    world.person("W. Abara", Role.TEACHER, member=False, given_name="Wren", locale="en-IE")
    course = world.course("Second School", **{"W. Abara": Role.TEACHER, "Otto": Role.COACH})
    made = TwoSchools(world, course, other, platforms)
    made.account("Wren", "Canvas")
    made.account("W. Abara", "Moodle")
    return made


def _platform(session: Session, world: World, name: str) -> uuid.UUID:
    row = Platform(
        **owner_of(world.organisation),
        id=uuid.uuid4(),
        issuer=f"https://{name.lower()}.example",
        client_id=name,
        name=name,
        family="generic",
        auth_login_url=f"https://{name.lower()}.example/auth",
        auth_token_url=f"https://{name.lower()}.example/token",
        jwks_url=f"https://{name.lower()}.example/jwks",
        created_at=NOW,
    )
    session.add(row)
    session.flush()
    return row.id
