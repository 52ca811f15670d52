"""A course with a micro-credential, teachers who send evidence, and people who review it."""

from __future__ import annotations

import io
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.models import Achievement, AchievementVersion
from core.identity import Organisation, Person, Role, create_organisation, grant, owner_of
from core.runtime import Runtime
from keys.ring import KeyRing
from lti_tool.courses.models import Context, Membership
from lti_tool.evidence import drafts
from lti_tool.evidence.assignments import assignment_for
from lti_tool.evidence.models import Revision
from lti_tool.evidence.requirements import NARRATIVE
from lti_tool.review import desk, intake, scoring
from lti_tool.review.models import Decision
from lti_tool.review.people import Reviewer, reviewer
from lti_tool.review.scoring import Given
from tests.support.badges import micro_credential

NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
REFLECTION = " ".join(["R. said that both have one bit missing, so we drew them on one line."] * 3)
PEERS = {"kind": "peer", "k": 2, "blindness": "double"}
COACH = {"kind": "coach", "k": 1, "blindness": "double"}


@dataclass
class World:
    """The installation, its district, one course and everybody in it."""

    runtime: Runtime
    organisation: Organisation
    context: Context
    achievement: Achievement
    people: dict[str, Person] = field(default_factory=dict)
    roles: dict[str, frozenset[Role]] = field(default_factory=dict)

    @property
    def database(self) -> Any:
        return self.runtime.database

    def write(self) -> Any:
        return self.database.transaction(self.organisation.scope)

    def read(self) -> Any:
        return self.database.snapshot(self.organisation.scope)

    def person(self, name: str, *roles: Role, member: bool = True, **more: Any) -> Person:
        with self.database.transaction() as session:
            made = Person(**owner_of(self.organisation), id=uuid.uuid4(), name=name, **more)
            session.add(made)
            session.flush()
            if Role.LEAD in roles:
                grant(session, made, Role.LEAD, source="test", now=NOW)
            if member:
                session.add(self._membership(self.context, made, roles))
        self.people[name], self.roles[name] = made, frozenset(roles)
        return made

    def course(self, title: str, **members: Role) -> Context:
        """One more course of the same platform, with these people in it."""
        with self.database.transaction() as session:
            made = _course(self.organisation, title)
            session.add(made)
            session.flush()
            for name, role in members.items():
                session.add(self._membership(made, self.people[name], [role]))
        return made

    def _membership(self, context: Context, person: Person, roles: Iterable[Role]) -> Membership:
        return Membership(
            **owner_of(self.organisation),
            context_id=context.id,
            person_id=person.id,
            roles=[role.value for role in roles],
            lti_roles=[],
            state="active",
            first_seen_at=NOW,
            last_seen_at=NOW,
        )

    def leave(self, name: str) -> None:
        """The person's memberships end, as the platform tells it."""
        with self.write() as session:
            for member in session.scalars(
                select(Membership).where(Membership.person_id == self.people[name].id)
            ):
                member.state = "left"

    def reviewer(self, session: Session, name: str) -> Reviewer:
        return reviewer(
            session,
            person_id=self.people[name].id,
            scope=self.organisation.scope,
            context_id=self.context.id,
            roles=self.roles[name],
        )

    def publish(self, **changes: Any) -> AchievementVersion:
        with self.write() as session:
            return achievements.publish(session, self.achievement, micro_credential(**changes), NOW)

    def draft(self, name: str, now: datetime = NOW) -> Revision:
        """A draft that has everything that is asked for."""
        with self.write() as session:
            assignment = assignment_for(
                session,
                achievement_id=self.achievement.id,
                context=self.context,
                scope=self.organisation.scope,
                now=now,
            )
            revision = drafts.start(session, assignment, self.people[name], now)
            drafts.save(
                session,
                revision.id,
                self.people[name].id,
                texts={"reflection": REFLECTION, NARRATIVE: "A lesson on fractions."},
                releases={},
                version=None,
                now=now,
            )
            drafts.add_link(
                session,
                revision.id,
                self.people[name].id,
                "plan",
                url="https://docs.example.org/plan",
                title="My plan",
                now=now,
            )
        return revision

    def send(self, name: str, now: datetime = NOW) -> Revision:
        """A complete revision, sent."""
        draft = self.draft(name, now)
        with self.write() as session:
            return intake.send(session, draft.id, self.people[name].id, key="k1", now=now)

    def claim(self, name: str, revision: Revision, now: datetime = NOW) -> None:
        with self.write() as session:
            desk.claim(session, self.reviewer(session, name), revision.id, now)

    def save(
        self, name: str, revision: Revision, *levels: int | None, now: datetime = NOW, **more: Any
    ) -> scoring.Place:
        given = {
            criterion: Given(level, f"About {criterion}.")
            for criterion, level in zip(("planned", "wait"), levels, strict=True)
        }
        more = {"summary": "", "version": None, **more}
        with self.write() as session:
            return scoring.save(
                session, self.reviewer(session, name), revision.id, given, now=now, **more
            )

    def finish(self, name: str, revision: Revision, now: datetime = NOW) -> Decision | None:
        with self.write() as session:
            return scoring.finish(session, self.reviewer(session, name), revision.id, now)[1]

    def review(
        self, name: str, revision: Revision, *levels: int, now: datetime = NOW
    ) -> Decision | None:
        """Claim, score and finish."""
        self.claim(name, revision, now)
        self.save(name, revision, *levels, now=now)
        return self.finish(name, revision, now)

    def state(self, revision: Revision) -> str:
        with self.read() as session:
            return str(session.get_one(Revision, revision.id).state)


def make_world(runtime: Runtime, **changes: Any) -> World:
    """A district with a course; three teachers, a coach, a second coach and a lead."""
    ring = KeyRing(runtime.database, runtime.config.master_key)
    with runtime.database.transaction() as session:
        organisation = create_organisation(
            session, name="Alder Valley Schools", slug="alder-valley", timezone="Europe/Vienna"
        )
        issuer = achievements.create_issuer(
            session,
            organisation,
            ring=ring,
            slug="alder-valley",
            name="Alder Valley Schools",
            badge_url=runtime.config.badge_url,
            now=NOW - timedelta(days=90),
        )
        achievement = achievements.create(
            session, issuer, micro_credential(**{"review": PEERS, **changes}), NOW
        )
        context = _course(organisation, "Responsive Teaching")
        session.add(context)
    world = World(runtime, organisation, context, achievement)
    for name in ("Wren", "Robin", "Jay"):
        world.person(name, Role.TEACHER)
    world.person("Ilse", Role.COACH)
    world.person("Otto", Role.COACH)
    world.person("Ada", Role.LEAD, member=False)
    return world


def _course(organisation: Organisation, title: str) -> Context:
    return Context(
        **owner_of(organisation),
        id=uuid.uuid4(),
        platform_id=uuid.uuid4(),
        deployment_id=uuid.uuid4(),
        lti_id=title,
        title=title,
        created_at=NOW,
        updated_at=NOW,
    )


def png(width: int = 8, height: int = 6) -> bytes:
    """A small image."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (31, 111, 120)).save(out, "PNG")
    return out.getvalue()


def huge_png(side: int) -> bytes:
    """A PNG that says it has side × side pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def docx() -> bytes:
    """The skeleton of a word processor's document."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<document/>")
    return out.getvalue()
