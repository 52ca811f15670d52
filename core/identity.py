"""Who anybody is, whichever LMS they come from, and the tree of organisations.

An LMS grants roles in its own context only; programme lead and administrator are explicit grants.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    exists,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from core.db import Base, Identified, utcnow
from core.errors import ConflictError, NotFoundError
from core.scope import Owned, OwnedByPeople, Scope, unscoped


class Role(StrEnum):
    """What somebody is in an organisation or a context."""

    TEACHER = "teacher"
    COACH = "coach"
    LEAD = "lead"
    ADMINISTRATOR = "administrator"


class OrganisationKind(StrEnum):
    """Levels of the tree; a tree may start at any of them."""

    REGION = "region"
    DISTRICT = "district"
    SCHOOL = "school"


class Organisation(Identified, Base):
    """A node of the tree. `path` is materialised: `/<root>/…/<self>/`."""

    __tablename__ = "organisations"

    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    path: Mapped[str] = mapped_column(String(400), unique=True)
    accent: Mapped[str | None] = mapped_column(String(7))
    support_contact: Mapped[str | None] = mapped_column(String(254))
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def scope(self) -> Scope:
        """The scope that sees what this organisation may see."""
        return Scope(self.id, self.path)


class Person(OwnedByPeople, Identified, Base):
    """Somebody, once per tree. Names and addresses may be absent: some LMSs send none.

    `merged_into_id` is set on a row that has been joined to another person: it is empty from then
    on, and stays as a pointer for what still names it.
    """

    __tablename__ = "people"

    name: Mapped[str | None] = mapped_column(String(200))
    given_name: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254))
    email_verified_at: Mapped[datetime | None]
    locale: Mapped[str | None] = mapped_column(String(35))
    timezone: Mapped[str | None] = mapped_column(String(64))
    is_test: Mapped[bool] = mapped_column(default=False)
    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def verified_email(self) -> str | None:
        """The address, if somebody we trust has verified it."""
        return self.email if self.email_verified_at else None


class RoleGrant(OwnedByPeople, Identified, Base):
    """A role held by a person in an organisation (context_id null) or in one context."""

    __tablename__ = "role_grants"
    __table_args__ = (
        UniqueConstraint("person_id", "owner_id", "context_id", "role", "source"),
        CheckConstraint("role in ('teacher','coach','lead','administrator')", name="role"),
        Index("ix_role_grants_context_role", "context_id", "role"),
    )

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    context_id: Mapped[uuid.UUID | None]
    role: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(40))
    granted_at: Mapped[datetime] = mapped_column(default=utcnow)
    ended_at: Mapped[datetime | None]


def owner_of(organisation: Organisation) -> dict[str, object]:
    """The two owner columns for a row of `organisation`: Model(**owner_of(organisation), …)."""
    return {"owner_id": organisation.id, "owner_path": organisation.path}


def owner_like(row: Owned) -> dict[str, object]:
    """The owner columns of `row`, for a row that belongs to the same organisation."""
    return {"owner_id": row.owner_id, "owner_path": row.owner_path}


def create_organisation(
    session: Session,
    *,
    name: str,
    slug: str,
    kind: OrganisationKind = OrganisationKind.DISTRICT,
    parent: Organisation | None = None,
    timezone: str = "UTC",
) -> Organisation:
    """Add an organisation to the tree, below `parent` or as a root."""
    new_id = uuid.uuid4()
    path = f"{parent.path if parent else '/'}{new_id.hex}/"
    organisation = Organisation(
        id=new_id,
        name=name,
        slug=slug,
        kind=kind.value,
        parent_id=parent.id if parent else None,
        path=path,
        timezone=timezone,
    )
    session.add(organisation)
    session.flush()
    return organisation


def organisation_by_slug(session: Session, slug: str) -> Organisation:
    """The organisation called `slug`. Raises NotFoundError."""
    found = session.scalar(select(Organisation).where(Organisation.slug == slug))
    if found is None:
        raise NotFoundError(f"There is no organisation called {slug}.", code="organisation_unknown")
    return found


def grant(
    session: Session,
    person: Person,
    role: Role,
    *,
    organisation: Organisation | None = None,
    context_id: uuid.UUID | None = None,
    source: str,
    now: datetime,
) -> RoleGrant:
    """Give `role` to `person` (again, if it had ended); returns the live grant."""
    owner = owner_of(organisation) if organisation else owner_like(person)
    with unscoped(session, "a grant is looked up by its person and exact organisation"):
        found = session.scalar(
            select(RoleGrant).where(
                RoleGrant.person_id == person.id,
                RoleGrant.owner_id == owner["owner_id"],
                RoleGrant.context_id.is_(None)
                if context_id is None
                else RoleGrant.context_id == context_id,
                RoleGrant.role == role.value,
                RoleGrant.source == source,
            )
        )
    if found is None:
        found = RoleGrant(
            **owner,
            person_id=person.id,
            context_id=context_id,
            role=role.value,
            source=source,
            granted_at=now,
        )
        session.add(found)
    found.ended_at = None
    session.flush()
    return found


def end_grant(
    session: Session,
    person: Person,
    role: Role,
    *,
    organisation: Organisation,
    context_id: uuid.UUID | None = None,
    now: datetime,
) -> list[RoleGrant]:
    """Take `role` from `person` in exactly this organisation or context, whoever gave it.

    Visits under way that carry the role, there and below, end with it; the next launch brings what
    still holds. Returns the grants that ended: none where there was nothing to end.
    """
    with unscoped(session, "a grant is looked up by its person and exact organisation"):
        found = list(
            session.scalars(
                select(RoleGrant)
                .where(
                    RoleGrant.person_id == person.id,
                    RoleGrant.owner_id == organisation.id,
                    RoleGrant.context_id.is_(None)
                    if context_id is None
                    else RoleGrant.context_id == context_id,
                    RoleGrant.role == role.value,
                    RoleGrant.ended_at.is_(None),
                )
                .with_for_update()
            )
        )
    for item in found:
        item.ended_at = now
    session.flush()
    if found:
        _end_visits(session, person, role, organisation.path, context_id)
    return found


def _end_visits(
    session: Session, person: Person, role: Role, path: str, context_id: uuid.UUID | None
) -> None:
    """End the person's web sessions with `role` below `path` (in a context: only those in it)."""
    # Sessions are about people, so that module imports this one.
    from core.web.sessions import WebSession, end_session

    with unscoped(session, "one person's sessions, compared with the grant's place in the tree"):
        visits = session.execute(
            select(WebSession.id, WebSession.roles, WebSession.context_id).where(
                WebSession.person_id == person.id,
                WebSession.owner_path.startswith(path, autoescape=True),
            )
        ).all()
    for visit_id, roles, place in visits:
        if role.value in roles and context_id in (None, place):
            end_session(session, visit_id)


def organisation_roles(session: Session, person_id: uuid.UUID) -> set[Role]:
    """Roles granted to the person in organisations (not in contexts)."""
    rows = session.scalars(
        select(RoleGrant.role).where(
            RoleGrant.person_id == person_id,
            RoleGrant.context_id.is_(None),
            RoleGrant.ended_at.is_(None),
        )
    )
    return {Role(role) for role in rows}


def joined(session: Session, person_id: uuid.UUID, *, lock: bool = False) -> uuid.UUID | None:
    """Whom this person has been joined to; None while the row stands for somebody itself.

    `lock` keeps it so until the transaction ends: who joins accounts waits meanwhile.
    """
    query = select(Person.merged_into_id).where(Person.id == person_id)
    with unscoped(session, "a person of a visit or a row in hand, wherever they belong"):
        return session.scalar(query.with_for_update(read=True) if lock else query)


def of_real_people(person_id: InstrumentedAttribute[uuid.UUID]) -> ColumnElement[bool]:
    """For every figure: that the person a column names was not invented by an LMS (a test student).

    It reads the table and not the class: whose row it is was settled by the scope of that row.
    """
    people = Person.__table__
    return ~exists().where(people.c.id == person_id, people.c.is_test)


def joined_meanwhile() -> ConflictError:
    """The refusal of what is asked in the name of a row that was joined to another person."""
    return ConflictError(
        _("Your accounts were connected a moment ago, so this page is out of date."),
        code="account_joined",
        advice=_("Open the activity in your course once more; everything of yours is there."),
    )


def ids_of(session: Session, person_id: uuid.UUID) -> list[uuid.UUID]:
    """The person's id and those of everybody who was joined to them, for what history names."""
    with unscoped(session, "a person's own former rows"):
        former = session.scalars(select(Person.id).where(Person.merged_into_id == person_id))
        return [person_id, *former]
