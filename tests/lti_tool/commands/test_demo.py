"""`milepost demo`: everything on one machine, and one sentence where that cannot be."""

from __future__ import annotations

import base64
import os
import shutil
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

from core.config import Config
from core.errors import MilepostError
from lti_tool.commands.common import RefusedError
from lti_tool.commands.demo import demo_env, prepare
from lti_tool.commands.ports import port_fault
from tests.lti_tool.commands.shell import Shell, alive, processes_below
from tests.support.ports import free_port

SECONDS = 90


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a demo that was run on port 8000 before."""
    home = tmp_path_factory.mktemp("loaded") / "home"
    env = demo_env({"MILEPOST_HOME": str(home)}, 8000)
    prepare(Config.from_env(env), "http://127.0.0.1:8001")
    return home


@pytest.fixture
def demo(loaded: Path, tmp_path: Path) -> Shell:
    """A terminal without any setting, beside a demo's data."""
    shutil.copytree(loaded, tmp_path / "home")
    return Shell({"MILEPOST_HOME": str(tmp_path / "home")})


@pytest.fixture
def fresh(tmp_path: Path) -> Shell:
    """A terminal without any setting, and no data yet."""
    return Shell({"MILEPOST_HOME": str(tmp_path / "home")})


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def ports(tool: int | None = None, lms: int | None = None) -> list[object]:
    return ["--port", tool or free_port(), "--lms-port", lms or free_port()]


def test_one_port_for_both_is_wrong_usage(fresh: Shell) -> None:
    assert "two different ports" in fresh.refused("demo", *ports(9000, 9000), code=2)
    fresh.refused("demo", "--port", "0", code=2)
    assert not fresh.home.exists()


def test_a_port_in_use_is_one_sentence(fresh: Shell, taken: int) -> None:
    for words in (ports(tool=taken), ports(lms=taken)):
        said = fresh.refused("demo", *words)
        assert said.startswith(f"Error: Port {taken} is in use by another program.")
        assert "make run PORT=" in said
    assert not fresh.home.exists()


def test_a_port_of_the_administrator_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert "may only be used by the administrator" in str(port_fault("127.0.0.1", 80))


@pytest.mark.parametrize("below", ["file", "file/deeper"])
def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    said = Shell({"MILEPOST_HOME": str(tmp_path / below)}).refused("demo", *ports())
    assert "(MILEPOST_HOME) cannot be used" in said
    assert len(said.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_home_of_somebody_else_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o500)
    said = Shell({"MILEPOST_HOME": str(tmp_path / "home")}).refused("demo", *ports())
    assert "(MILEPOST_HOME) cannot be used" in said


def test_wrong_settings_are_told_all_at_once(fresh: Shell) -> None:
    said = fresh.but(WORKERS="many", LOG_LEVEL="LOUD").refused("demo", *ports())
    assert "MILEPOST_WORKERS is not usable" in said
    assert "MILEPOST_LOG_LEVEL is not usable" in said
    assert not (fresh.home / "milepost.sqlite").exists()


def test_a_database_that_does_not_answer_is_one_sentence(fresh: Shell) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    said = fresh.but(DATABASE_URL=url).refused("demo", *ports())
    assert said.startswith("Error: The database cannot be used")
    assert len(said.splitlines()) == 1


def test_an_address_that_nobody_would_find_it_at_is_one_sentence(fresh: Shell) -> None:
    said = fresh.but(BASE_URL="http://localhost:7777").refused("demo", *ports(tool=9003))
    assert "says http://localhost:7777, but the demo listens on port 9003" in said
    assert not (fresh.home / "milepost.sqlite").exists()


def test_another_master_key_than_before_is_one_sentence(demo: Shell) -> None:
    other = base64.b64encode(bytes(32)).decode()
    said = demo.but(MASTER_KEY=other).refused("demo", *ports())
    assert "MILEPOST_MASTER_KEY must be the one" in said
    assert len(said.splitlines()) == 1


def test_commands_work_beside_a_demo_without_settings(demo: Shell) -> None:
    [row] = demo.json("badge", "list")
    assert row["state"] == "signed"
    result = demo.run("badge", "verify", f"http://localhost:8000/credentials/{row['credential']}")
    assert result.exit_code == 0, result.output
    assert "look" in demo.do("doctor")


def test_badges_keep_the_address_of_the_first_run(demo: Shell) -> None:
    env = demo_env(demo.env, 9000)
    settled = prepare(Config.from_env(env), "http://127.0.0.1:9001")
    assert settled.base_url == "http://localhost:9000"
    assert settled.badge_url == "http://localhost:8000"
    [row] = demo.json("badge", "list")
    address = f"http://localhost:8000/credentials/{row['credential']}"
    assert demo.run("badge", "verify", address).exit_code == 0


def test_another_badge_address_than_badges_carry_is_refused(demo: Shell) -> None:
    env = demo_env({**demo.env, "MILEPOST_BADGE_URL": "http://localhost:9000"}, 9000)
    with pytest.raises((RefusedError, MilepostError)) as refused:
        prepare(Config.from_env(env), "http://127.0.0.1:9001", keep=False)
    assert "http://localhost:8000" in str(refused.value)


@contextmanager
def running(shell: Shell, *words: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`milepost demo`, as `make run` starts it, from its greeting on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lti_tool.cli", "demo", *map(str, words)],
        env={**shell.environ(), "PYTHONUNBUFFERED": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout
        greeting = ""
        for line in process.stdout:
            greeting += line
            if "Ctrl-C" in line:
                break
        yield process, greeting
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=SECONDS)


def stop(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Ask it to stop, see that it did with everything it had started; returns what it said."""
    below = processes_below(process.pid)
    assert len(below) >= 3, "the tool, its worker and the LMS"
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, out + err
    assert not [pid for pid in below if alive(pid)]
    assert "Traceback" not in out + err
    return out


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:  # type: ignore[override]
        return None


def get(url: str) -> tuple[int, str, str]:
    """Status, where it leads, and the text."""
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(url, timeout=SECONDS) as answer:
            return answer.status, "", answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", ""), ""


def test_a_demo_starts_answers_stops_and_keeps_its_data(fresh: Shell) -> None:
    tool, lms = free_port(), free_port()
    with running(fresh, *ports(tool, lms)) as (process, greeting):
        assert f"http://localhost:{tool}" in greeting
        assert f"http://127.0.0.1:{lms}" in greeting
        assert get(f"http://localhost:{lms}/?a=1")[:2] == (307, f"http://127.0.0.1:{lms}/?a=1")
        assert "Wren Samplewood" in get(f"http://127.0.0.1:{lms}/")[2]
        assert get(f"http://localhost:{tool}/readyz")[0] == 200
        assert get(f"http://localhost:{tool}/styleguide")[0] == 200
        [row] = fresh.json("badge", "list")
        page = get(f"http://localhost:{tool}/credentials/{row['credential']}.json")
        assert "Noor" in page[2]
        assert "Your data is kept" in stop(process, signal.SIGINT)
    elsewhere = free_port()
    with running(fresh, *ports(tool, elsewhere)) as (process, greeting):
        assert f"http://127.0.0.1:{elsewhere}" in greeting
        assert fresh.json("badge", "list") == [row]
        [platform] = fresh.json("platform", "list")
        assert platform["issuer"] == f"http://127.0.0.1:{elsewhere}"
        stop(process, signal.SIGHUP)


def test_a_part_that_stops_by_itself_stops_the_demo(demo: Shell) -> None:
    with running(demo, *ports()) as (process, _greeting):
        below = processes_below(process.pid)
        lms = next(pid for pid in below if b"lti_tool.sample.lms" in _command(pid))
        os.kill(lms, signal.SIGKILL)
        _out, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 1
        assert "The lms has stopped by itself" in err
        assert not [pid for pid in below if alive(pid)]


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
