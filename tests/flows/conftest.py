"""Flow tests run the whole tool, with nothing replaced, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.runtime import Runtime
from tests.support.district import District, running_district


@pytest.fixture
def district(any_runtime: Runtime, tmp_path: Path) -> Iterator[District]:
    """The sample district, running."""
    with running_district(any_runtime, tmp_path / "home") as made:
        yield made
