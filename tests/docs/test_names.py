"""What the written pages and the files for servers name exists: settings, commands, options."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from core import config
from lti_tool.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FILES = sorted(
    path
    for path in (ROOT / "deploy").rglob("*")
    if path.is_file() and path.suffix != ".pyc" and path.parent.name != "secrets"
)
# Words that may stand before the command, other than nothing: what runs it.
RUNNERS = frozenset({"sudo", "worker"})


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def settings() -> frozenset[str]:
    """The settings that the Config reads, each also as a file."""
    read = set(re.findall(r"""self\.(?:get|raw)\(\s*"([A-Z_]+)\"""", inspect.getsource(config)))
    assert "BASE_URL" in read
    return frozenset(f"MILEPOST_{name}{end}" for name in read for end in ("", "_FILE"))


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=name_of)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"\bMILEPOST_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
    assert named <= settings()


def test_every_setting_is_described() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    # The demo and the tests alone set it.
    for name in settings() - {"MILEPOST_ENVIRONMENT", "MILEPOST_CONTENT_URL"}:
        assert name.endswith("_FILE") or f"`{name}`" in readme, name


def snippets(page: Path) -> Iterator[str]:
    """Indented examples, with continued lines put together, and inline code."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith("    "):
            yield line.strip()
        else:
            yield from re.findall(r"`([^`]+)`", line)


def commands(page: Path) -> Iterator[list[str]]:
    """The words after each `milepost`."""
    for snippet in snippets(page):
        try:
            words = shlex.split(snippet, comments=True)
        except ValueError:
            continue
        for place, word in enumerate(words):
            runs = word == "milepost" or word.endswith("/bin/milepost")
            if runs and (place == 0 or words[place - 1] in RUNNERS):
                yield words[place + 1 :]


def fault(words: list[str]) -> str | None:
    """What of a command line does not exist; None where all of it does."""
    command: click.Command = main
    for word in words:
        if word in {"…", "&&", "|"}:
            break
        if isinstance(command, click.Group) and not word.startswith("-"):
            if word not in command.commands:
                return f"no command {word}"
            command = command.commands[word]
        elif word.startswith("--"):
            # As when it is typed: click keeps a command's help option from its first look.
            context = click.Context(command, help_option_names=["-h", "--help"])
            known = {name for param in command.get_params(context)
                     for name in (*param.opts, *param.secondary_opts)}  # fmt: skip
            if word.split("=")[0] not in {*known, "--help"}:
                return f"{command.name} has no {word}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_named_exists(page: Path) -> None:
    faults = {" ".join(words): fault(words) for words in commands(page)}
    assert {line: what for line, what in faults.items() if what} == {}


def test_commands_are_found_in_the_pages() -> None:
    found = [words for page in PAGES for words in commands(page)]
    assert ["doctor"] in found
    assert len(found) > 20


def test_a_command_that_is_not_there_is_noticed() -> None:
    assert fault(["platform", "adds"]) == "no command adds"
    assert fault(["platform", "add", "--no-such"]) == "add has no --no-such"
