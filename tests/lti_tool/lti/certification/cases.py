"""What every refusal must be like, for teachers and for learners, as a page and as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from typing import Any

from werkzeug.test import TestResponse

from tests.lti_tool.lti.harness import Browser, Installation, body_of, cookie_names
from tests.support.hostile_platform import INSTRUCTOR, LEARNER

# In our course a teacher of the school is the learner, and a coach the instructor.
PEOPLE = {"learner": [LEARNER], "teacher": [INSTRUCTOR]}


@contextmanager
def nothing_stored(installation: Installation, **allowed: int) -> Iterator[None]:
    """No table has gained or lost a row, but `allowed` ones (table name to rows gained)."""
    before = installation.counts()
    yield
    after = installation.counts()
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert changed == allowed


def assert_refused(
    answer: TestResponse, status: int, code: str, *, reason: str | None = None
) -> dict[str, Any]:
    """A refusal as JSON: status, code, words for people, a request id, and no cookie."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    body = body_of(answer)
    assert body["error"] == code
    assert body["message"].endswith(".")
    assert body["advice"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    if reason is not None:
        assert f"({reason})" in body["advice"][-1] or body["advice"][-1].endswith(f"{reason}.")
    assert_bare(answer)
    return body


def assert_refused_page(
    page: TestResponse, status: int, code: str, *, way_back: str | None = None
) -> str:
    """A refusal as a page: one plain sentence, what to do next, code, request id, way back.

    `way_back` is how the address of a link begins; None where only words can lead back.
    """
    text = page.get_data(as_text=True)
    assert page.status_code == status, text
    assert page.mimetype == "text/html"
    assert re.search(r"<h1>[^<]+</h1>", text)
    assert re.search(r'<p class="lead">[^<]+\.</p>', text)
    assert re.search(r"<(p|li)>[^<]+\.</\1>", text), "what to do next"
    assert f"<code>{code}</code>" in text
    assert f"<code>{page.headers['X-Request-Id']}</code>" in text
    if way_back is not None:
        assert f'href="{way_back}' in text
    assert_bare(page)
    return unescape(text)


def assert_bare(answer: TestResponse) -> None:
    """No cookie is given, nothing is cached, and nobody is sent anywhere."""
    assert cookie_names(answer) == []
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Location" not in answer.headers
    assert "Content-Security-Policy" in answer.headers


def refused_twice(
    browser: Browser,
    send: Callable[[], TestResponse],
    status: int,
    code: str,
    *,
    reason: str | None = None,
    way_back: str | None = None,
    unsaid: tuple[str, ...] = (),
    stored: Mapping[str, int] | None = None,
) -> TestResponse:
    """What `send` sends is refused as a page, then as JSON; nothing of `unsaid` is repeated."""
    browser.json_wanted = False
    with nothing_stored(browser.installation, **(stored or {})):
        page = send()
    text = assert_refused_page(page, status, code, way_back=way_back)
    browser.json_wanted = True
    with nothing_stored(browser.installation):
        answer = send()
    assert_refused(answer, status, code, reason=reason)
    said = text + answer.get_data(as_text=True)
    assert not [value for value in unsaid if len(value) > 3 and value in said]
    return answer


def launched_refusal(
    browser: Browser,
    token_maker: Any,
    status: int,
    code: str,
    reason: str | None = None,
    *,
    stored: Mapping[str, int] | None = None,
) -> TestResponse:
    """Log in, launch with `token_maker(pending)`, and see it refused with nothing stored."""
    pending = browser.begin()
    token = token_maker(pending)
    return refused_twice(
        browser,
        lambda: browser.post_token(pending, token),
        status,
        code,
        reason=reason,
        way_back=browser.installation.server.url,
        unsaid=(token, pending.state, pending.nonce),
        stored=stored,
    )
