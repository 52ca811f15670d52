"""Processes are ended with SIGKILL where it hurts; nothing is lost and nothing is doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from sqlalchemy import func, select

from badges.awards import reading
from badges.awards import service as awards
from badges.awards.models import Award, Credential
from badges.public.verification import verify_document
from core.db import utcnow
from core.identity import Person
from core.outbox import OutboxMessage
from core.scope import unscoped
from keys.shared import ring_of
from lti_tool.review.models import Decision
from tests.support.district import TOOL_URL, District
from tests.support.workers import leases_run_out, settings_of, work

SOAK = bool(os.environ.get("MILEPOST_SOAK"))


def worker(district: District) -> subprocess.Popen[bytes]:
    """A worker process of its own on the district's database, to be ended at any moment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")}
    command = [sys.executable, "-m", "lti_tool.cli", "worker", "--once"]
    return subprocess.Popen(command, env={**kept, **settings_of(district.runtime)})


def offer(district: District) -> tuple[uuid.UUID, uuid.UUID]:
    """An award that its holder has accepted and nobody has signed: (person, credential)."""
    from badges.achievements import service as achievements
    from badges.awards import direct

    now = utcnow()
    with (
        district.runtime.database.transaction() as session,
        unscoped(session, "the test plays operator and learner"),
    ):
        holder = session.scalars(select(Person).where(Person.name == "Ilse Muster")).one()
        version = next(
            item for item in achievements.published(session)
            if item.document["name"] == "Noticing Student Thinking"
        )  # fmt: skip
        award = direct.issue_directly(session, holder, version, actor=None, now=now)
        credential = awards.accept(
            session, award.id, holder.id, name="Ilse", badge_url=TOOL_URL, now=now
        )
        return holder.id, credential.id


def fixed(district: District, credential_id: uuid.UUID) -> tuple[object, ...]:
    """What acceptance fixed for ever."""
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        row = session.scalars(select(Credential).where(Credential.id == credential_id)).one()
        return (
            row.unsigned, row.status_index, row.status_list_id, row.proof_created_at,
            row.awarded_at,
        )  # fmt: skip


def test_a_worker_killed_between_signing_and_storing_leaves_one_credential(
    district: District,
) -> None:
    district.work()
    holder, credential_id = offer(district)
    before = fixed(district, credential_id)
    assert work(district.runtime, crash_at="signed-not-stored") == -signal.SIGKILL
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        row = session.scalars(select(Credential).where(Credential.id == credential_id)).one()
        assert row.state == "accepted"
    leases_run_out(district.runtime.database)
    assert work(district.runtime) == 0
    assert fixed(district, credential_id) == before
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        [row] = session.scalars(select(Credential).where(Credential.person_id == holder)).all()
        assert row.state == "signed"
        document = row.document
        assert len(reading.awards(session, holder)) == 1
    assert document is not None
    report = verify_document(district.runtime, document, ring=ring_of(district.runtime))
    assert report.valid, report.to_dict()


def test_a_worker_killed_between_sending_and_recording_leaves_the_same_grade(
    district: District,
) -> None:
    from tests.flows.test_spine import be_met_by_a_coach

    be_met_by_a_coach(district, work=False)
    assert work(district.runtime, crash_at="score-sent-not-recorded") == -signal.SIGKILL
    first = district.sandbox.grade("3", "Noticing Student Thinking")
    assert first is not None
    assert first.result == 100
    leases_run_out(district.runtime.database)
    assert work(district.runtime) == 0
    again = district.sandbox.grade("3", "Noticing Student Thinking")
    assert again is not None
    assert (again.result, again.comment) == (first.result, first.comment)
    with district.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
        wren = session.scalars(select(Person.id).where(Person.name == "Wren Samplewood")).one()
        mine = select(func.count()).select_from(Award).where(Award.person_id == wren)
        assert session.scalar(mine) == 1
        assert (
            session.scalar(
                select(func.count()).select_from(Decision).where(Decision.outcome == "met")
            )
            == 2
        ), "Noor's in the sample, and Wren's"
        # The course's list is read a few minutes later.
        due = (OutboxMessage.state != "done", OutboxMessage.topic != "lti.roster")
        dead = session.scalars(select(OutboxMessage).where(*due)).all()
        assert [(row.topic, row.last_error) for row in dead] == []


@pytest.mark.parametrize("rounds", [40 if SOAK else 4])
def test_workers_killed_at_any_moment_lose_and_double_nothing(
    district: District, rounds: int, tmp_path: Path
) -> None:
    district.work()
    people = _many_offers(district, 12)
    for round_ in range(rounds):
        process = worker(district)
        time.sleep(0.35 + 0.02 * (round_ % 17))  # any moment will do: that is the test
        process.kill()
        process.wait(timeout=30)
        leases_run_out(district.runtime.database)
    assert work(district.runtime) == 0
    with district.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
        rows = session.scalars(select(Credential).where(Credential.person_id.in_(people))).all()
        assert len(rows) == len(people)
        assert {row.state for row in rows} == {"signed"}
        indices = {(row.status_list_id, row.status_index) for row in rows}
        assert len(indices) == len(rows)


def _many_offers(district: District, number: int) -> list[uuid.UUID]:
    from badges.achievements import service as achievements
    from badges.awards import direct
    from core.identity import owner_like

    now = utcnow()
    people: list[uuid.UUID] = []
    with (
        district.runtime.database.transaction() as session,
        unscoped(session, "the test plays operator and learners"),
    ):
        version = achievements.published(session)[0]
        ilse = session.scalars(select(Person).where(Person.name == "Ilse Muster")).one()
        for n in range(number):
            person = Person(**owner_like(ilse), name=f"Person {n}")
            session.add(person)
            session.flush()
            award = direct.issue_directly(session, person, version, actor=None, now=now)
            awards.accept(session, award.id, person.id, name=None, badge_url=TOOL_URL, now=now)
            people.append(person.id)
    return people
