from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.http import AddressNotAllowedError, FetchError, HttpClient
from tests.support.ports import free_port


class Handler(BaseHTTPRequestHandler):
    release = threading.Event()

    def do_GET(self) -> None:
        path = self.path
        if path == "/stall":
            self.release.wait(10)
            return
        if path.startswith("/redirect"):
            self.send_response(302)
            left = int(path.rsplit("/", 1)[1])
            self.send_header("Location", f"/redirect/{left - 1}" if left else "/ok")
            self.end_headers()
            return
        if path == "/to-metadata":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data")
            self.end_headers()
            return
        body = b"x" * 5000 if path == "/large" else self.headers["User-Agent"].encode()
        self.send_response(200)
        self.send_header("Content-Type", "Text/Plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        return


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    Handler.release.set()
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def client() -> HttpClient:
    return HttpClient(allow_loopback=True)


def test_every_request_says_who_asks(server: str, client: HttpClient) -> None:
    answer = client.get(f"{server}/ok")
    assert answer.status == 200
    assert answer.content_type == "text/plain"
    assert answer.body.startswith(b"Milepost/")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "https://127.0.0.1:1/",
        "https://localhost:1/",
        "https://10.0.0.7/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://0.0.0.0/",
        "http://example.org/",
        "file:///etc/passwd",
        "https://user:secret@example.org/",
        "gopher://example.org/",
        "https://",
        "https://[",
        "not an address",
    ],
)
def test_private_and_odd_addresses_are_refused(url: str) -> None:
    with pytest.raises(AddressNotAllowedError):
        HttpClient().get(url, timeout=2)


def test_a_private_host_is_reachable_where_it_is_named(server: str) -> None:
    named = HttpClient(allow=frozenset({server.removeprefix("http://")}))
    assert named.get(f"{server}/ok").status == 200


def test_a_name_that_resolves_to_a_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(*_args: Any, **_kw: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.1.4", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(AddressNotAllowedError, match="private"):
        HttpClient().get("https://rebinding.example.org/")


def test_redirects_are_not_followed_unless_asked(server: str, client: HttpClient) -> None:
    assert client.get(f"{server}/redirect/0").status == 302
    assert client.get(f"{server}/redirect/1", redirects=3).status == 200
    with pytest.raises(FetchError, match="redirects too often"):
        client.get(f"{server}/redirect/9", redirects=3)


def test_a_redirect_to_a_private_address_is_refused(server: str, client: HttpClient) -> None:
    with pytest.raises(AddressNotAllowedError):
        client.get(f"{server}/to-metadata", redirects=3)


def test_an_answer_over_the_limit_is_dropped(server: str, client: HttpClient) -> None:
    with pytest.raises(FetchError) as caught:
        client.get(f"{server}/large", max_bytes=4999)
    assert caught.value.reason == "too_large"
    assert len(client.get(f"{server}/large", max_bytes=5000).body) == 5000


def test_a_server_that_says_nothing_is_given_up(server: str, client: HttpClient) -> None:
    began = time.monotonic()
    with pytest.raises(FetchError) as caught:
        client.get(f"{server}/stall", timeout=0.2)
    assert caught.value.reason == "timeout"
    assert time.monotonic() - began < 8, "the stall itself lasts 10 s"


def test_a_port_where_nobody_listens_is_unreachable(client: HttpClient) -> None:
    with pytest.raises(FetchError) as caught:
        client.get(f"http://127.0.0.1:{free_port()}/")
    assert caught.value.reason == "unreachable"
