"""`milepost serve` and `milepost worker`."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from core import log
from core.config import Config
from core.worker import Worker
from lti_tool.app import create_app, make_runtime
from lti_tool.commands.common import RefusedError, read_config
from lti_tool.commands.ports import port_fault


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def serve(host: str, port: int) -> None:
    """Serve the web pages (put a proxy with HTTPS before it)."""
    config = read_config()
    if fault := port_fault(host, port):
        raise RefusedError(fault)
    log.configure(config.log_level, config.log_format)
    folder = tempfile.mkdtemp(prefix="milepost-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    try:
        _Server(config, f"{host}:{port}").run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, set from our settings; every process opens its own runtime after the fork."""

    def __init__(self, config: Config, bind: str) -> None:
        self.config, self.bind = config, bind
        super().__init__()

    def load_config(self) -> None:
        """Gunicorn's settings."""
        settings: dict[str, Any] = {
            "bind": self.bind,
            "workers": self.config.workers,
            "threads": self.config.threads,
            "worker_class": "gthread",
            "timeout": 60,
            "graceful_timeout": 20,
            "keepalive": 5,
            "limit_request_line": 8190,  # a login's hints may be long
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
        return create_app(self.config)


def _forget_process(_server: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


@click.command()
@click.option("--once", is_flag=True, help="Carry out what is due now, then stop.")
def worker(once: bool) -> None:
    """Carry out what the pages have decided: sign badges, post grades."""
    config = read_config()
    log.configure(config.log_level, config.log_format)
    runtime = make_runtime(config)
    done = Worker(runtime.database, runtime.registry)
    if once:
        click.echo(f"{done.drain()} jobs")
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.stop())
    try:
        done.run()
    finally:
        runtime.close()
