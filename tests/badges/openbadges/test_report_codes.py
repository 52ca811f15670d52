"""Every code that a report may carry is in docs/verify.md, and every one there exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from badges.openbadges.report import Outcome, Step, StepStatus

ROOT = Path(__file__).resolve().parents[3]
MADE_BY = {"passed": "passed", "failed": "failed", "not_possible": "not possible"}
# Codes that are put together from a value, or stand in a message of their own.
MORE = {
    ("failed", "status.suspension"),
    ("failed", "endorsements.broken"),
    ("not possible", "endorsements.unknown"),
}


def in_the_sources() -> set[tuple[str, str]]:
    found = set(MORE)
    for path in (ROOT / "badges" / "openbadges").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id in MADE_BY and len(node.args) > 1:
                step, code = node.args[:2]
                if isinstance(step, ast.Attribute) and isinstance(code, ast.Constant):
                    found.add((MADE_BY[node.func.id], f"{Step[step.attr].value}.{code.value}"))
    return found


def in_the_documentation() -> set[tuple[str, str]]:
    text = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    found = set()
    for row in re.findall(r"^\| `\w+` \|.*$", text, re.MULTILINE):
        for status, codes in re.findall(r"(passed|failed|not possible): ([^;|]*)", row):
            found.update((status, code) for code in re.findall(r"`([\w.-]+)`", codes))
    return found


def test_the_codes_of_reports_are_documented() -> None:
    assert in_the_sources() == in_the_documentation()


def test_the_names_of_steps_and_states_are_documented() -> None:
    text = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    for name in (*Step, *StepStatus, *Outcome):
        assert f"`{name.value}`" in text
