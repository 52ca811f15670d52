"""The deadline of an outgoing request holds for every part of the exchange."""

from __future__ import annotations

import gzip
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.http import FetchError, HttpClient

OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Peer:
    """A server that says bytes of the test's own: `script` gets each connection in turn."""

    script: Callable[[Peer, socket.socket, int], None]
    release: threading.Event = field(default_factory=threading.Event)
    sent: int = 0
    connections: int = 0
    links: list[socket.socket] = field(default_factory=list)

    def start(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def url(self, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/"

    def _accept(self) -> None:
        while True:
            link, _ = self._listening.accept()
            if self.release.is_set():
                link.close()
                return
            self.connections += 1
            self.links.append(link)
            serving = threading.Thread(target=self._serve, args=(link, self.connections))
            self._threads.append(serving)
            serving.start()

    def _serve(self, link: socket.socket, number: int) -> None:
        with link:
            try:
                self.script(self, link, number)
            except OSError:
                return

    def drip(self, link: socket.socket, data: bytes) -> None:
        """One byte every 50 ms, until they are all said, nobody listens, or the test is over."""
        for byte in data:
            if self.release.wait(0.05):
                return
            link.sendall(bytes([byte]))
            self.sent += 1

    def stop(self) -> None:
        self.release.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        for link in self.links:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listening.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Peer, socket.socket, int], None]], Peer]]:
    peers: list[Peer] = []

    def start(script: Callable[[Peer, socket.socket, int], None]) -> Peer:
        peer = Peer(script)
        peer.start()
        peers.append(peer)
        return peer

    yield start
    for peer in peers:
        peer.stop()


def dripping_body(peer: Peer, link: socket.socket, _number: int) -> None:
    link.recv(4096)
    link.sendall(OK + b"Content-Length: 600\r\n\r\n")
    peer.drip(link, b"x" * 600)


def dripping_chunks(peer: Peer, link: socket.socket, _number: int) -> None:
    link.recv(4096)
    link.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    peer.drip(link, b"1\r\nx\r\n" * 100)


def dripping_gzip(peer: Peer, link: socket.socket, _number: int) -> None:
    link.recv(4096)
    packed = gzip.compress(random.Random(1).randbytes(600))
    link.sendall(OK + f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode())
    peer.drip(link, packed)


def dripping_headers(peer: Peer, link: socket.socket, _number: int) -> None:
    link.recv(4096)
    peer.drip(link, OK + b"X-Long: " + b"x" * 600 + b"\r\nContent-Length: 0\r\n\r\n")


def endless_interim_answers(peer: Peer, link: socket.socket, _number: int) -> None:
    link.recv(4096)
    peer.drip(link, b"HTTP/1.1 100 Continue\r\n\r\n" * 24)


def silent(peer: Peer, _link: socket.socket, _number: int) -> None:
    peer.release.wait(30)


@pytest.mark.parametrize(
    "script",
    [
        dripping_body,
        dripping_chunks,
        dripping_gzip,
        dripping_headers,
        endless_interim_answers,
        silent,
    ],
)
def test_whoever_dawdles_is_given_up_at_the_deadline(
    serve: Callable[..., Peer], script: Callable[..., None]
) -> None:
    peer = serve(script)
    with pytest.raises(FetchError) as caught:
        HttpClient(allow_loopback=True).get(peer.url(), timeout=0.5)
    assert caught.value.reason == "timeout"
    assert peer.sent < 300, "it would have gone on for 30 s"


def test_a_tls_handshake_that_stalls_is_given_up(serve: Callable[..., Peer]) -> None:
    peer = serve(silent)
    with pytest.raises(FetchError) as caught:
        HttpClient(allow_loopback=True).get(peer.url("https"), timeout=0.3)
    assert caught.value.reason == "timeout"


def test_a_name_that_is_never_found_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def resolve(*_args: Any, **_kw: Any) -> list[Any]:
        assert over.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    try:
        with pytest.raises(FetchError) as caught:
            HttpClient().get("https://slow.example.org/", timeout=0.2)
        assert not over.is_set()
    finally:
        over.set()
    assert caught.value.reason == "timeout"


def test_a_server_that_does_not_take_the_request_is_given_up(serve: Callable[..., Peer]) -> None:
    peer = serve(silent)
    with pytest.raises(FetchError) as caught:
        HttpClient(allow_loopback=True).request(
            "POST", peer.url(), body=b"x" * 50_000_000, timeout=0.3
        )
    assert caught.value.reason == "timeout"


def test_what_was_left_unread_is_not_taken_for_the_next_answer(serve: Callable[..., Peer]) -> None:
    forged = OK + b"Content-Length: 6\r\n\r\nforged"

    def script(_peer: Peer, link: socket.socket, number: int) -> None:
        link.recv(4096)
        if number == 1:
            link.sendall(OK + b"Content-Length: 70000\r\n\r\n" + b"x" * 70000)
            link.recv(4096)
            link.sendall(forged)
            return
        link.sendall(OK + b"Content-Length: 5\r\n\r\ntrue!")

    peer, client = serve(script), HttpClient(allow_loopback=True)
    with pytest.raises(FetchError, match="larger"):
        client.get(peer.url(), max_bytes=10)
    assert client.get(peer.url()).body == b"true!"
    assert peer.connections == 2


def test_a_connection_is_used_again_under_its_next_request_s_own_deadline(
    serve: Callable[..., Peer],
) -> None:
    def script(peer: Peer, link: socket.socket, _number: int) -> None:
        while link.recv(4096):
            link.sendall(OK + b"Content-Length: 2\r\n\r\nok")

    peer, client = serve(script), HttpClient(allow_loopback=True)
    for timeout in (0.5, 20.0, 5.0):
        assert client.get(peer.url(), timeout=timeout).body == b"ok"
    assert peer.connections == 1
