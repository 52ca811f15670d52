"""The tool as real server processes, and browsers that speak HTTP with them."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlencode

from core.runtime import Runtime
from tests.support.environment import MASTER_KEY
from tests.support.hostile_platform import HostilePlatform, Pending
from tests.support.ports import free_port

PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """What a server process answered."""

    status: int
    location: str
    cookies: str
    body: str


@dataclass
class Visitor:
    """A browser that keeps its cookies; each request on a connection of its own."""

    port: int
    cookies: str = ""

    def post(self, path: str, form: dict[str, str]) -> Answer:
        """Post a form."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
                "Cookie": self.cookies,
            }
            connection.request("POST", path, urlencode(form), headers)
            answer = connection.getresponse()
            set_cookies = answer.headers.get_all("Set-Cookie") or []
            return Answer(
                answer.status,
                answer.headers.get("Location", ""),
                "; ".join(line.split(";")[0] for line in set_cookies),
                answer.read().decode(),
            )
        finally:
            connection.close()

    def begin(self, platform: HostilePlatform, target: str) -> Pending:
        """A login that goes well."""
        answer = self.post("/lti/login", platform.login_parameters(target))
        assert answer.status == 302, answer.body
        self.cookies = answer.cookies
        return Pending.read(answer.location, target)

    def finish(self, platform: HostilePlatform, pending: Pending) -> Answer:
        """The platform's answer to a login."""
        token = platform.token(platform.claims(pending))
        return self.post("/lti/launch", {"id_token": token, "state": pending.state})


@contextmanager
def serving(runtime: Runtime, *, processes: int, threads: int) -> Iterator[int]:
    """`milepost serve` on the runtime's database; gives the port."""
    config = runtime.config
    port = free_port()
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("MILEPOST_")},
        "MILEPOST_ENVIRONMENT": "test",
        "MILEPOST_BASE_URL": config.base_url,
        "MILEPOST_HOME": str(config.home),
        "MILEPOST_DATABASE_URL": config.database_url.replace("+psycopg", ""),
        "MILEPOST_FILES_URL": config.files_url,
        "MILEPOST_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "MILEPOST_LOG_LEVEL": "ERROR",
        "MILEPOST_OUTGOING_ALLOW": "127.0.0.1",
        "MILEPOST_WORKERS": str(processes),
        "MILEPOST_THREADS": str(threads),
    }
    command = [sys.executable, "-m", "lti_tool.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=env)
    try:
        _await(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server stopped"
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/livez")
            if connection.getresponse().status == 200:
                return
        except OSError:
            threading.Event().wait(0.05)
        finally:
            connection.close()
    raise AssertionError("the server did not start")


def at_once(number: int, act: Callable[[], Answer]) -> list[Answer]:
    """What `number` browsers get that act at one moment."""
    gate: threading.Barrier = threading.Barrier(number)
    answers: list[Answer] = []

    def run() -> None:
        gate.wait(PATIENCE)
        answers.append(act())

    running = [threading.Thread(target=run) for _ in range(number)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(PATIENCE)
    assert len(answers) == number
    return answers
