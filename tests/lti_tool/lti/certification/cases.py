"""What every refusal must be like, for teachers and for learners."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.lti_tool.lti.harness import Browser, Installation, body_of, cookie_names
from tests.support.hostile_platform import INSTRUCTOR, LEARNER

# In our course a teacher of the school is the learner, and a coach the instructor.
PEOPLE = {"learner": [LEARNER], "teacher": [INSTRUCTOR]}
for_everybody = pytest.mark.parametrize("roles", PEOPLE.values(), ids=PEOPLE.keys())


@contextmanager
def nothing_stored(installation: Installation) -> Iterator[None]:
    """No table has gained or lost a row."""
    before = installation.counts()
    yield
    after = installation.counts()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {}


def assert_refused(
    answer: TestResponse, status: int, code: str, *, reason: str | None = None
) -> dict[str, Any]:
    """The refusal has its status and code, words for people, a request id, and gives no cookie."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    body = body_of(answer)
    assert body["error"] == code
    assert body["message"].endswith(".")
    assert body["advice"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    if reason is not None:
        assert f"({reason})" in body["advice"][-1] or body["advice"][-1].endswith(f"{reason}.")
    assert cookie_names(answer) == []
    assert answer.headers["Cache-Control"] == "no-store"
    return body


def launched_refusal(
    browser: Browser, token_maker: Any, status: int, code: str, reason: str | None = None
) -> TestResponse:
    """Log in, launch with `token_maker(pending)`, and see it refused with nothing stored."""
    browser.json_wanted = True
    pending = browser.begin()
    token = token_maker(pending)
    with nothing_stored(browser.installation):
        answer = browser.post_token(pending, token)
    assert_refused(answer, status, code, reason=reason)
    return answer
