"""A crowd of people who launch at once: their browsers and their LMS, in one event loop.

Each person has cookies of their own. What the LMS does in between (signing the
id_token) is not part of a person's wait, though it takes the same machine's time.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tests.bench.installation import request_headers
from tests.support.hostile_platform import HostilePlatform, Pending

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Waited:
    """How long one person waited for both answers, and the fault where there was one."""

    seconds: float
    fault: str | None = None


@dataclass(frozen=True)
class _Answer:
    status: int
    location: str
    cookies: list[str]


@dataclass
class Crowd:
    """People of one LMS in front of the tool at `base_url`."""

    base_url: str
    platform: HostilePlatform
    target: str

    @property
    def keys_path(self) -> str:
        """Where the LMS's key set is served."""
        return f"{urlsplit(self.platform.issuer).path}/jwks.json"

    def launch(self, people: Sequence[str]) -> list[Waited]:
        """Everybody of `people` (their `sub`s) opens the activity at the same moment."""
        return asyncio.run(self._together(people))

    async def _together(self, people: Sequence[str]) -> list[Waited]:
        return await asyncio.gather(*(self._one(sub) for sub in people))

    async def _one(self, sub: str) -> Waited:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._launched(sub)
        except (OSError, TimeoutError, ValueError, KeyError) as error:
            return Waited(PATIENCE_SECONDS, f"{type(error).__name__}: {error}")

    async def _launched(self, sub: str) -> Waited:
        browser = _Browser(self.base_url)
        began = time.perf_counter()
        login = await browser.post("/lti/login", self.platform.login_parameters(self.target))
        waited = time.perf_counter() - began
        if login.status != 302:
            return Waited(waited, f"login answered {login.status}")
        pending = Pending.read(login.location, self.target)
        claims = self.platform.claims(pending, sub=sub, name=f"Teacher {sub}")
        form = {"id_token": self.platform.token(claims), "state": pending.state}
        began = time.perf_counter()
        launch = await browser.post("/lti/launch", form)
        waited += time.perf_counter() - began
        fault = None if launch.status == 303 else f"launch answered {launch.status}"
        return Waited(waited, fault)


class _Browser:
    """Somebody's cookies. Each request has a connection of its own, as from a proxy in front."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._address = (socket.gethostbyname(self._host), self._port)
        self._head = "".join(
            f"{name}: {value}\r\n" for name, value in request_headers("GET").items()
        )
        self._cookies: list[str] = []

    async def post(self, path: str, form: dict[str, str]) -> _Answer:
        """Post a form."""
        body = urlencode(form)
        cookies = f"Cookie: {'; '.join(self._cookies)}\r\n" if self._cookies else ""
        request = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{self._head}{cookies}"
            "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        answer = _read(await self._exchange(request.encode()))
        self._cookies += answer.cookies
        return answer

    async def _exchange(self, request: bytes) -> bytes:
        """What comes back until the server closes. Bare sockets: a crowd is to cost little."""
        loop = asyncio.get_running_loop()
        with socket.socket() as connection:
            connection.setblocking(False)
            await loop.sock_connect(connection, self._address)
            await loop.sock_sendall(connection, request)
            received = b""
            while data := await loop.sock_recv(connection, 65536):
                received += data
        return received


def _read(received: bytes) -> _Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    length = next((int(value) for name, value in fields if name == "content-length"), 0)
    if len(body) != length:
        raise ValueError(f"the answer ended after {len(body)} of {length} bytes")
    return _Answer(
        status=int(lines[0].split(" ", 2)[1]),
        location=next((value for name, value in fields if name == "location"), ""),
        cookies=[value.split(";")[0] for name, value in fields if name == "set-cookie"],
    )
