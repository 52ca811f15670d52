"""The whole tool with the sample district on a database file, and a practice LMS to launch from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from core.runtime import Runtime, settle
from lti_tool.app import create_app, make_runtime
from lti_tool.sample import content
from lti_tool.sample.district import load
from lti_tool.sample.lms import sandbox_config
from lti_tool.sandbox.people import WREN_SAMPLEWOOD
from lti_tool.sandbox.sandbox import Sandbox
from tests.support.environment import BASE_URL, make_config, migrated_sqlite
from tests.support.local_http import Answer, local_server

TEACHER = WREN_SAMPLEWOOD
ACTIVITY = content.QUESTIONS_THAT_OPEN["name"]
# What a browser sends with every page.
BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "en",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}


@dataclass(frozen=True)
class Sample:
    """The tool and the practice LMS, in one process and without a network between them."""

    runtime: Runtime
    app: Flask
    lms: Sandbox

    def client(self) -> FlaskClient:
        """A browser without cookies."""
        return self.app.test_client()

    def begin(self) -> dict[str, str]:
        """What the LMS has a teacher's browser bring to the tool's login."""
        return self.lms.make_initiation(TEACHER, self.lms.link(ACTIVITY).id).params

    def answer(self, login: Response) -> dict[str, str]:
        """What the LMS has the browser post to the tool, for the tool's answer to a login."""
        if login.status_code != 302:
            raise RuntimeError(f"the login answered {told(login)}")
        asked = dict(parse_qsl(urlsplit(login.headers["Location"]).query))
        return self.lms.authorize(asked, signed_in=TEACHER).fields


def request_headers(method: str) -> dict[str, str]:
    """What a browser sends with a GET, or with a form of our own page."""
    return BROWSER if method == "GET" else {**BROWSER, "Origin": BASE_URL}


def told(answer: Response) -> str:
    """An answer that was not expected, in short."""
    return f"{answer.status}: {' '.join(answer.get_data(as_text=True).split())[:500]}"


def send(client: FlaskClient, method: str, path: str, **options: object) -> TestResponse:
    """Send a request as a browser does; redirects are not followed."""
    headers = request_headers(method)
    return client.open(path, method=method, base_url=BASE_URL, headers=headers, **options)  # type: ignore[arg-type]


@contextmanager
def sample(folder: Path) -> Iterator[Sample]:
    """Load the district in `folder`; the LMS's keys are served on a port of this machine."""
    home = folder / "home"
    home.mkdir()
    migrated_sqlite(folder / "template.sqlite", home / "milepost.sqlite")
    runtime = make_runtime(make_config(home))
    try:
        with local_server() as server:
            load(runtime, server.url)
            lms = Sandbox(sandbox_config(runtime, server.url))
            keys = json.dumps(lms.jwks()).encode()
            server.routes["/jwks.json"] = lambda _request: Answer(
                body=keys, headers={"Content-Type": "application/json"}
            )
            app = create_app(runtime=runtime)
            settle()  # as `milepost serve` does in each process
            yield Sample(runtime, app, lms)
    finally:
        runtime.close()
