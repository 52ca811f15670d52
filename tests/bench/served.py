"""The tool as it runs for a district: `milepost serve` on PostgreSQL, and an LMS to launch from."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from core.identity import Organisation, create_organisation
from core.runtime import Runtime
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.app import make_runtime
from lti_tool.lti.registration import add_deployment, add_platform
from tests.bench.crowd import Crowd
from tests.support import postgres
from tests.support.environment import MASTER_KEY, make_config
from tests.support.hostile_platform import HostilePlatform
from tests.support.local_http import Answer, Handler, LocalServer, local_server
from tests.support.ports import free_port

START_SECONDS = 60


@dataclass(frozen=True)
class Served:
    """A served installation: its address, its main process, and ways to add LMSs."""

    base_url: str
    pid: int
    runtime: Runtime
    organisation: Organisation
    server: LocalServer

    def web_processes(self) -> list[int]:
        """The processes that answer requests."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in listed]

    def crowd(self, keys: Handler | None = None) -> Crowd:
        """People of one more LMS; `keys` answers for its key set in place of the LMS."""
        name = uuid.uuid4().hex[:8]
        issuer = f"{self.server.url}/{name}"
        platform = HostilePlatform(issuer=issuer, client_id=name)
        body = platform.jwks()
        crowd = Crowd(self.base_url, platform, f"{self.base_url}/to/home")
        self.server.routes[crowd.keys_path] = keys or (lambda _request: Answer(body=body))
        now = self.runtime.now()
        with self.runtime.database.transaction(self.organisation.scope) as session:
            row = add_platform(
                session, self.organisation, name=name, family="sandbox", site_url=issuer,
                client_id=name, now=now,
            )  # fmt: skip
            add_deployment(session, row, platform.deployment_id, now=now)
        return crowd


@contextmanager
def two_processes(folder: Path) -> Iterator[Served]:
    """Two web processes on PostgreSQL."""
    with _served(folder / "two", workers=2) as found:
        yield found


@contextmanager
def one_process(folder: Path) -> Iterator[Served]:
    """One web process on PostgreSQL."""
    with _served(folder / "one", workers=1) as found:
        yield found


@contextmanager
def _served(folder: Path, *, workers: int) -> Iterator[Served]:
    folder.mkdir()
    base_url = f"http://localhost:{free_port()}"
    try:
        _name, url = postgres.clone(postgres.ensure_server(folder))
        runtime = make_runtime(
            make_config(folder, base_url=base_url, badge_url=base_url, database_url=url)
        )
        organisation = _prepare(runtime)
        with local_server() as server, _process(folder, base_url, url, workers) as pid:
            yield Served(base_url, pid, runtime, organisation, server)
        runtime.close()
    finally:
        postgres.stop_server(folder)


def _prepare(runtime: Runtime) -> Organisation:
    with runtime.database.transaction() as session:
        ring_of(runtime).create(session, LTI_RING, "RS256", runtime.now())
        return create_organisation(session, name="Alder Valley", slug="alder-valley")


@contextmanager
def _process(folder: Path, base_url: str, url: str, workers: int) -> Iterator[int]:
    port = base_url.rpartition(":")[2]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MILEPOST_")}
    settings = {
        "MILEPOST_BASE_URL": base_url,
        "MILEPOST_HOME": str(folder),
        "MILEPOST_DATABASE_URL": url,
        "MILEPOST_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "MILEPOST_WORKERS": str(workers),
        "MILEPOST_OUTGOING_ALLOW": "127.0.0.1",
        "MILEPOST_LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "lti_tool.cli", "serve", "--port", port], env=kept | settings
    )
    try:
        _wait(base_url, process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait(base_url: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        with suppress(URLError, OSError), urlopen(f"{base_url}/readyz", timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("milepost serve did not become ready")
