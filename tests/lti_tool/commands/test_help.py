"""Every command explains itself, and says with its exit code how it went."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from lti_tool.cli import main
from tests.lti_tool.commands.shell import Shell


def every(command: click.Command, *names: str) -> Iterator[tuple[str, ...]]:
    yield names
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from every(below, *names, name)


ALL = [pytest.param(words, id=" ".join(words) or "milepost") for words in every(main)]


@pytest.mark.parametrize("words", ALL)
def test_every_command_explains_itself_without_any_setting(words: tuple[str, ...]) -> None:
    shell = Shell()
    long, short = shell.do(*words, "--help"), shell.do(*words, "-h")
    assert long == short
    assert long.startswith("Usage: main " + " ".join(words))
    said = long.split("\n\n")[1].strip()
    assert said.endswith((".", "]")), said
    assert said[0].isupper(), said


@pytest.mark.parametrize("words", ALL)
def test_what_is_not_understood_is_wrong_usage(words: tuple[str, ...]) -> None:
    assert "No such option" in Shell().refused(*words, "--sideways", code=2)


def test_an_unknown_command_is_wrong_usage() -> None:
    assert "No such command" in Shell().refused("bagde", code=2)


def test_values_of_the_wrong_form_are_wrong_usage(migrated: Shell) -> None:
    migrated.refused("badge", "revoke", "not-an-id", "--reason", "x", code=2)
    migrated.refused("badge", "issue", "not-an-id", "not-an-id", code=2)
    migrated.refused("serve", "--port", "70000", code=2)
    migrated.refused("organisation", "add", "north", "--name", "N", "--kind", "planet", code=2)
    migrated.refused("micro-credential", "publish", "nowhere.json", "--issuer", "x", code=2)


def test_the_installed_command_is_a_process_like_any_other() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "lti_tool.cli", "--version"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert answer.returncode == 0
    assert answer.stdout.startswith("milepost, version ")
    assert answer.stderr == ""
