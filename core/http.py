"""The one outgoing HTTP client: deadlines, size limits, bounded redirects, no private addresses.

Names are resolved once and the connection goes to the very address that was checked, so a name
that changes its answer in between (DNS rebinding) gains nothing. Proxies of the environment are
not used. A host on a private address is reachable only if `MILEPOST_OUTGOING_ALLOW` names it
(`host` or `host:port`).
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from core.deadlines import DeadlineSocket, machines_trust, remaining, resolve, within

USER_AGENT = "Milepost/0.1 (+LTI 1.3 tool; Open Badges 3.0)"


class FetchError(Exception):
    """The other side could not be reached or answered wrongly; `reason` is a short code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class AddressNotAllowedError(FetchError):
    """The address is private, not https, or otherwise not one to be fetched."""

    def __init__(self, message: str) -> None:
        super().__init__("url_not_allowed", message)


@dataclass(frozen=True)
class Response:
    """An answer, read whole. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def content_type(self) -> str:
        """The media type without parameters, lower-case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


class HttpClient:
    """Guarded outgoing requests. One instance per process; safe for threads."""

    def __init__(
        self, *, allow: frozenset[str] = frozenset(), allow_loopback: bool = False
    ) -> None:
        self.allow = allow
        self.allow_loopback = allow_loopback
        guard = self._check_address

        class GuardedHTTPConnection(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _connect(self, guard)

        class GuardedHTTPSConnection(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _connect(self, guard)

        class GuardedHTTPPool(HTTPConnectionPool):
            ConnectionCls = GuardedHTTPConnection

        class GuardedHTTPSPool(HTTPSConnectionPool):
            ConnectionCls = GuardedHTTPSConnection

        self._pool = urllib3.PoolManager(
            num_pools=32, maxsize=4, retries=False, ssl_context=machines_trust()
        )
        self._pool.pool_classes_by_scheme = {"http": GuardedHTTPPool, "https": GuardedHTTPSPool}

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 5.0,
        max_bytes: int = 1024 * 1024,
        redirects: int = 0,
    ) -> Response:
        """Send one request and read the whole answer.

        `timeout` bounds the whole exchange in seconds, from looking the name up to the last byte of
        the body, redirects included; `max_bytes` bounds the decoded body. Redirects are followed
        for GET only, each checked anew. Raises FetchError; any status is returned.
        """
        deadline = time.monotonic() + timeout
        for _hop in range(redirects + 1):
            response = self._once(method, url, headers, body, deadline, max_bytes)
            location = response.headers.get("location")
            if response.status not in {301, 302, 303, 307, 308} or not location or not redirects:
                return response
            if method != "GET":
                return response
            url = urljoin(url, location)
        raise FetchError("too_many_redirects", "It redirects too often.")

    def get(self, url: str, **options: Any) -> Response:
        """GET; options as for `request`."""
        return self.request("GET", url, **options)

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        deadline: float,
        max_bytes: int,
    ) -> Response:
        self._check_url(url)
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", **(headers or {})}
        try:
            with within(deadline):
                return self._exchange(method, url, sent, body, max_bytes)
        except _NotAllowedSocketError as exc:
            raise AddressNotAllowedError(str(exc)) from None
        except (urllib3.exceptions.HTTPError, TimeoutError) as exc:
            # What a deadline cut off looks different depending on where it was cut.
            if time.monotonic() >= deadline:
                raise FetchError("timeout", "It did not answer in time.") from exc
            raise _fetch_error(exc) from exc

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, max_bytes: int
    ) -> Response:
        answer = self._pool.request(
            method,
            url,
            headers=headers,
            body=body,
            redirect=False,
            preload_content=False,
            timeout=remaining(),
        )
        try:
            data = _read(answer, max_bytes)
        except BaseException:
            # What is left unread would be taken for the next answer: this connection is not kept.
            answer.close()
            raise
        finally:
            answer.release_conn()
        found = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, found, data, url)

    def _check_url(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise AddressNotAllowedError("This is not a web address.") from None
        if parts.scheme not in {"http", "https"} or not host or parts.username or parts.password:
            raise AddressNotAllowedError("Only plain web addresses are fetched.")
        if parts.scheme == "http" and not self._named(host, port or 80):
            loopback = self.allow_loopback and _is_loopback_host(host)
            if not loopback:
                raise AddressNotAllowedError("Only https addresses are fetched.")

    def _named(self, host: str, port: int) -> bool:
        host = host.lower()
        return host in self.allow or f"{host}:{port}" in self.allow

    def _check_address(self, host: str, port: int, address: str) -> bool:
        """Whether the resolved `address` of `host` may be connected to."""
        if self._named(host.strip("[]"), port):
            return True
        ip = ipaddress.ip_address(address.split("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None)
        ip = mapped or ip
        if ip.is_loopback and self.allow_loopback:
            return True
        return ip.is_global and not ip.is_multicast and not ip.is_reserved


class _NotAllowedSocketError(Exception):
    """Raised below urllib3, where its own handling of OSError would retry or wrap it."""


def _connect(connection: Any, guard: Any) -> socket.socket:
    host, port = connection._dns_host.rstrip("."), connection.port
    try:
        found = resolve(host, port)
    except TimeoutError as exc:
        raise urllib3.exceptions.ConnectTimeoutError(connection, "timed out") from exc
    except (socket.gaierror, UnicodeError) as exc:
        raise urllib3.exceptions.NewConnectionError(connection, "name not found") from exc
    refused: OSError | None = None
    for family, kind, protocol, _name, address in found:
        if not guard(host, port, address[0]):
            continue
        link = DeadlineSocket(family, kind, protocol)
        try:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.connect(address)
        except TimeoutError as exc:
            link.close()
            raise urllib3.exceptions.ConnectTimeoutError(connection, "timed out") from exc
        except OSError as exc:
            link.close()
            refused = exc
        else:
            return link
    if refused is None:
        raise _NotAllowedSocketError("The address belongs to a private network.")
    raise urllib3.exceptions.NewConnectionError(connection, str(refused)) from refused


def _read(answer: Any, max_bytes: int) -> bytes:
    parts, size = [], 0
    for chunk in answer.stream(65536, decode_content=True):
        size += len(chunk)
        if size > max_bytes:
            raise FetchError("too_large", f"The answer is larger than {max_bytes} bytes.")
        remaining()  # unpacking takes time too
        parts.append(chunk)
    return b"".join(parts)


def _fetch_error(exc: Exception) -> FetchError:
    if isinstance(exc, urllib3.exceptions.NewConnectionError):  # a time-out to urllib3's mind
        return FetchError("unreachable", "It could not be reached.")
    if isinstance(exc, urllib3.exceptions.TimeoutError | TimeoutError):
        return FetchError("timeout", "It did not answer in time.")
    if isinstance(exc, urllib3.exceptions.SSLError):
        return FetchError("tls", "Its certificate could not be trusted.")
    if isinstance(exc, urllib3.exceptions.LocationParseError):
        return AddressNotAllowedError("This is not a web address.")
    return FetchError("unreachable", "It could not be reached.")


def _is_loopback_host(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
