"""A terminal in which `milepost` is typed, over one installation's environment."""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from core.config import Config
from lti_tool.cli import main
from tests.support.environment import BASE_URL, MASTER_KEY

KEY = base64.b64encode(MASTER_KEY).decode()


@dataclass
class Shell:
    """`env` is all that the command sees of MILEPOST_*."""

    env: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return Path(self.env["MILEPOST_HOME"])

    def but(self, **changes: str | None) -> Shell:
        """The same terminal with other settings; None takes one away."""
        merged = {**self.env, **{f"MILEPOST_{name}": value for name, value in changes.items()}}
        return Shell({name: value for name, value in merged.items() if value is not None})

    def run(self, *words: object, stdin: bytes | None = None) -> Result:
        """Type `milepost WORDS…`. An exception that a command lets out fails the test."""
        outer = dict.fromkeys(name for name in os.environ if name.startswith("MILEPOST_"))
        return CliRunner(catch_exceptions=False).invoke(
            main, [str(word) for word in words], input=stdin, env={**outer, **self.env}
        )

    def do(self, *words: object, stdin: bytes | None = None) -> str:
        """Type it, see that it was done, and return what it printed."""
        result = self.run(*words, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: object) -> Any:
        """Type it with `--json`, and read what it printed."""
        return json.loads(self.do(*words, "--json"))

    def refused(self, *words: object, code: int = 1) -> str:
        """Type it, see that it was refused without a traceback, and return the words."""
        result = self.run(*words)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.stderr

    def environ(self) -> dict[str, str]:
        """The whole environment, for a real process."""
        outer = {k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")}
        return {**outer, **self.env}


def production(home: Path) -> Shell:
    """An installation with the two settings that are required, and a home."""
    return Shell(
        {
            "MILEPOST_HOME": str(home),
            "MILEPOST_BASE_URL": BASE_URL,
            "MILEPOST_MASTER_KEY": KEY,
        }
    )


def shell_of(config: Config) -> Shell:
    """A terminal over the installation that `config` describes."""
    return production(config.home).but(
        BASE_URL=config.base_url,
        DATABASE_URL=config.database_url,
        FILES_URL=config.files_url,
    )


def processes_below(pid: int) -> set[int]:
    """Every living process that came from `pid`."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        number = waiting.pop()
        for task in Path(f"/proc/{number}/task").glob("*/children"):
            below = {int(word) for word in re.findall(r"\d+", task.read_text())}
            waiting += below - found
            found |= below
    return found


def alive(pid: int) -> bool:
    """Whether a process still runs (one that is only waited for does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
