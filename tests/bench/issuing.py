"""Badges for a whole district at once, and how soon one is there while a thousand others wait.

On PostgreSQL, with real `milepost worker` processes, one for each core.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select, text

from badges.awards import service as awards
from badges.awards.accepting import Answer, accept_all
from badges.awards.batches import service as batches
from badges.awards.batches import table
from badges.awards.models import Credential
from badges.awards.offering import offer_many
from core.identity import Person, owner_of
from core.outbox import OutboxMessage
from core.runtime import Runtime
from core.scope import unscoped
from core.together import insert_rows
from lti_tool.app import create_app, make_runtime
from tests.bench.bench import Bench
from tests.bench.figures import Figure, Measured, Peer
from tests.bench.holders import NAME
from tests.bench.installation import BROWSER
from tests.support import postgres
from tests.support.badges import District, make_district
from tests.support.environment import BASE_URL, MASTER_KEY, make_config

PEOPLE, QUEUED, MEASURED = 2000, 1000, 40
PATIENCE_SECONDS = 300.0
_REASON = "a benchmark plays everybody"


@dataclass(frozen=True)
class Staffed:
    """A district on PostgreSQL, with workers that wait for something to do."""

    district: District
    app: Flask
    environ: dict[str, str]
    cores: int

    @property
    def runtime(self) -> Runtime:
        """The installation."""
        return self.district.runtime

    def people(self, number: int) -> list[tuple[uuid.UUID, str]]:
        """New teachers with a confirmed address: (id, address)."""
        now, made = self.runtime.now(), uuid.uuid4().hex[:8]
        found = [(uuid.uuid4(), f"{made}-{one}@alder-valley.example") for one in range(number)]
        owner = owner_of(self.district.organisation)
        rows = [
            {
                **owner, "id": one, "name": NAME, "email": address, "email_verified_at": now,
                "is_test": False, "created_at": now, "updated_at": now,
            }
            for one, address in found
        ]  # fmt: skip
        with self.runtime.database.transaction() as session:
            insert_rows(session, Person, rows)
        return found

    def wait_until_staffed(self) -> None:
        """Until every worker has begun and listens for work."""
        ends = time.monotonic() + PATIENCE_SECONDS
        listening = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        while True:
            with self.runtime.database.snapshot() as session:
                if session.scalar(listening) == self.cores:
                    return
            if time.monotonic() > ends:
                raise RuntimeError("the workers did not start")
            time.sleep(0.05)

    def wait_until_idle(self) -> None:
        """Until nothing is left to be done."""
        ends = time.monotonic() + PATIENCE_SECONDS
        waiting = select(func.count()).where(OutboxMessage.state.in_(("ready", "leased")))
        while True:
            with self.runtime.database.snapshot() as session:
                if not session.scalar(waiting):
                    return
            if time.monotonic() > ends:
                raise RuntimeError("the workers do not come to an end")
            time.sleep(0.05)


def bulk_issue(bench: Bench) -> Measured:
    """Badges a minute from a file to pictures: checked, offered, accepted, signed, baked.

    Workers and the people who accept (`holders`, by fifty) share all cores, with the database. The
    clock runs until every picture is there and nothing is left in the outbox.
    """
    found = bench.open(staffed)
    people = found.people(PEOPLE)
    file = "email\n" + "".join(f"{address}\n" for _id, address in people)
    with _holders(found) as holders:
        began = time.perf_counter()
        _give(found, file.encode())
        _finish(found, holders, people)
        found.wait_until_idle()
        seconds = time.perf_counter() - began
    _check(found, [one for one, _address in people])
    return Measured(PEOPLE / seconds * 60, Peer("badges", float(PEOPLE)))


def accept_to_page(bench: Bench) -> Measured:
    """From a yes to the badge's page for everybody, for 95 of 100, behind a thousand others.

    A thousand badges were accepted at once and wait to be signed; then people accept one after the
    other, publish as soon as they may, and the page is opened.
    """
    found = bench.open(staffed)
    people = [one for one, _address in found.people(QUEUED + MEASURED)]
    with found.runtime.database.transaction() as session, unscoped(session, _REASON):
        made = offer_many(
            session, people, found.district.version, actor=None, now=found.runtime.now()
        )
    offers = {one: award for one, award in made.items() if isinstance(award, uuid.UUID)}
    found.wait_until_idle()
    now, badge_url = found.runtime.now(), found.runtime.config.badge_url
    with found.runtime.database.transaction() as session:
        accept_all(
            session, [Answer(offers[one], one, NAME) for one in people[:QUEUED]],
            badge_url=badge_url, now=now,
        )  # fmt: skip
    began: dict[uuid.UUID, tuple[uuid.UUID, float]] = {}
    for one in people[QUEUED:]:
        at = time.perf_counter()
        with found.runtime.database.transaction() as session:
            credential = awards.accept(
                session, offers[one], one, name=NAME, badge_url=badge_url, now=now
            )
        began[credential.id] = (one, at)
    seconds = sorted(_opened(found, began))
    found.wait_until_idle()
    return Measured(seconds[(len(seconds) * 95 + 99) // 100 - 1], Peer("the quickest", seconds[0]))


def _opened(found: Staffed, began: dict[uuid.UUID, tuple[uuid.UUID, float]]) -> Iterator[float]:
    """Publish each badge once it is signed and open its page; tells how long each took."""
    client, left = found.app.test_client(), dict(began)
    ends = time.monotonic() + PATIENCE_SECONDS
    while left:
        if time.monotonic() > ends:
            raise RuntimeError(f"{len(left)} badges were never signed")
        with found.runtime.database.snapshot() as session, unscoped(session, _REASON):
            signed = session.scalars(
                select(Credential.id).where(Credential.id.in_(left), Credential.state == "signed")
            ).all()
        for one in signed:
            person, at = left.pop(one)
            with found.runtime.database.transaction() as session:
                awards.publish(session, one, person, found.runtime.now())
            answer = client.get(f"/credentials/{one}", base_url=BASE_URL, headers=BROWSER)
            if answer.status_code != 200:
                raise RuntimeError(f"the page answered {answer.status}")
            yield time.perf_counter() - at
        if not signed:
            time.sleep(0.02)


@contextmanager
def staffed(folder: Path) -> Iterator[Staffed]:
    """The installation and its workers."""
    home = folder / "issuing"
    home.mkdir()
    cores = os.cpu_count() or 1
    try:
        _name, url = postgres.clone(postgres.ensure_server(home))
        runtime = make_runtime(make_config(home, database_url=url))
        district = make_district(runtime)
        kept = {name: value for name, value in os.environ.items() if "MILEPOST_" not in name}
        environ = kept | {
            "MILEPOST_BASE_URL": BASE_URL,
            "MILEPOST_HOME": str(home),
            "MILEPOST_DATABASE_URL": url,
            "MILEPOST_FILES_URL": runtime.config.files_url,
            "MILEPOST_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
            "MILEPOST_LOG_LEVEL": "ERROR",
        }
        with ExitStack() as stack:
            for _core in range(cores):
                stack.enter_context(_process(environ, "-m", "lti_tool.cli", "worker"))
            found = Staffed(district, create_app(runtime=runtime), environ, cores)
            found.wait_until_staffed()
            found.wait_until_idle()
            yield found
        runtime.close()
    finally:
        postgres.stop_server(home)


@contextmanager
def _process(environ: dict[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *words], env=environ, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@contextmanager
def _holders(found: Staffed) -> Iterator[list[subprocess.Popen[str]]]:
    """People who wait for offers, in a process for each core."""
    with ExitStack() as stack:
        words = ("-m", "tests.bench.holders")
        started = [
            stack.enter_context(_process(found.environ, *words, str(share), str(found.cores)))
            for share in range(found.cores)
        ]
        for process in started:
            _expect(process, "ready")
        yield started


def _give(found: Staffed, file: bytes) -> None:
    """Check the file and have it carried out, as the lead's page does."""
    district, runtime = found.district, found.runtime
    read = table.read(file)
    with runtime.database.transaction(district.organisation.scope) as session:
        batch = batches.write(
            session, district.organisation, district.version, read.lines, actor_id=None,
            invites=False, now=runtime.now(),
        )  # fmt: skip
    with runtime.database.transaction(district.organisation.scope) as session:
        batches.start(session, batch.id, runtime.now())


def _finish(
    found: Staffed, holders: list[subprocess.Popen[str]], people: list[tuple[uuid.UUID, str]]
) -> None:
    """Tell each process how many are its own, and wait for them all."""
    ids = [one for one, _address in people]
    for share, process in enumerate(holders):
        mine = func.abs(func.hashtext(func.text(Person.id))) % found.cores == share
        with found.runtime.database.snapshot() as session, unscoped(session, _REASON):
            number = session.scalar(select(func.count(Person.id)).where(Person.id.in_(ids), mine))
        assert process.stdin is not None
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
    for process in holders:
        _expect(process, "done")


def _expect(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    if process.stdout.readline().strip() != word:
        raise RuntimeError(f"a process ended before it was {word}")


def _check(found: Staffed, people: list[uuid.UUID]) -> None:
    with found.runtime.database.snapshot() as session, unscoped(session, _REASON):
        signed = session.scalar(
            select(func.count(Credential.id)).where(
                Credential.person_id.in_(people), Credential.state == "signed"
            )
        )
    if signed != len(people):
        raise RuntimeError(f"{signed} of {len(people)} badges were signed")


FIGURES = (
    Figure("badge.bulk_issue_per_min", "/min", "higher", 10_000, bulk_issue),
    Figure("badge.accept_to_page_p95_s", "s", "lower", 5, accept_to_page),
)
