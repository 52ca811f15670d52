from __future__ import annotations

import uuid

import pytest
from sqlalchemy import func, select, update

from badges.achievements.models import Issuer
from core.db import utcnow
from core.identity import (
    Organisation,
    OrganisationKind,
    Person,
    create_organisation,
    owner_of,
)
from core.runtime import Runtime
from core.scope import ScopeMissingError, unscoped


@pytest.fixture
def tree(any_runtime: Runtime) -> tuple[Runtime, dict[str, Organisation]]:
    made: dict[str, Organisation] = {}
    with any_runtime.database.transaction() as session:
        made["district"] = create_organisation(session, name="District", slug="d")
        for name in ("north", "south"):
            made[name] = create_organisation(
                session, name=name, slug=name, kind=OrganisationKind.SCHOOL, parent=made["district"]
            )
        made["other"] = create_organisation(session, name="Other", slug="o")
        for name, organisation in made.items():
            session.add(Person(**owner_of(organisation), name=f"person of {name}"))
            session.add(
                Issuer(
                    **owner_of(organisation),
                    slug=name,
                    did=f"did:web:{name}",
                    name=name,
                    created_at=utcnow(),
                )
            )
    return any_runtime, made


def people(runtime: Runtime, organisation: Organisation) -> set[str]:
    with runtime.database.snapshot(organisation.scope) as session:
        return {
            str(name).removeprefix("person of ") for name in session.scalars(select(Person.name))
        }


def issuers(runtime: Runtime, organisation: Organisation) -> set[str]:
    with runtime.database.snapshot(organisation.scope) as session:
        return set(session.scalars(select(Issuer.name)))


Tree = tuple[Runtime, dict[str, Organisation]]


def test_people_are_seen_from_above_and_never_from_beside_or_below(tree: Tree) -> None:
    runtime, made = tree
    assert people(runtime, made["north"]) == {"north"}
    assert people(runtime, made["district"]) == {"district", "north", "south"}
    assert people(runtime, made["other"]) == {"other"}


def test_content_is_seen_from_below_but_not_from_beside(tree: Tree) -> None:
    runtime, made = tree
    assert issuers(runtime, made["north"]) == {"district", "north"}
    assert issuers(runtime, made["district"]) == {"district", "north", "south"}
    assert issuers(runtime, made["other"]) == {"other"}


def test_owned_rows_are_refused_without_a_scope(tree: Tree) -> None:
    runtime, _ = tree
    with (
        runtime.database.snapshot() as session,
        pytest.raises(ScopeMissingError, match="Person"),
    ):
        session.scalars(select(Person)).all()


def test_a_stated_reason_looks_across(tree: Tree) -> None:
    runtime, _ = tree
    with runtime.database.snapshot() as session, unscoped(session, "this test counts everybody"):
        assert session.scalar(select(func.count()).select_from(Person)) == 4


def test_fetching_by_key_does_not_escape_the_scope(tree: Tree) -> None:
    runtime, made = tree
    with runtime.database.snapshot() as session, unscoped(session, "find a foreign key"):
        foreign = session.scalars(select(Person.id).where(Person.name == "person of south")).one()
    with runtime.database.snapshot(made["north"].scope) as session:
        assert session.get(Person, foreign) is None


def test_updates_stay_inside_the_scope(tree: Tree) -> None:
    runtime, made = tree
    with runtime.database.transaction(made["north"].scope) as session:
        session.execute(update(Person).values(locale="de"))
    with runtime.database.snapshot() as session, unscoped(session, "look at everybody"):
        changed = set(session.scalars(select(Person.name).where(Person.locale == "de")))
    assert changed == {"person of north"}


def test_counting_and_joining_stay_inside_the_scope(tree: Tree) -> None:
    runtime, made = tree
    with runtime.database.snapshot(made["north"].scope) as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 1
        joined = select(Organisation.name, Person.name).join(
            Person, Person.owner_id == Organisation.id
        )
        assert [tuple(row) for row in session.execute(joined)] == [("north", "person of north")]
        assert session.scalar(select(func.count(Person.id))) == 1


def test_a_reason_must_be_given(tree: Tree) -> None:
    runtime, _ = tree
    with (
        runtime.database.snapshot() as session,
        pytest.raises(ValueError, match="say why"),
        unscoped(session, ""),
    ):
        pass


def test_an_unknown_organisation_sees_nothing(tree: Tree) -> None:
    from core.scope import Scope

    runtime, _ = tree
    nobody = uuid.uuid4()
    with runtime.database.snapshot(Scope(nobody, f"/{nobody.hex}/")) as session:
        assert session.scalars(select(Person)).all() == []


def test_a_count_without_a_scope_is_refused_too(tree: Tree) -> None:
    runtime, _ = tree
    with runtime.database.snapshot() as session, pytest.raises(ScopeMissingError, match="Person"):
        session.scalar(select(func.count()).select_from(Person))
    with (
        runtime.database.transaction() as session,
        pytest.raises(ScopeMissingError, match="Person"),
    ):
        session.execute(update(Person).values(locale="de"))


def test_a_subquery_stays_inside_the_scope(tree: Tree) -> None:
    runtime, made = tree
    inner = select(Person.owner_id).where(Person.name == "person of south")
    with runtime.database.snapshot(made["north"].scope) as session:
        query = select(Organisation.name).where(Organisation.id.in_(inner))
        assert session.scalars(query).all() == []
