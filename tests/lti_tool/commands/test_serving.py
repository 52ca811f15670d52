"""`milepost serve` and `milepost worker` as the processes they are."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from badges.awards import service as awards
from core.db import utcnow
from tests.lti_tool.commands.shell import Shell, production
from tests.support.badges import District, earn
from tests.support.environment import BASE_URL
from tests.support.ports import free_port

SECONDS = 60


@contextmanager
def process(shell: Shell, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`milepost WORDS…`, ended at last if the test did not end it."""
    running = subprocess.Popen(
        [sys.executable, "-m", "lti_tool.cli", *words], env=shell.environ(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()


def answer(url: str, running: subprocess.Popen[str]) -> int:
    """The status of `url`, once the process listens."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS) as got:
                return int(got.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except urllib.error.URLError:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(timeout=0.1)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)]
)
def test_serve_answers_and_stops_cleanly(migrated: Shell, number: signal.Signals) -> None:
    port, here = free_port(), ("--host", "localhost")
    with process(migrated.but(WORKERS="1"), "serve", *here, "--port", str(port)) as running:
        assert answer(f"http://127.0.0.1:{port}/readyz", running) == 200
        assert answer(f"http://127.0.0.1:{port}/metrics", running) == 404
        running.send_signal(number)
        out, err = running.communicate(timeout=SECONDS)
    assert running.returncode == 0
    assert "Traceback" not in out + err


def test_serve_counts_the_requests_of_all_its_processes(migrated: Shell) -> None:
    port = free_port()
    shell = migrated.but(WORKERS="2", METRICS_TOKEN="secret")
    with process(shell, "serve", "--port", str(port)) as running:
        assert [answer(f"http://127.0.0.1:{port}/livez", running) for _ in range(6)] == [200] * 6
        told = urllib.request.Request(
            f"http://127.0.0.1:{port}/metrics", headers={"Authorization": "Bearer secret"}
        )
        with urllib.request.urlopen(told, timeout=SECONDS) as got:
            body = got.read().decode()
        assert 'milepost_requests_total{method="GET",route="/livez",status="200"} 6.0' in body
        assert "milepost_outbox_oldest_seconds" in body
        assert "pid=" not in body


def test_serve_refuses_a_port_in_use(migrated: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = migrated.refused("serve", "--port", port)
    assert said == f"Error: Port {port} is in use by another program. Choose another port.\n"


def test_serve_refuses_an_address_that_is_not_this_machines(migrated: Shell) -> None:
    assert "is not an address of this machine" in migrated.refused("serve", "--host", "no.invalid")
    assert "cannot be used" in migrated.refused("serve", "--host", "192.0.2.1")


def test_a_worker_carries_out_what_waits_and_reports(
    at_district: Shell, district: District
) -> None:
    with district.runtime.database.transaction() as session:
        award = earn(session, district)
        awards.accept(
            session, award.id, district.learner.id, name=None, badge_url=BASE_URL, now=utcnow()
        )
    [row] = at_district.json("badge", "list")
    assert row["state"] == "accepted"
    assert at_district.do("worker", "--once").endswith(" jobs\n")
    [row] = at_district.json("badge", "list")
    assert row["state"] == "signed"


def test_a_worker_stops_when_it_is_asked_to(migrated: Shell, tmp_path: Path) -> None:
    with process(migrated.but(LOG_LEVEL="INFO"), "worker") as running:
        assert running.stderr
        assert "job done" in running.stderr.readline(), "its first tidying"
        running.send_signal(signal.SIGTERM)
        _out, err = running.communicate(timeout=SECONDS)
    assert running.returncode == 0
    assert "Traceback" not in err


def test_an_empty_home_is_no_place_to_serve_from(tmp_path: Path) -> None:
    said = production(tmp_path / "nothing").refused("serve", "--port", str(free_port()))
    assert "milepost db upgrade" in said
