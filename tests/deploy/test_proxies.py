"""The proxies' files are valid, and a login comes through nginx unharmed."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.identity import create_organisation
from core.scope import set_scope
from lti_tool.lti.registration import add_platform
from tests.support.environment import MASTER_KEY, make_runtime, migrated_sqlite
from tests.support.ports import free_port

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
HOST = "learning.example.org"

needs_nginx = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is missing (Debian: apt-get install nginx)"
)


def certificate(folder: Path) -> None:
    """A certificate for HOST, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def nginx_files(folder: Path, *, upstream: int, port: int) -> Path:
    """Our file as it is but for ports and places; returns the main file around it."""
    certificate(folder)
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    site = re.sub(r"listen \[::\].*;\n", "", site)
    for before, after in {
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        f"/etc/letsencrypt/live/{HOST}/": f"{folder}/",
        "/var/log/nginx/milepost.log": f"{folder}/access.log",
    }.items():
        assert before in site, before
        site = site.replace(before, after)
    (folder / "site.conf").write_text(site, encoding="utf-8")
    places = "".join(
        f"  {name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    main = folder / "nginx.conf"
    main.write_text(
        f"{user}daemon off;\nmaster_process off;\npid {folder}/pid;\n"
        f"error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\n{places}  include {folder}/site.conf;\n}}\n"
    )
    return main


@needs_nginx
def test_nginx_takes_its_file(tmp_path: Path) -> None:
    main = nginx_files(tmp_path, upstream=8000, port=free_port())
    done = subprocess.run(
        ["nginx", "-t", "-e", tmp_path / "error.log", "-c", main],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[emerg]" not in done.stderr


@pytest.mark.skipif(
    shutil.which("caddy") is None, reason="caddy is missing (Debian: apt-get install caddy)"
)
def test_caddy_takes_its_file(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SITE_DOMAIN": HOST}
    done = subprocess.run(
        ["caddy", "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Valid configuration" in done.stdout + done.stderr, done.stderr
    adapted = subprocess.run(
        ["caddy", "adapt", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert '"127.0.0.1:8000"' in adapted.stdout


@pytest.fixture(scope="module")
def behind_nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """`milepost serve` behind nginx; the port to ask and the folder of nginx."""
    folder = tmp_path_factory.mktemp("proxy")
    upstream, port = free_port(), free_port()
    main = nginx_files(folder, upstream=upstream, port=port)
    home = folder / "home"
    home.mkdir()
    migrated_sqlite(folder / "template.sqlite", home / "milepost.sqlite")
    runtime = make_runtime(home)
    with runtime.database.transaction() as session:
        place = create_organisation(session, name="Alder Valley", slug="alder-valley")
        set_scope(session, place.scope)
        add_platform(
            session, place, name="Moodle", family="moodle", site_url="https://moodle.example.org",
            client_id="abc", now=runtime.now(),
        )  # fmt: skip
    runtime.close()
    env = {
        "PATH": os.environ["PATH"],
        "MILEPOST_ENVIRONMENT": "test",
        "MILEPOST_HOME": str(home),
        "MILEPOST_MASTER_KEY": b64encode(MASTER_KEY).decode(),
        "MILEPOST_BASE_URL": f"https://{HOST}",
        "MILEPOST_TRUSTED_PROXIES": "1",
        "MILEPOST_METRICS_TOKEN": "secret",
        "MILEPOST_WORKERS": "1",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "lti_tool.cli", "serve", "--port", str(upstream)], env=env
        ),
        subprocess.Popen(["nginx", "-e", folder / "error.log", "-c", main]),
    ]
    try:
        wait_until(lambda: is_open(upstream) and is_open(port))
        yield port, folder
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for another process, at most half a minute."""
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Connection(http.client.HTTPSConnection):
    """To HOST, wherever it is."""

    def __init__(self, port: int, folder: Path) -> None:
        trusted = ssl.create_default_context(cafile=folder / "fullchain.pem")
        super().__init__(HOST, port, timeout=20, context=trusted)
        self.trusted = trusted

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self.sock = self.trusted.wrap_socket(plain, server_hostname=HOST)


def ask(
    front: tuple[int, Path], method: str, path: str, body: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, str]:
    connection = Connection(*front)
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "1.2.3.4", "Host": HOST}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, path, urlencode(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


LOGIN = {
    "iss": "https://moodle.example.org",
    "client_id": "abc",
    "login_hint": "2",
    "lti_message_hint": '{"cmid":1}',
    "target_link_uri": f"https://{HOST}/to/home",
}


@needs_nginx
def test_a_login_comes_through_with_its_cookie_as_it_was(behind_nginx: tuple[int, Path]) -> None:
    status, headers, _body = ask(behind_nginx, "POST", "/lti/login", LOGIN)
    assert status == 302
    assert headers["Location"].startswith("https://moodle.example.org/mod/lti/auth.php?")
    assert "redirect_uri=https%3A%2F%2Flearning.example.org%2Flti%2Flaunch" in headers["Location"]
    parts = {part.strip() for part in headers["Set-Cookie"].split(";")}
    assert {"Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"} <= parts
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] is None
    assert len(headers.get_all("Content-Security-Policy") or []) == 1


@needs_nginx
def test_a_long_hint_reaches_our_own_page(behind_nginx: tuple[int, Path]) -> None:
    query = urlencode({**LOGIN, "lti_message_hint": "a" * 30_000})
    status, headers, body = ask(behind_nginx, "GET", f"/lti/login?{query}")
    assert status == 413
    assert headers["X-Request-Id"] in body


@needs_nginx
def test_figures_are_not_for_strangers_and_the_log_tells_nothing(
    behind_nginx: tuple[int, Path],
) -> None:
    assert ask(behind_nginx, "GET", "/metrics")[0] == 404
    _status, headers, _body = ask(behind_nginx, "GET", "/access/a-secret-way-in?name=wren")
    log = behind_nginx[1] / "access.log"
    # nginx answers first and writes it down afterwards.
    wait_until(lambda: headers["X-Request-Id"] in log.read_text())
    assert not re.search(r"a-secret|wren|127\.0\.0\.1|login_hint", log.read_text())
