"""The district that the award tests act in: on SQLite, or on both databases (`both_databases`)."""

from __future__ import annotations

import pytest

from tests.support.badges import District, make_district


@pytest.fixture
def district(request: pytest.FixtureRequest) -> District:
    return make_district(request.getfixturevalue(getattr(request, "param", "runtime")))
