"""Launches without a browser, for tests: over Flask's test clients or over real HTTP.

``LaunchDriver`` walks through the very pages that a browser would: it signs in, opens the
activity, posts the forms and follows the redirects between the two sites.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Protocol
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3
from flask.testing import FlaskClient

from lti_tool.sandbox.claims import TARGET_WINDOW
from lti_tool.sandbox.errors import SandboxError

MOST_STEPS = 12


class LaunchStoppedError(SandboxError, AssertionError):
    """A launch did not come to its end; the message shows the last answer."""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; ``headers`` by lower-case name, ``url`` what was asked for."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def location(self) -> str | None:
        """The absolute address of a redirect, else None."""
        target = self.headers.get("location")
        return urljoin(self.url, target) if target and 300 <= self.status < 400 else None


class Sender(Protocol):
    """Sends one request, keeps cookies, follows nothing."""

    def send(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Reply:
        """The answer to ``method`` at an absolute address, with form fields for a POST."""
        ...


class FlaskSender:
    """Sends to a Flask test client; cookies are the client's."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def send(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Reply:
        """See ``Sender``."""
        parts = urlsplit(url)
        response = self._client.open(
            parts.path or "/",
            method=method,
            query_string=parts.query,
            data=dict(form) if form is not None else None,
            base_url=f"{parts.scheme}://{parts.netloc}",
            follow_redirects=False,
        )
        headers = {name.lower(): value for name, value in response.headers}
        reply = Reply(url, response.status_code, headers, response.data)
        response.close()
        return reply


class HttpSender:
    """Sends over real HTTP; keeps cookies per host, as a browser does on loopback.

    Args:
        timeout: for connecting and for reading, in seconds.
    """

    def __init__(self, timeout: float = 15.0) -> None:
        self._timeout = timeout
        self._cookies: dict[str, dict[str, str]] = {}

    def send(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Reply:
        """See ``Sender``.

        Raises:
            urllib3.exceptions.HTTPError: no answer.
        """
        host = urlsplit(url).hostname or ""
        kept = self._cookies.setdefault(host, {})
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in kept.items())} if kept else {}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(dict(form))
        with urllib3.PoolManager(retries=False, timeout=self._timeout) as pool:
            response = pool.request(method, url, headers=headers, body=body, redirect=False)
            for line in response.headers.getlist("Set-Cookie"):
                self._keep(kept, line)
            heads = {name.lower(): value for name, value in response.headers.items()}
            return Reply(url, response.status, heads, response.data)

    @staticmethod
    def _keep(kept: dict[str, str], line: str) -> None:
        # Python 3.11 does not know the attribute Partitioned and would drop the whole cookie.
        first, *attributes = line.split(";")
        known = [a for a in attributes if a.strip().lower() != "partitioned"]
        for name, morsel in SimpleCookie(";".join([first, *known])).items():
            if morsel["max-age"] == "0" or morsel["expires"].startswith("Thu, 01 Jan 1970"):
                kept.pop(name, None)
            else:
                kept[name] = morsel.value


class _Forms(HTMLParser):
    """Collects the forms of a page: where they go and what is in their fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.forms.append((values.get("action") or "", {}))
        elif tag == "input" and self.forms and values.get("name"):
            self.forms[-1][1][str(values["name"])] = values.get("value") or ""


def passing_form(reply: Reply) -> tuple[str, dict[str, str]] | None:
    """Where the one form of a page that only passes the browser on goes, and its fields."""
    if reply.status != 200 or "data-passes-on" not in reply.text:
        return None
    page = _Forms()
    page.feed(reply.text)
    action, fields = page.forms[0]
    return urljoin(reply.url, action), fields


class LaunchDriver:
    """One browser between the practice LMS and the tool.

    Args:
        base_url: the LMS's origin.
        sandbox: sends to the LMS.
        tool: sends to the tool; may be the same sender where it speaks real HTTP.
    """

    def __init__(self, base_url: str, sandbox: Sender, tool: Sender) -> None:
        self._base_url = base_url
        self._sandbox = sandbox
        self._tool = tool

    def sign_in(self, person_id: str) -> None:
        """Be this person in the LMS.

        Raises:
            LaunchStoppedError: the LMS did not agree.
        """
        url = f"{self._base_url}/sign-in"
        reply = self._sandbox.send("POST", url, {"person": person_id})
        if reply.status != 303:
            raise LaunchStoppedError(f"signing in as {person_id!r} answered {reply.status}")

    def launch(
        self, person_id: str, link_id: str, *, target: str = TARGET_WINDOW, method: str = "post"
    ) -> Reply:
        """The tool's answer to the launch itself, before any redirect of its own.

        Args:
            person_id: one of ``people.PEOPLE``.
            link_id: a resource link's id.
            target: ``iframe`` or ``window``.
            method: how the login begins, ``post`` or ``get``.

        Raises:
            LaunchStoppedError: the walk did not reach the launch; the last answer is shown.
        """
        query = urlencode({"target": target, "method": method})
        return self.walk(person_id, f"/links/{link_id}/start?{query}")

    def walk(self, person_id: str, path: str) -> Reply:
        """The same for any page of the LMS that leads to the tool, given its path.

        Raises:
            LaunchStoppedError: the walk did not reach the launch; the last answer is shown.
        """
        self.sign_in(person_id)
        reply = self._sandbox.send("GET", f"{self._base_url}{path}")
        for _step in range(MOST_STEPS):
            form = passing_form(reply)
            if form is not None:
                reply = self._send("POST", *form)
                if {"id_token", "error"} & form[1].keys():
                    return reply
            elif reply.location is not None:
                reply = self._send("GET", reply.location)
            else:
                break
        raise LaunchStoppedError(f"{reply.url} answered {reply.status}: {reply.text[:500]}")

    def _send(self, method: str, url: str, form: Mapping[str, str] | None = None) -> Reply:
        ours = url.startswith(f"{self._base_url}/")
        return (self._sandbox if ours else self._tool).send(method, url, form)
