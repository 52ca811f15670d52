"""What `milepost serve` does with long requests, and with web processes that come and go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress

from tests.lti_tool.commands.shell import Shell, alive, processes_below
from tests.lti_tool.commands.test_serving import SECONDS, answer, process
from tests.support.ports import free_port


def test_a_login_that_is_too_long_reaches_the_page_that_says_so(migrated: Shell) -> None:
    port = free_port()
    with process(migrated.but(WORKERS="1"), "serve", "--port", str(port)) as running:
        address = f"http://127.0.0.1:{port}/lti/login?iss=https%3A%2F%2Flms.example&login_hint="
        assert answer(f"http://127.0.0.1:{port}/livez", running) == 200
        assert answer(address + "x" * 8193, running) == 413
        assert answer(address + "%20" * 8193, running) == 413
        assert answer(f"{address}x&lti_message_hint={'%7B' * 8193}", running) == 413
        assert answer(address + "x" * 100_000, running) in {400, 414}, "there is an end to it"


def test_web_processes_leave_when_their_main_process_is_killed(migrated: Shell) -> None:
    port = free_port()
    with process(migrated.but(WORKERS="2"), "serve", "--port", str(port)) as running:
        assert answer(f"http://127.0.0.1:{port}/livez", running) == 200
        below = processes_below(running.pid)
        assert len(below) >= 2
        running.kill()
        pause = threading.Event()
        for _ in range(600):
            if not any(alive(pid) for pid in below):
                break
            pause.wait(0.1)
        assert not any(alive(pid) for pid in below)


def test_no_request_carries_the_settings_along(migrated: Shell) -> None:
    said = (
        "import os; from lti_tool.commands.serving import web_process; web_process();"
        "print([name for name in os.environ if name.startswith('MILEPOST_')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", said], env=migrated.environ(), capture_output=True, text=True,
        check=True, timeout=SECONDS,
    )  # fmt: skip
    assert done.stdout == "[]\n"


def test_a_web_process_that_is_replaced_takes_no_counts_with_it(migrated: Shell) -> None:
    port = free_port()
    shell = migrated.but(WORKERS="2", METRICS_TOKEN="secret")
    with process(shell, "serve", "--port", str(port)) as running:
        for _ in range(6):
            assert answer(f"http://127.0.0.1:{port}/livez", running) == 200
        gone = min(processes_below(running.pid))
        pause = threading.Event()
        while alive(gone):
            with suppress(ProcessLookupError):
                os.kill(gone, signal.SIGTERM)  # again, for one that has only just been forked
            assert running.poll() is None
            pause.wait(0.05)
        # The others may only be beginning: the first one that listens is waited for.
        assert answer(f"http://127.0.0.1:{port}/readyz", running) == 200
        told = urllib.request.Request(
            f"http://127.0.0.1:{port}/metrics", headers={"Authorization": "Bearer secret"}
        )
        with urllib.request.urlopen(told, timeout=SECONDS) as got:
            body = got.read().decode()
    assert 'milepost_requests_total{method="GET",route="/livez",status="200"} 6.0' in body
