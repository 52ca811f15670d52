"""The dependency rules that name one user of a library, read from the sources themselves.

import-linter holds the rest (`pyproject.toml`, run by `make test`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "keys", "badges", "lti_tool")


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def users(name: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in sources()
        if any(used == name or used.startswith(f"{name}.") for used in imports(path))
    }


@pytest.mark.parametrize(
    ("library", "place"),
    [
        ("pylti1p3", "lti_tool/lti/"),
        ("openbadges_bakery", "badges/openbadges/baking.py"),
        ("pyoxigraph", "badges/openbadges/"),
        ("pyld", "badges/openbadges/"),
        ("urllib3", "core/http.py"),
        ("prometheus_client", ("core/web/metrics.py", "lti_tool/commands/serving.py")),
    ],
)
def test_a_library_has_one_user(library: str, place: str | tuple[str, ...]) -> None:
    found = {path for path in users(library) if not path.startswith("lti_tool/sandbox/")}
    assert found, f"nothing uses {library} any more; drop it"
    assert all(path.startswith(place) for path in found), found


def test_the_practice_lms_is_reached_by_the_demo_alone() -> None:
    found = {path for path in users("lti_tool.sandbox") if "/sandbox/" not in path}
    assert found == {"lti_tool/sample/lms.py"}
    found = {path for path in users("lti_tool.sample") if "/sample/" not in path}
    assert found == {"lti_tool/commands/demo.py"}


def test_services_and_rules_know_no_flask() -> None:
    web = ("views", "pages", "app", "mounting", "blueprint")
    for path in sources():
        text = str(path.relative_to(ROOT))
        if text.startswith(("core/web", "lti_tool/sandbox", "badges/public", "lti_tool/commands")):
            continue
        if path.stem.endswith(web):
            continue
        assert "flask" not in {name.split(".")[0] for name in imports(path)}, text


def test_only_transactions_commit() -> None:
    for path in sources():
        if path.relative_to(ROOT).parts[:2] in {("lti_tool", "sandbox"), ("core", "migrations")}:
            continue
        assert ".commit(" not in path.read_text(encoding="utf-8"), path


def test_modules_are_short_enough_to_read() -> None:
    for path in sources():
        if "migrations" in path.parts:
            continue
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines"
