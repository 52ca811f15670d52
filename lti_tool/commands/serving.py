"""`milepost serve` and `milepost worker`."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.http import message

from core import log
from core.config import Config
from core.migrate import revision_of
from core.runtime import settle
from core.web.metrics import count_together
from core.worker import Worker
from lti_tool.app import create_app
from lti_tool.commands.common import RefusedError, opened, read_config
from lti_tool.commands.ports import port_fault

# A login by GET may carry hints of 8 KB each, percent-encoded; what is too long for us is to reach
# our own page, which says so kindly.
REQUEST_LINE_BYTES = 64 * 1024

CONNECTIONS_A_THREAD = 8


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def serve(host: str, port: int) -> None:
    """Serve the web pages (put a proxy with HTTPS before it)."""
    config = read_config()
    if fault := port_fault(host, port):
        raise RefusedError(fault)
    _needs_tables(config)
    log.configure(config.log_level, config.log_format)
    folder = tempfile.mkdtemp(prefix="milepost-metrics-")
    count_together(folder)
    parent = os.getpid()
    try:
        _Server(config, f"{host}:{port}").run()
    finally:
        # A web process that is replaced leaves through here as well, while others still count.
        if os.getpid() == parent:
            shutil.rmtree(folder, ignore_errors=True)


def _needs_tables(config: Config) -> None:
    """Refuse an empty database; a newer or older one may be in the middle of an upgrade."""
    with opened(config) as runtime:
        if revision_of(runtime.database) is None:
            raise RefusedError("The database has no tables yet. Run: milepost db upgrade")


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, set from our settings; every process opens its own runtime after the fork."""

    def __init__(self, config: Config, bind: str) -> None:
        self.config, self.bind = config, bind
        super().__init__()

    def load_config(self) -> None:
        """Gunicorn's settings."""
        # Gunicorn caps its own setting at 8190; 0 would read a line without end into memory.
        message.MAX_REQUEST_LINE = REQUEST_LINE_BYTES
        settings: dict[str, Any] = {
            "bind": self.bind,
            "workers": self.config.workers,
            "threads": self.config.threads,
            "worker_class": "gthread",
            "timeout": 60,
            "graceful_timeout": 20,
            "keepalive": 5,
            # In a rush one process would take most of what waits and leave the others idle; what
            # is not taken yet goes to whoever has room first.
            "worker_connections": CONNECTIONS_A_THREAD * self.config.threads,
            "limit_request_line": REQUEST_LINE_BYTES,
            "max_requests": 20000,
            "max_requests_jitter": 2000,
            "accesslog": None,
            "loglevel": "warning",
            "child_exit": _forget_process,
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application of one process."""
        log.configure(self.config.log_level, self.config.log_format)
        app = create_app(self.config)
        settle()
        return app


def _forget_process(_server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


@click.command()
@click.option("--once", is_flag=True, help="Carry out what is due now, then stop.")
def worker(once: bool) -> None:
    """Carry out what the pages have decided: sign badges, post grades."""
    config = read_config()
    _needs_tables(config)
    log.configure(config.log_level, config.log_format)
    with opened(config) as runtime:
        done = Worker(runtime.database, runtime.registry, slots=config.threads)
        if once:
            click.echo(f"{done.drain()} jobs")
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: done.stop())
        done.run()
