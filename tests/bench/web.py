"""Pages: a published badge's, and what the first page after a launch makes a browser load."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from itertools import count
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from sqlalchemy import select

from badges.awards.models import Credential
from core.db import utcnow
from core.scope import unscoped
from tests.bench import hello
from tests.bench.bench import Bench
from tests.bench.clock import medians
from tests.bench.figures import Figure, Measured, Peer
from tests.bench.installation import Sample, sample, send, told
from tests.bench.page_weight import Weight, text_of, weigh
from tests.bench.serving import request_of, serve

CALLS = 20
KB = 1000


def credential_page(bench: Bench) -> Measured:
    """CPU time of a published badge's page that nobody looked at today, compressed.

    A page says on which day it was checked and is kept for that day, so the clock is moved on by
    one before every request: most badges are looked at seldom, and theirs is the cost that counts.
    """
    found = bench.open(sample)
    days = count(1)

    def later() -> None:
        ahead = timedelta(days=next(days))
        found.runtime.clock = lambda: utcnow() + ahead

    try:
        return _credential(bench, "", before=later)
    finally:
        found.runtime.clock = utcnow


def credential_page_again(bench: Bench) -> Measured:
    """CPU time of the same page when others look at it on the same day."""
    return _credential(bench, "")


def credential_etag(bench: Bench) -> Measured:
    """CPU time of the answer to a browser or cache that asks whether its copy still holds.

    Measured as a web server calls the application: taking such a request and its empty answer
    apart costs the test client more than they cost us.
    """
    found = bench.open(sample)
    path = f"/credentials/{_published(found)}"
    tag = serve(found.app, request_of("GET", path)).answer.headers["ETag"]

    def work() -> float:
        asked = {**request_of("GET", path), "HTTP_IF_NONE_MATCH": tag}
        served = serve(found.app, asked)
        if served.answer.status_code != 304:
            raise RuntimeError(f"{path} answered {told(served.answer)}")
        return served.seconds

    seconds, peer = medians(work, hello.hello_served(), calls=CALLS)
    return Measured(seconds * 1e3, Peer(hello.NAME, peer * 1e3))


def credential_json(bench: Bench) -> Measured:
    """CPU time of the same badge's signed document."""
    return _credential(bench, ".json")


def first_page(bench: Bench) -> Measured:
    """Everything that a browser with an empty cache loads for the heavier first page."""
    return Measured(max(weight.total for weight in bench.once(first_pages)) / KB)


def first_page_script(bench: Bench) -> Measured:
    """The scripts among it."""
    return Measured(max(weight.script for weight in bench.once(first_pages)) / KB)


def first_pages(bench: Bench) -> list[Weight]:
    """A teacher launches a micro-credential, begins it, and gets its draft: both pages' weight."""
    found = bench.open(sample)
    browser = found.client()
    overview = _launched(found, browser)
    start = _Start()
    start.feed(text_of(send(browser, "GET", overview)))
    if start.action is None:
        raise RuntimeError(f"{overview} has no form that begins a draft")
    begun = send(browser, "POST", start.action, data=start.fields)
    if begun.status_code != 303:
        raise RuntimeError(f"beginning the draft answered {told(begun)}")
    draft = _path(begun.headers["Location"])
    return [
        weigh(address, lambda path: send(browser, "GET", path)) for address in (overview, draft)
    ]


def _credential(bench: Bench, ending: str, before: Callable[[], None] | None = None) -> Measured:
    found = bench.open(sample)
    client, path = found.client(), f"/credentials/{_published(found)}{ending}"

    def work() -> float:
        if before is not None:
            before()
        began = time.process_time()
        send(client, "GET", path)
        return time.process_time() - began

    _check(client, path, before)
    seconds, peer = medians(work, hello.hello(), calls=CALLS)
    return Measured(seconds * 1e3, Peer(hello.NAME, peer * 1e3))


def _published(found: Sample) -> uuid.UUID:
    with (
        found.runtime.database.snapshot() as session,
        unscoped(session, "the sample's one published badge"),
    ):
        return session.scalars(select(Credential.id)).one()


def _check(client: FlaskClient, path: str, before: Callable[[], None] | None) -> None:
    """Raise RuntimeError where the answer is not the one that is to be measured."""
    answers = []
    for _number in range(2):
        if before is not None:
            before()
        answers.append(send(client, "GET", path))
    for answer in answers:
        if answer.status_code != 200 or answer.headers.get("Content-Encoding") != "gzip":
            raise RuntimeError(f"{path} answered {answer.status}, {answer.headers}")
    if before is not None and text_of(answers[0]) == text_of(answers[1]):
        raise RuntimeError(f"{path} is kept for longer than a day: this measures no rendering")


def _launched(found: Sample, browser: FlaskClient) -> str:
    """The path of the page that a launch leads to."""
    fields = found.answer(send(browser, "POST", "/lti/login", data=found.begin()))
    launch = send(browser, "POST", "/lti/launch", data=fields)
    if launch.status_code != 303:
        raise RuntimeError(f"the launch answered {told(launch)}")
    return _path(launch.headers["Location"])


class _Start(HTMLParser):
    """Finds the form that begins a draft, and its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("action", "").endswith("/start"):
            self.action, self._inside = values["action"], True
        if tag in {"input", "button"} and self._inside and values.get("name"):
            self.fields[values["name"]] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def _path(address: str) -> str:
    return urlsplit(address).path


FIGURES = (
    Figure("web.credential_page_cpu_ms", "cpu ms", "lower", 2, credential_page),
    Figure("web.credential_page_again_cpu_ms", "cpu ms", "lower", None, credential_page_again),
    Figure("web.credential_etag_cpu_ms", "cpu ms", "lower", 0.7, credential_etag),
    Figure("web.credential_json_cpu_ms", "cpu ms", "lower", None, credential_json),
    Figure("web.first_page_kb", "kB", "lower", 60, first_page),
    Figure("web.first_page_script_kb", "kB", "lower", 15, first_page_script),
)
