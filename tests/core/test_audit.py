"""Who did what: written once, seen within the organisation alone."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from core.audit import AuditEvent, record
from core.identity import Organisation, Person, create_organisation, owner_of
from core.runtime import Runtime
from core.scope import unscoped

NOW = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)


def people(runtime: Runtime, organisation: Organisation) -> tuple[Person, Person]:
    with runtime.database.transaction() as session:
        both = tuple(
            Person(**owner_of(organisation), id=uuid.uuid4(), name=name) for name in ("Wren", "Pia")
        )
        session.add_all(both)
    return both[0], both[1]


def note(runtime: Runtime, subject: Person, actor_id: uuid.UUID | None) -> None:
    with runtime.database.transaction() as session:
        record(
            session, owner=subject, actor_id=actor_id, action="person.viewed", subject=subject,
            about_id=subject.id, now=NOW, details={"page": "evidence"},
        )  # fmt: skip


def test_an_event_says_who_did_what_to_whom_and_when(any_runtime: Runtime) -> None:
    with any_runtime.database.transaction() as session:
        place = create_organisation(session, name="Alder", slug="alder")
    wren, pia = people(any_runtime, place)
    note(any_runtime, wren, pia.id)
    note(any_runtime, wren, None)
    with any_runtime.database.snapshot(place.scope) as session:
        events = list(session.scalars(select(AuditEvent)))
    assert {event.actor_id for event in events} == {pia.id, None}
    for event in events:
        assert (event.subject_kind, event.subject_id) == ("people", wren.id)
        assert event.about_id == wren.id
        assert event.action == "person.viewed"
        assert event.at == NOW
        assert event.details == {"page": "evidence"}
        assert event.owner_id == place.id


def test_an_event_is_seen_within_its_organisation_alone(
    runtime: Runtime, organisation: Organisation
) -> None:
    wren, pia = people(runtime, organisation)
    note(runtime, wren, pia.id)
    with runtime.database.transaction() as session:
        elsewhere = create_organisation(session, name="Brook", slug="brook")
    with runtime.database.snapshot(elsewhere.scope) as session:
        assert session.scalars(select(AuditEvent)).all() == []
    with runtime.database.snapshot(organisation.scope) as session:
        assert len(session.scalars(select(AuditEvent)).all()) == 1


def test_an_event_is_written_with_what_it_tells_of_or_not_at_all(
    runtime: Runtime, organisation: Organisation
) -> None:
    wren, pia = people(runtime, organisation)
    with suppress(KeyError), runtime.database.transaction() as session:
        record(session, owner=wren, actor_id=pia.id, action="x", subject=wren, now=NOW)
        raise KeyError
    with runtime.database.snapshot(organisation.scope) as session:
        assert session.scalars(select(AuditEvent)).all() == []


@pytest.mark.parametrize("change", ["edit", "delete"])
def test_what_was_noted_stays(runtime: Runtime, organisation: Organisation, change: str) -> None:
    wren, pia = people(runtime, organisation)
    note(runtime, wren, pia.id)
    with (
        runtime.database.transaction() as session,
        unscoped(session, "the test looks at all"),
    ):
        event = session.scalars(select(AuditEvent)).one()
        if change == "edit":
            event.actor_id = None
        else:
            session.delete(event)
        with pytest.raises(RuntimeError, match="stays as it was"):
            session.flush()
        session.expunge_all()
    with runtime.database.snapshot(organisation.scope) as session:
        assert session.scalars(select(AuditEvent)).one().actor_id == pia.id
