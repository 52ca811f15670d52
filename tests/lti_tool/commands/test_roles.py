"""`milepost role` and zones of organisations: only who is meant, and only what can be."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

from core.db import utcnow
from core.identity import Organisation, Person, Role, owner_of
from core.scope import unscoped
from core.web.sessions import WebSession, start_session
from lti_tool.commands.common import opened, read_config
from lti_tool.lti.models import Platform, PlatformUser
from lti_tool.lti.registration import add_platform
from tests.lti_tool.commands.shell import Shell

ADDRESS = "rosa@alder-valley.example"


@pytest.fixture
def alder(migrated: Shell) -> Shell:
    migrated.do("organisation", "add", "alder-valley", "--name", "Alder Valley Schools")
    return migrated


def launched(
    shell: Shell, name: str | None, lms: str, *, email: str | None = ADDRESS, verified: bool = False
) -> uuid.UUID:
    """Somebody whom the LMS called `lms` has sent; their id."""
    with opened(read_config(shell.env)) as runtime, runtime.database.transaction() as session:
        place = session.scalars(select(Organisation)).one()
        with unscoped(session, "test"):
            platform = session.scalar(select(Platform).where(Platform.name == lms))
            platform = platform or add_platform(
                session, place, name=lms, family="moodle", client_id="c", now=utcnow(),
                site_url=f"https://{lms.lower()}.example",
            )  # fmt: skip
        person = Person(
            **owner_of(place), id=uuid.uuid4(), name=name, email=email,
            email_verified_at=utcnow() if verified else None,
        )  # fmt: skip
        session.add(person)
        session.flush()
        session.add(
            PlatformUser(
                **owner_of(place), platform_id=platform.id, sub=str(person.id),
                person_id=person.id, created_at=utcnow(),
            )
        )  # fmt: skip
        return person.id


def grant(shell: Shell, who: object, role: str = "lead") -> tuple[object, ...]:
    return ("role", "grant", "alder-valley", who, role)


def test_an_address_that_nobody_verified_makes_nobody_a_lead(alder: Shell) -> None:
    rosa = launched(alder, "Rosa Ejemplo", "Moodle")
    other = launched(alder, None, "Canvas")
    said = alder.refused(*grant(alder, ADDRESS))
    assert f"Nobody has verified that {ADDRESS} belongs to who launched with it." in said
    assert "Give the id" in said
    assert f"{rosa}  Rosa Ejemplo, from Moodle" in said
    assert f"{other}  without a name, from Canvas" in said
    assert "is not lead" not in said
    assert "is now lead" in alder.do(*grant(alder, rosa))


def test_a_verified_address_is_enough_whoever_else_claims_it(alder: Shell) -> None:
    launched(alder, "Mallory", "Canvas")
    rosa = launched(alder, "Rosa Ejemplo", "Moodle", verified=True)
    told = alder.do(*grant(alder, ADDRESS.upper()))
    assert told == f"Rosa Ejemplo ({rosa}) is now lead in Alder Valley Schools.\n"


def test_of_several_with_a_verified_address_one_is_named_by_id(alder: Shell) -> None:
    people = [launched(alder, f"Rosa {lms}", lms, verified=True) for lms in ("Moodle", "Canvas")]
    unverified = launched(alder, "Mallory", "Schoology")
    said = alder.refused(*grant(alder, ADDRESS))
    assert "Several people have the address" in said
    assert all(f"{person}  Rosa" in said for person in people)
    assert str(unverified) not in said


def test_an_ended_role_ends_the_visits_that_carry_it(alder: Shell) -> None:
    rosa = launched(alder, "Rosa Ejemplo", "Moodle", verified=True)
    alder.do(*grant(alder, ADDRESS))
    with opened(read_config(alder.env)) as runtime, runtime.database.transaction() as session:
        place = session.scalars(select(Organisation)).one()
        for roles in ({Role.LEAD, Role.TEACHER}, {Role.TEACHER}):
            start_session(
                session, person_id=rosa, organisation_id=place.id, organisation_path=place.path,
                context_id=None, platform_id=None, roles=frozenset(roles), data={}, hours=8,
                now=utcnow(),
            )  # fmt: skip
    told = alder.do("role", "end", "alder-valley", ADDRESS, "lead")
    assert told == f"Rosa Ejemplo ({rosa}) is no longer lead in Alder Valley Schools.\n"
    with (
        opened(read_config(alder.env)) as runtime,
        runtime.database.snapshot() as session,
        unscoped(session, "test"),
    ):
        [left] = session.scalars(select(WebSession.roles)).all()
    assert left == ["teacher"]


def test_a_role_that_was_never_given_cannot_end(alder: Shell) -> None:
    rosa = launched(alder, "Rosa Ejemplo", "Moodle", verified=True)
    alder.do(*grant(alder, rosa))
    said = alder.refused("role", "end", "alder-valley", rosa, "administrator")
    assert "was not made administrator in Alder Valley Schools; nothing was changed." in said
    alder.do("role", "end", "alder-valley", rosa, "lead")
    alder.refused("role", "end", "alder-valley", rosa, "lead")
    assert "is now lead" in alder.do(*grant(alder, rosa))
    assert "has launched" in alder.refused("role", "end", "alder-valley", uuid.uuid4(), "lead")


@pytest.mark.parametrize(
    "zone", ["Nowhere/Bad", "Factory", "localtime", "posixrules", "posix/Europe/Vienna", ""]
)
def test_an_organisation_has_a_zone_that_pages_can_be_written_in(
    migrated: Shell, zone: str
) -> None:
    words = ("organisation", "add", "north", "--name", "North", "--timezone")
    assert f"{zone} is not a time zone. One is called Europe/Vienna." in migrated.refused(
        *words, zone
    )
    assert migrated.json("organisation", "list") == []
    migrated.do(*words, "Europe/Vienna")


def test_who_was_connected_with_another_account_is_named_by_that_one(alder: Shell) -> None:
    rosa, other = launched(alder, "Rosa Ejemplo", "Moodle"), launched(alder, "R. E.", "Canvas")
    with (
        opened(read_config(alder.env)) as runtime,
        runtime.database.transaction() as session,
        unscoped(session, "test"),
    ):
        session.get_one(Person, other).merged_into_id = rosa
    assert f"Give the id {rosa} instead" in alder.refused(*grant(alder, other))
    assert "is now lead" in alder.do(*grant(alder, rosa))
