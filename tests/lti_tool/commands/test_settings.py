"""Settings that are missing or wrong, databases that are not there: sentences, and no traces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.db import Database
from lti_tool.commands.beside_demo import recalled
from tests.lti_tool.commands.shell import Shell
from tests.support.ports import free_port

COMMANDS = [
    pytest.param(words.split(), id=words)
    for words in (
        "serve", "worker", "worker --once", "db upgrade", "doctor", "platform list",
        "organisation add north --name North", "organisation list", "keys list", "keys rotate lti",
        "micro-credential list", "badge list",
    )
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS)
def test_every_fault_of_the_settings_is_told_and_nothing_is_made(
    words: list[str], shell: Shell
) -> None:
    wrong = shell.but(
        BASE_URL="ftp://x", MASTER_KEY="short", WORKERS="many", DEFAULT_TIMEZONE="Mars/Olympus"
    )
    said = wrong.refused(*words)
    for name in ("BASE_URL", "MASTER_KEY", "WORKERS", "DEFAULT_TIMEZONE"):
        assert said.count(f"MILEPOST_{name} is not usable") == 1, said
    assert not shell.home.exists()


@pytest.mark.parametrize("words", COMMANDS)
def test_missing_settings_are_asked_for_by_name(words: list[str], shell: Shell) -> None:
    said = shell.but(BASE_URL=None, MASTER_KEY=None).refused(*words)
    assert "MILEPOST_BASE_URL is missing" in said
    assert "MILEPOST_MASTER_KEY is missing" in said
    assert "openssl rand -base64 32" in said
    assert not shell.home.exists()


@pytest.mark.parametrize(
    "url", ["sqlite:nonsense", "postgresql://host:port/name", "postgresql+psycopg:", "mysql://x/y"]
)
def test_a_database_address_that_cannot_be_read_is_told(url: str, shell: Shell) -> None:
    said = shell.but(DATABASE_URL=url).refused("platform", "list")
    assert "MILEPOST_DATABASE_URL is not usable" in said


@pytest.mark.parametrize("url", ["nowhere://bucket/x", "s3://bucket"])
def test_a_place_for_files_that_is_not_known_is_told(url: str, shell: Shell) -> None:
    said = shell.but(FILES_URL=url).refused("db", "upgrade")
    assert "MILEPOST_FILES_URL is not usable" in said
    assert not shell.home.exists()


def test_faults_of_both_addresses_are_told_at_once(shell: Shell) -> None:
    said = shell.but(FILES_URL="nowhere://x", DATABASE_URL="sqlite:x").refused("doctor")
    assert "MILEPOST_DATABASE_URL" in said
    assert "MILEPOST_FILES_URL" in said


def test_a_master_key_may_stand_in_a_file(migrated: Shell, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(migrated.env["MILEPOST_MASTER_KEY"] + "\n")
    from_file = migrated.but(MASTER_KEY=None, MASTER_KEY_FILE=str(tmp_path / "key"))
    assert from_file.json("keys", "list") == migrated.json("keys", "list")


def test_a_database_without_tables_asks_for_the_upgrade(shell: Shell) -> None:
    shell.home.mkdir()
    for words in ("platform list", "keys list", "badge list", "serve", "worker", "worker --once"):
        port = ["--port", str(free_port())] if words == "serve" else []
        said = shell.refused(*words.split(), *port)
        assert "no tables yet. Run: milepost db upgrade" in said, words


def test_a_new_installation_is_told_where_to_begin(shell: Shell) -> None:
    assert "milepost db upgrade" in shell.refused("platform", "list")
    assert not shell.home.exists()


def test_an_older_database_asks_for_the_upgrade(migrated: Shell) -> None:
    database = Database(f"sqlite:///{migrated.home / 'milepost.sqlite'}")
    with database.transaction() as session:
        for statement in (
            "UPDATE alembic_version SET version_num = '0000'",
            "ALTER TABLE lti_platforms RENAME TO gone",
        ):
            session.connection().exec_driver_sql(statement)
    database.close()
    said = migrated.refused("platform", "list")
    assert "The database is at 0000, this version needs 0" in said
    assert "milepost db upgrade" in said


def test_a_database_of_a_newer_version_is_left_alone(migrated: Shell) -> None:
    database = Database(f"sqlite:///{migrated.home / 'milepost.sqlite'}")
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "a newer version of Milepost has used it" in migrated.refused("db", "upgrade")


def test_a_database_server_that_does_not_answer_is_told_in_one_line(shell: Shell) -> None:
    away = shell.but(DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    said = away.refused("db", "upgrade")
    assert said.startswith("Error: The database cannot be used: ")
    assert len(said.strip().splitlines()) == 1


def test_a_file_that_is_no_database_is_told(shell: Shell) -> None:
    shell.home.mkdir()
    (shell.home / "milepost.sqlite").write_text("a shopping list " * 100)
    assert "file is not a database" in shell.refused("platform", "list")


def test_a_home_that_cannot_be_made_is_told(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = shell.but(HOME=str(tmp_path / "file" / "home")).refused("db", "upgrade")
    assert "(MILEPOST_HOME) cannot be used" in said


def test_commands_beside_a_demo_take_its_settings(tmp_path: Path) -> None:
    kept = {"MILEPOST_BASE_URL": "http://localhost:9000", "MILEPOST_BADGE_URL": "http://localhost"}
    (tmp_path / "demo.json").write_text(json.dumps(kept))
    env = {"MILEPOST_HOME": str(tmp_path), "PATH": "/bin"}
    assert recalled(env) == {**env, **kept, "MILEPOST_ENVIRONMENT": "demo"}


@pytest.mark.parametrize("name", ["BASE_URL", "MASTER_KEY_FILE", "ENVIRONMENT"])
def test_who_names_an_installation_gets_that_one(name: str, tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"MILEPOST_BASE_URL": "http://localhost:9000"}')
    env = {"MILEPOST_HOME": str(tmp_path), f"MILEPOST_{name}": "x"}
    assert recalled(env) == env


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_broken_note_of_a_demo_changes_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text(text)
    env = {"MILEPOST_HOME": str(tmp_path)}
    assert recalled(env) == env
