"""No refusal without its test: the tables in `lti_tool.lti.errors` beside the tests themselves."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from lti_tool.lti.errors import REASONS, REFUSALS

HERE = Path(__file__).parent
FILES = ("test_login", "test_launch", "test_token", "test_claims", "test_keys_and_deployments",
         "test_sessions")  # fmt: skip
HELPERS = {"refused", "refused_twice", "posted", "launched_refusal", "forged", "assert_refused"}
LEAST = 74


def texts_in_tests() -> set[str]:
    """Every text that stands in a test of LTI, this one aside."""
    found: set[str] = set()
    for path in HERE.parent.rglob("*.py"):
        if path != Path(__file__):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found


def test_every_code_is_refused_somewhere() -> None:
    assert sorted(set(REFUSALS) - texts_in_tests()) == []


def test_every_reason_is_given_somewhere() -> None:
    assert sorted(set(REASONS) - texts_in_tests()) == []


def refusing(module: str) -> Iterator[FunctionType]:
    """The tests of a module that see something refused."""
    tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
    loaded = importlib.import_module(f"tests.lti_tool.lti.certification.{module}")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            called = {one.func.id for one in ast.walk(node)
                      if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}  # fmt: skip
            if called & HELPERS:
                yield getattr(loaded, node.name)


def names_of(test: FunctionType) -> set[str]:
    """One name for each case of a parametrized test, whoever comes."""
    names = {test.__name__}
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize":
            cases: list[Any] = list(mark.args[1])
            names = {f"{name}[{number}]" for name in names for number in range(len(cases))}
    return names


def test_there_are_as_many_refusals_as_1edtech_asks_for() -> None:
    names = [name for module in FILES for test in refusing(module) for name in names_of(test)]
    assert len(names) >= LEAST


@pytest.mark.parametrize("module", FILES)
def test_every_refusal_is_met_by_learners_and_by_teachers(module: str) -> None:
    """By way of the fixture `roles`; a login's own tests take it in `person`."""
    for test in refusing(module):
        taken = test.__code__.co_varnames[: test.__code__.co_argcount]
        assert "roles" in taken or module == "test_login", test.__name__
