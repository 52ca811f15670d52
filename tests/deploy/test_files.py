"""The files for servers agree with the program: limits, times, parts, and what they may not do."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from core.config import MEBIBYTE, Config
from lti_tool.commands.serving import HEAD_BYTES, IDLE_SECONDS
from lti_tool.evidence.blueprint import FORM_ROOM

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CONTAINERS = DEPLOY / "containers"
SCRIPTS = ("install", "as-milepost", "containers/make-secrets")


def said(name: str) -> str:
    """A file without its comments."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, pattern
    return int(found[1])


@pytest.mark.parametrize(
    ("name", "pattern", "unit"),
    [
        ("nginx.conf", r"client_max_body_size (\d+)m;", MEBIBYTE),
        ("Caddyfile", r"max_size (\d+)MiB", MEBIBYTE),
    ],
)
def test_proxies_take_the_largest_upload_and_its_form(name: str, pattern: str, unit: int) -> None:
    largest = Config.upload_max_bytes + FORM_ROOM
    assert largest <= number(pattern, said(name)) * unit <= largest * 1.05


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("nginx.conf", r"keepalive_timeout (\d+)s;"), ("Caddyfile", r"keepalive (\d+)s")],
)
def test_proxies_let_go_of_a_connection_before_the_server_does(name: str, pattern: str) -> None:
    assert number(pattern, said(name)) < IDLE_SECONDS


def test_nginx_lets_a_long_login_through_to_our_own_page() -> None:
    kilobytes = number(r"large_client_header_buffers 4 (\d+)k;", said("nginx.conf"))
    assert HEAD_BYTES >= kilobytes * 1024 >= 64 * 1024


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_proxies_leave_headers_cookies_and_caching_to_the_pages(name: str) -> None:
    text = said(name).lower()
    for word in (
        "x-frame-options", "content-security-policy", "proxy_cookie", "proxy_hide_header",
        "proxy_cache_valid", "proxy_cache_path", "add_header", "set-cookie", "encode ", "gzip on",
    ):  # fmt: skip
        assert word not in text, word


def test_nginx_overwrites_what_a_visitor_says_of_himself() -> None:
    text = said("nginx.conf")
    for name in ("Host", "X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto"):
        assert re.search(rf"proxy_set_header {name} \$\w+;", text), name
    assert "$proxy_add_x_forwarded_for" not in text
    assert "MILEPOST_TRUSTED_PROXIES=1" in (DEPLOY / "milepost.env").read_text(encoding="utf-8")


def test_no_header_with_an_underscore_passes_for_one_of_the_proxys() -> None:
    assert "underscores_in_headers" not in said("nginx.conf"), "off, unless somebody says otherwise"
    assert "request_header -X_*" in said("Caddyfile")


def test_nginx_logs_no_links_and_no_hints() -> None:
    text = said("nginx.conf")
    form = text[text.index("log_format") : text.index(";", text.index("log_format"))]
    for variable in ("$request ", "$request_uri", "$uri", "$args", "$remote_addr", "$http_"):
        assert variable not in f"{form} "
    page = re.search(r'"~(\^\(.*)" \$page;', text)
    assert page
    pattern = re.compile(page[1].replace("(?<", "(?P<"))
    for path, logged in {
        "/lti/register/0123.secret": "/lti/register",
        "/access/secret": "/access",
        "/s/0a0b/evidence": "/s",
        "/lti/launch": "/lti/launch",
    }.items():
        found = pattern.match(path)
        assert found
        assert found["page"] == logged


def test_the_container_holds_every_part_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", said("containers/Containerfile"), re.MULTILINE
    )
    sources = {source for line in copied for source in line.split()}
    parts = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sources >= {*parts, "pyproject.toml", project["project"]["readme"], "LICENSE"}
    ignore = (CONTAINERS / "Containerfile.dockerignore").read_text(encoding="utf-8").split()
    assert sources <= {line.removeprefix("!") for line in ignore if line.startswith("!")}
    assert all((ROOT / source).exists() for source in sources)


def test_programs_are_installed_from_the_pinned_list_and_run_without_roots_rights() -> None:
    container = said("containers/Containerfile")
    assert "--require-hashes -r requirements/run.txt" in container
    assert container.index("USER milepost") > container.rindex("FROM ")
    assert '--require-hashes -r "$here/requirements/run.txt"' in said("install")
    assert "setpriv --reuid milepost" in said("as-milepost")


def test_secrets_of_the_containers_are_files_and_stay_out_of_the_repository() -> None:
    compose, made = said("containers/compose.yaml"), said("containers/make-secrets")
    named = set(re.findall(r"file: \./secrets/(\S+)}", compose))
    assert named == set(re.findall(r">(\w+\.\w+)$", made, re.MULTILINE))
    assert not re.search(r"(PASSWORD|MASTER_KEY|DATABASE_URL):", compose)
    ignored = (CONTAINERS / ".gitignore").read_text(encoding="utf-8").split()
    assert {".env", "secrets/"} <= set(ignored)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_read_and_run(name: str) -> None:
    assert (DEPLOY / name).stat().st_mode & 0o111
    done = subprocess.run(["sh", "-n", DEPLOY / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_secrets_are_made_once_and_read_by_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "make-secrets"
    script.write_text((CONTAINERS / "make-secrets").read_text(encoding="utf-8"))
    subprocess.run(["sh", script], check=True, capture_output=True)
    folder = tmp_path / "secrets"
    before = {path.name: path.read_text() for path in folder.iterdir()}
    subprocess.run(["sh", script], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert folder.stat().st_mode & 0o077 == 0
    read = Config.from_env(
        {
            "MILEPOST_BASE_URL": "https://learning.example.org",
            "MILEPOST_MASTER_KEY_FILE": str(folder / "master.key"),
            "MILEPOST_DATABASE_URL_FILE": str(folder / "database.url"),
        }
    )
    assert before["database.password"] in read.database_url
