"""`milepost serve` and `milepost worker`."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from typing import Any

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from core import log
from core.config import Config
from core.migrate import revision_of
from core.runtime import settle
from core.web.metrics import count_together
from core.worker import Worker
from lti_tool.app import create_app
from lti_tool.commands.common import RefusedError, opened, read_config
from lti_tool.commands.ports import address_of, port_fault

# A login by GET may carry hints of 8 KB each, percent-encoded; what is too long for us is to reach
# our own page, which says so kindly. The server itself ends an address at 64 KB.
HEAD_BYTES = 128 * 1024

# A connection on which nothing comes for so long is closed, in the middle of a head or between two
# requests. Proxies let go of theirs before (deploy/).
IDLE_SECONDS = 10

# Whatever a process may have gathered goes with it; the next one stands ready before it leaves.
PROCESS_SECONDS = 24 * 60 * 60
LEAVING_SECONDS = 20


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
    try:
        _server(config, host, port).serve()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _needs_tables(config: Config) -> None:
    """Refuse an empty database; a newer or older one may be in the middle of an upgrade."""
    with opened(config) as runtime:
        if revision_of(runtime.database) is None:
            raise RefusedError("The database has no tables yet. Run: milepost db upgrade")


def _server(config: Config, host: str, port: int) -> Any:
    """Granian, set from our settings; every process opens its own runtime."""
    return Granian(
        f"{__name__}:web_process",
        factory=True,
        interface=Interfaces.WSGI,
        address=address_of(host, port),
        port=port,
        workers=config.workers,
        blocking_threads=config.threads,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=IDLE_SECONDS * 1000, max_buffer_size=HEAD_BYTES
        ),
        websockets=False,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_lifetime=PROCESS_SECONDS,
        workers_kill_timeout=LEAVING_SECONDS,
    )


def web_process() -> Any:
    """The application of one process."""
    main = multiprocessing.parent_process()
    if main:  # its handlers came along and would swallow a signal until this process serves
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
    config = read_config()
    log.configure(config.log_level, config.log_format)
    # Granian gives the whole environment along with every request; secrets have no business there.
    for name in [name for name in os.environ if name.startswith("MILEPOST_")]:
        del os.environ[name]
    app = create_app(config)
    settle()
    if main:
        threading.Thread(target=_stay_with, args=(main.pid,), daemon=True).start()
    return app


def _stay_with(main: int | None) -> None:
    """Leave when the main process is gone; a killed one could not tell anybody to."""
    while True:
        time.sleep(1.0)
        if os.getppid() != main:  # said again and again, for a beginner does not listen yet
            os.kill(os.getpid(), signal.SIGTERM)


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
