"""The wheel takes along all that the program reads beside its code, found without building it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def packed() -> frozenset[str]:
    files = WheelBuilder(str(ROOT)).recurse_included_files()
    return frozenset(file.distribution_path.replace("\\", "/") for file in files)


@pytest.mark.parametrize(
    "pattern",
    [
        "templates/**/*.html",
        "core/web/static/**/*",
        "core/migrations/versions/*.py",
        "core/web/translations/*/LC_MESSAGES/*.mo",
        "badges/openbadges/contexts/**/*.json*",
        "badges/achievements/images/*.svg",
        "lti_tool/sandbox/static/**/*",
    ],
)
def test_the_wheel_holds(packed: frozenset[str], pattern: str) -> None:
    wanted = {str(path.relative_to(ROOT)) for path in ROOT.glob(pattern) if path.is_file()}
    assert wanted
    assert wanted <= packed


def test_every_module_is_in_the_wheel_and_no_test_is(packed: frozenset[str]) -> None:
    for package in ("core", "keys", "badges", "lti_tool"):
        modules = {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")}
        assert modules <= packed
    assert not [name for name in packed if name.startswith(("tests/", "deploy/", "docs/"))]
