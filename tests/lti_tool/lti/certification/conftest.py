"""Every refusal is met twice: by somebody who learns in the course and by one who teaches it."""

from __future__ import annotations

import pytest

from tests.lti_tool.lti.certification.cases import PEOPLE


@pytest.fixture(params=list(PEOPLE.values()), ids=list(PEOPLE))
def roles(request: pytest.FixtureRequest) -> list[str]:
    """The roles that the launch says."""
    return list(request.param)
