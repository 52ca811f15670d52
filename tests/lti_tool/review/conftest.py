"""Fixtures of the review tests."""

from __future__ import annotations

import pytest

from core.runtime import Runtime
from tests.lti_tool.review.world import World, make_world


@pytest.fixture
def world(any_runtime: Runtime) -> World:
    """A course, on SQLite and on PostgreSQL."""
    return make_world(any_runtime)
