from __future__ import annotations

import base64
from pathlib import Path

import pytest

from core.config import Config, origin
from core.errors import ConfigError
from core.postal import Folder, Smtp

KEY = base64.b64encode(bytes(32)).decode()


def good(tmp_path: Path, **more: str) -> dict[str, str]:
    return {
        "MILEPOST_BASE_URL": "https://learn.example.org",
        "MILEPOST_MASTER_KEY": KEY,
        "MILEPOST_HOME": str(tmp_path),
        **more,
    }


def test_the_badge_address_is_the_tools_own_unless_set(tmp_path: Path) -> None:
    assert Config.from_env(good(tmp_path)).badge_url == "https://learn.example.org"
    config = Config.from_env(good(tmp_path, MILEPOST_BADGE_URL="https://badges.example.org/"))
    assert config.badge_url == "https://badges.example.org"


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    env = {
        "MILEPOST_HOME": str(tmp_path),
        "MILEPOST_WORKERS": "many",
        "MILEPOST_DATABASE_URL": "mysql://x",
        "MILEPOST_DEFAULT_TIMEZONE": "Mars/Base",
    }
    with pytest.raises(ConfigError) as caught:
        Config.from_env(env)
    text = str(caught.value)
    for name in ("BASE_URL", "MASTER_KEY", "WORKERS", "DATABASE_URL", "DEFAULT_TIMEZONE"):
        assert f"MILEPOST_{name}" in text


def test_a_secret_can_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    env = good(tmp_path, MILEPOST_MASTER_KEY_FILE=str(path))
    del env["MILEPOST_MASTER_KEY"]
    assert Config.from_env(env).master_key == bytes(32)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    env = good(tmp_path, MILEPOST_METRICS_TOKEN_FILE=str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match=r"MILEPOST_METRICS_TOKEN_FILE names .*absent"):
        Config.from_env(env)


def test_a_setting_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    with pytest.raises(ConfigError, match="both set"):
        Config.from_env(good(tmp_path, MILEPOST_MASTER_KEY_FILE=str(path)))


@pytest.mark.parametrize("key", ["not base64!", base64.b64encode(b"short").decode()])
def test_a_master_key_of_the_wrong_form_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="MASTER_KEY is not usable"):
        Config.from_env(good(tmp_path, MILEPOST_MASTER_KEY=key))


def test_the_demo_makes_its_key_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    env = {"MILEPOST_HOME": str(tmp_path / "new"), "MILEPOST_ENVIRONMENT": "demo"}
    first, second = Config.from_env(env), Config.from_env(env)
    assert first.master_key == second.master_key
    assert (tmp_path / "new" / "master.key").stat().st_mode & 0o777 == 0o600


def test_an_unusable_home_is_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    env = {"MILEPOST_HOME": str(blocked / "home"), "MILEPOST_ENVIRONMENT": "demo"}
    with pytest.raises(ConfigError, match="MILEPOST_HOME"):
        Config.from_env(env)


def test_secrets_do_not_show_in_a_printed_config(tmp_path: Path) -> None:
    config = Config.from_env(good(tmp_path, MILEPOST_METRICS_TOKEN="tell-nobody"))
    assert "tell-nobody" not in repr(config)
    assert repr(config.master_key) not in repr(config)


@pytest.mark.parametrize(
    "text",
    ["learn.example.org", "https://x.org/path", "http://x.org", "https://u@x.org", "ftp://x.org"],
)
def test_an_address_that_is_no_safe_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it must|only https"):
        origin(text)


def test_postgres_addresses_use_the_driver_that_is_installed(tmp_path: Path) -> None:
    config = Config.from_env(good(tmp_path, MILEPOST_DATABASE_URL="postgres://u@h/db"))
    assert config.database_url == "postgresql+psycopg://u@h/db"


def test_mail_needs_a_server_and_a_sender(tmp_path: Path) -> None:
    assert Config.from_env(good(tmp_path)).post is None
    with pytest.raises(ConfigError, match="MILEPOST_MAIL_FROM is missing"):
        Config.from_env(good(tmp_path, MILEPOST_SMTP_URL="smtp://mail.example.org"))
    config = Config.from_env(
        good(
            tmp_path,
            MILEPOST_SMTP_URL="smtp://us%40er:p%2Fw@mail.example.org",
            MILEPOST_MAIL_FROM="Milepost <m@example.org>",
        )
    )
    assert config.post == Smtp("mail.example.org", 587, "start", "us@er", "p/w")
    assert config.mail_from == "Milepost <m@example.org>"
    assert "p/w" not in repr(config)
    assert "p/w" not in repr(config.post)


@pytest.mark.parametrize(
    ("url", "post"),
    [
        ("smtps://mail.example.org", Smtp("mail.example.org", 465, "always")),
        ("smtp://relay.local:25?tls=never", Smtp("relay.local", 25, "never")),
        ("smtps://a:b@[2001:db8::1]:4650", Smtp("2001:db8::1", 4650, "always", "a", "b")),
    ],
)
def test_a_mail_server_is_read(tmp_path: Path, url: str, post: Smtp) -> None:
    env = good(tmp_path, MILEPOST_SMTP_URL=url, MILEPOST_MAIL_FROM="m@example.org")
    assert Config.from_env(env).post == post


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org", "http://mail.example.org", "smtp://", "smtp://h:port",
        "smtp://u:sesame@h/path", "smtp://u:sesame@h?tls=never", "smtp://u@h", "smtp://h?tls=no",
        "smtps://h?tls=never", "smtp://u:ses#ame@h", "smtp://[h",
    ],
)  # fmt: skip
def test_a_mail_server_that_cannot_be_read_is_refused_without_its_password(
    tmp_path: Path, url: str
) -> None:
    env = good(tmp_path, MILEPOST_SMTP_URL=url, MILEPOST_MAIL_FROM="m@example.org")
    with pytest.raises(ConfigError) as caught:
        Config.from_env(env)
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith("MILEPOST_SMTP_URL is not usable: ")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("sender", ["nobody", "Milepost <>", "A <a@b.example>\nBcc: c@d.example"])
def test_a_sender_that_is_none_is_refused(tmp_path: Path, sender: str) -> None:
    with pytest.raises(ConfigError, match="MILEPOST_MAIL_FROM is not usable"):
        Config.from_env(good(tmp_path, MILEPOST_MAIL_FROM=sender))


def test_a_demo_keeps_mail_in_a_folder_and_production_never_does(tmp_path: Path) -> None:
    demo = Config.from_env(good(tmp_path, MILEPOST_ENVIRONMENT="demo"))
    assert demo.post == Folder(tmp_path / "mail")
    with pytest.raises(ConfigError, match="MILEPOST_SMTP_URL names a folder"):
        Config.from_env(good(tmp_path, MILEPOST_SMTP_URL="maildir:"))
