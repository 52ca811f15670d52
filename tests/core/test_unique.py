"""A unique name that somebody takes between looking and writing."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core.errors import ConflictError
from core.identity import Organisation, create_organisation
from core.runtime import Runtime
from core.unique import unless_taken

TAKEN = ConflictError("Somebody has just taken it.", code="taken")


def named(slug: str) -> Organisation:
    new_id = uuid.uuid4()
    return Organisation(id=new_id, name="Elm", slug=slug, kind="school", path=f"/{new_id}/")


def test_a_name_that_is_taken_raises_what_was_given_and_keeps_the_rest(
    any_runtime: Runtime,
) -> None:
    with any_runtime.database.transaction() as session:
        create_organisation(session, name="Alder", slug="alder")
        with pytest.raises(ConflictError) as caught, unless_taken(session, TAKEN):
            session.add(named("alder"))
        assert caught.value is TAKEN
        with unless_taken(session, TAKEN):
            session.add(named("elm"))
    with any_runtime.database.snapshot() as session:
        slugs = session.scalars(select(Organisation.slug).order_by(Organisation.slug)).all()
    assert slugs == ["alder", "elm"]


def test_what_is_wrong_otherwise_stays_the_fault_that_it_is(any_runtime: Runtime) -> None:
    with any_runtime.database.transaction() as session:
        nobodys = Organisation(id=uuid.uuid4(), name="Elm", slug="elm", path="/elm/", kind=None)
        with pytest.raises(IntegrityError), unless_taken(session, TAKEN):
            session.add(nobodys)
        assert session.scalar(select(func.count(Organisation.id))) == 0
