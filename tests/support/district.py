"""The sample district with its practice LMS on a real port, for flow tests without a browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from core.runtime import Runtime
from core.worker import Worker
from lti_tool.app import create_app, register_jobs
from lti_tool.sample.district import load
from lti_tool.sample.lms import sandbox_config
from lti_tool.sandbox import Sandbox, create_sandbox, sandbox_of
from lti_tool.sandbox.driver import FlaskSender, HttpSender, LaunchDriver

TOOL_URL = "http://localhost:8000"


@dataclass
class Form:
    """A form of a page: where it goes, what is in it, and the words on its buttons."""

    action: str
    method: str
    fields: dict[str, str]
    buttons: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    """Reads forms as a browser would submit them: checked radios, selected options, typed texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._text: tuple[str, list[str]] | None = None
        self._button: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._open = Form(given.get("action") or "", (given.get("method") or "get").lower(), {})
            self.forms.append(self._open)
        elif tag == "button":
            self._button = []
        if self._open is None:
            return
        name = given.get("name")
        if tag == "input" and name:
            kind = given.get("type", "text")
            chosen = kind not in ("radio", "checkbox") or "checked" in given
            if kind not in ("file", "submit") and chosen:
                self._open.fields[name] = given.get("value") or ""
        elif tag == "textarea" and name:
            self._text = (name, [])

    def handle_data(self, data: str) -> None:
        if self._text:
            self._text[1].append(data)
        if self._button is not None:
            self._button.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text and self._open:
            self._open.fields[self._text[0]] = "".join(self._text[1]).removeprefix("\n")
            self._text = None
        elif tag == "button" and self._button is not None:
            if self._open:
                self._open.buttons.append(" ".join("".join(self._button).split()))
            self._button = None
        elif tag == "form":
            self._open = None


@dataclass
class Page:
    """An answer, read as a person would."""

    url: str
    status: int
    html: str
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """The words on the page."""
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.html))

    def form(self, part: str) -> Form:
        """The first form whose action ends or whose button begins with `part`."""
        reader = _Forms()
        reader.feed(self.html)
        for form in reader.forms:
            if form.action.split("?")[0].endswith(part) or any(
                label.startswith(part) for label in form.buttons
            ):
                return form
        known = [(form.action, form.buttons) for form in reader.forms]
        raise AssertionError(
            f"no form {part!r} on {self.url} ({self.status}): {known}\n{self.text}"
        )

    def link(self, part: str) -> str:
        """The address of the first link that contains `part`."""
        for address in re.findall(r'href="([^"]+)"', self.html):
            if part in address:
                return str(address.replace("&amp;", "&"))
        raise AssertionError(f"no link with {part!r} on {self.url}: {self.text}")


class Visitor:
    """One person's browser at the tool: keeps cookies, follows redirects, fills in forms."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open(self, url: str, **headers: str) -> Page:
        """GET, with redirects followed within the tool."""
        return self._send("GET", url, headers=headers)

    def submit(
        self, page: Page, part: str, values: Mapping[str, Any] | None = None, **headers: str
    ) -> Page:
        """Fill `values` into a form of `page` (see `Page.form`) and send it."""
        form = page.form(part)
        data: dict[str, Any] = {**form.fields, **(values or {})}
        return self._send(
            form.method.upper(), urljoin(page.url, form.action), data=data, headers=headers
        )

    def _send(self, method: str, url: str, **more: Any) -> Page:
        for _hop in range(6):
            path = url.removeprefix(TOOL_URL)
            answer = self.client.open(
                path, method=method, base_url=TOOL_URL, follow_redirects=False, **more
            )
            location = answer.headers.get("Location")
            if answer.status_code not in (302, 303) or not location:
                page = Page(
                    TOOL_URL + path,
                    answer.status_code,
                    answer.get_data(as_text=True),
                    dict(answer.headers),
                )
                answer.close()
                return page
            answer.close()
            method, url, more = "GET", urljoin(TOOL_URL + path, location), {}
        raise AssertionError(f"{url} redirects without end")


@dataclass
class District:
    """Everything a flow test needs."""

    runtime: Runtime
    app: Flask
    sandbox: Sandbox
    lms_url: str

    def launch(self, person: str, link: str, *, target: str = "iframe") -> tuple[Visitor, Page]:
        """Open `link` (a title or id) as `person` in a browser of their own."""
        client = self.app.test_client()
        driver = LaunchDriver(self.lms_url, HttpSender(), FlaskSender(client))
        reply = driver.launch(person, self.sandbox.link(link).id, target=target)
        visitor = Visitor(client)
        assert reply.location, (reply.status, reply.text)
        assert urlsplit(reply.location).netloc == urlsplit(TOOL_URL).netloc
        return visitor, visitor.open(reply.location)

    def work(self) -> int:
        """Carry out everything that is due."""
        return Worker(self.runtime.database, self.runtime.registry).drain()


@contextmanager
def running_district(given: Runtime, folder: Path) -> Iterator[District]:
    """The sample district on `given`'s database, with its LMS on a free loopback port."""
    config = replace(given.config, base_url=TOOL_URL, badge_url=TOOL_URL, home=folder)
    runtime = Runtime.from_config(config)
    register_jobs(runtime)
    app = create_app(runtime=runtime)

    def tool_keys(_url: str) -> bytes:
        return app.test_client().get("/.well-known/jwks.json", base_url=TOOL_URL).data

    server = make_server("127.0.0.1", 0, _not_yet, threaded=True)
    lms_url = f"http://127.0.0.1:{server.server_port}"
    load(runtime, lms_url)
    lms = create_sandbox(sandbox_config(runtime, lms_url), fetch_jwks=tool_keys)
    server.app = lms
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield District(runtime, app, sandbox_of(lms), lms_url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        runtime.close()


def _not_yet(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("503 Service Unavailable", [])
    return [b""]
