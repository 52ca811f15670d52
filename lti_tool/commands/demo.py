"""`milepost demo`: the tool, its worker and a practice LMS, with a sample district."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from badges.awards.address import check_address, kept_address
from core import log
from core.config import Config, is_loopback_name
from core.postal import Folder
from core.runtime import Runtime
from keys.shared import ring_of
from lti_tool.commands.beside_demo import remember
from lti_tool.commands.common import RefusedError, opened, read_config
from lti_tool.commands.database import bring_up
from lti_tool.commands.ports import port_fault
from lti_tool.sample.district import load

START_SECONDS = 60.0
STOP_SECONDS = 25.0


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--lms-port", default=8001, show_default=True, type=click.IntRange(1, 65535))
def demo(port: int, lms_port: int) -> None:
    """Try everything on this machine; a second run keeps what the first one made."""
    if port == lms_port:
        raise click.UsageError("The tool and the LMS need two different ports.")
    for host, number in (("127.0.0.1", port), ("127.0.0.1", lms_port)):
        if fault := port_fault(host, number):
            raise RefusedError(f"{fault} (make run PORT=… LMS_PORT=…)")
    env = demo_env(os.environ, port)
    config = read_config(env)
    if fault := _base_url_fault(config.base_url, port):
        raise RefusedError(fault)
    log.configure("WARNING", "text")
    config = prepare(config, f"http://127.0.0.1:{lms_port}", keep=not _sets_badge_url(env))
    env["MILEPOST_BADGE_URL"] = config.badge_url
    raise SystemExit(_supervise(env, config, port, lms_port))


def demo_env(given: Mapping[str, str], port: int) -> dict[str, str]:
    """The environment of a demo: the demo's own addresses, everything else as given."""
    env = dict(given)
    env["MILEPOST_ENVIRONMENT"] = "demo"
    if not env.get("MILEPOST_BASE_URL_FILE"):
        env.setdefault("MILEPOST_BASE_URL", f"http://localhost:{port}")
    env.setdefault("MILEPOST_LOG_FORMAT", "text")
    env.setdefault("MILEPOST_LOG_LEVEL", "WARNING")
    env.setdefault("MILEPOST_WORKERS", "1")
    return env


def _sets_badge_url(env: Mapping[str, str]) -> bool:
    return bool(env.get("MILEPOST_BADGE_URL") or env.get("MILEPOST_BADGE_URL_FILE"))


def _base_url_fault(base_url: str, port: int) -> str | None:
    """Why nobody would find the demo at `base_url`: it names another port of this machine."""
    parts = urlsplit(base_url)
    named = parts.port or {"http": 80, "https": 443}[parts.scheme]
    if not is_loopback_name(parts.hostname or "") or named == port or parts.scheme == "https":
        return None
    return (
        f"MILEPOST_BASE_URL says {base_url}, but the demo listens on port {port}."
        f" Leave it unset, or run: make run PORT={named}"
    )


def prepare(config: Config, lms_url: str, *, keep: bool = True) -> Config:
    """Migrate, and load the sample district where it is not there yet.

    Returns the settings with the badge address that this demo's badges carry already (`keep`): a
    later run may use another port, and badges name the first one for ever.
    """
    try:
        config.home.mkdir(parents=True, exist_ok=True)
        (config.home / ".writable").write_text("")
        (config.home / ".writable").unlink()
        with opened(config) as runtime:
            bring_up(runtime)
            settled = replace(config, badge_url=_badge_url(runtime, keep=keep))
        with opened(settled) as runtime:
            load(runtime, lms_url)
            ring_of(runtime).check()
        remember(settled)
    except OSError as exc:
        raise RefusedError(
            f"The folder {config.home} (MILEPOST_HOME) cannot be used: {exc.strerror or exc}."
        ) from None
    return settled


def _badge_url(runtime: Runtime, *, keep: bool) -> str:
    """The badge address; raises ConflictError where one was set that badges do not carry."""
    with runtime.database.snapshot() as session:
        if keep:
            return kept_address(session) or runtime.config.badge_url
        check_address(session, runtime.config.badge_url)
    return runtime.config.badge_url


def _supervise(env: dict[str, str], config: Config, port: int, lms_port: int) -> int:
    commands = {
        "tool": ["-m", "lti_tool.cli", "serve", "--port", str(port)],
        "worker": ["-m", "lti_tool.cli", "worker"],
        "lms": ["-m", "lti_tool.sample.lms", str(lms_port)],
    }
    stopping: list[int] = []
    # A closed terminal sends SIGHUP; without an answer to it, the three would live on alone.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda caught, _frame: stopping.append(caught))
    # A group of their own: Ctrl-C reaches only us, and we stop them in order.
    running = {
        name: subprocess.Popen([sys.executable, *command], env=env, start_new_session=True)
        for name, command in commands.items()
    }
    try:
        lms_url = f"http://127.0.0.1:{lms_port}"
        if _answers([f"http://127.0.0.1:{port}/livez", lms_url], running, stopping):
            _greet(config, lms_url)
        elif not stopping and all(process.poll() is None for process in running.values()):
            click.echo(f"Nothing answered within {START_SECONDS:.0f} seconds; stopping.", err=True)
            return 1
        while not stopping:
            for name, process in running.items():
                if process.poll() is not None:
                    click.echo(f"The {name} has stopped by itself; stopping everything.", err=True)
                    return 1
            time.sleep(0.2)
    finally:
        _stop(running)
    click.echo("Stopped. Your data is kept; start again with: make run")
    return 0


def _answers(
    urls: list[str], running: dict[str, subprocess.Popen[bytes]], stopping: list[int]
) -> bool:
    deadline = time.monotonic() + START_SECONDS
    waiting = list(urls)
    while waiting and not stopping and time.monotonic() < deadline:
        if any(process.poll() is not None for process in running.values()):
            return False
        try:
            with urllib.request.urlopen(waiting[0], timeout=2):  # noqa: S310 - our own loopback
                waiting.pop(0)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return not waiting


def _greet(config: Config, lms_url: str) -> None:
    click.echo(f"""
Milepost is running.

  The practice LMS   {lms_url}     begin here: pick a person, open an activity
  Milepost itself    {config.base_url}     opens from the LMS; /verify and public badges are here

Data is kept in {_short(config.home)}. Stop with Ctrl-C.
""")
    if isinstance(config.post, Folder):
        click.echo(f"Mail goes to nobody here: read it in {_short(config.post.path / 'new')}.\n")
    if config.badge_url != config.base_url:
        click.echo(
            f"The badges in there carry {config.badge_url} for ever. Their pages are found at that"
            " address only while Milepost runs there.\n"
        )


def _short(path: Path) -> str:
    try:
        return f"./{path.relative_to(Path.cwd())}"
    except ValueError:
        return str(path)


def _stop(running: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in running.values():
        try:
            process.wait(timeout=max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
