import stat
from dataclasses import replace
from pathlib import Path

import pytest

from lti_tool.sandbox import (
    ResourceLinkSpec,
    Sandbox,
    SandboxConfig,
    SandboxConfigError,
    SandboxDataError,
    SandboxRefusedError,
    create_sandbox,
)
from lti_tool.sandbox.people import TEACHING_CIRCLE, WREN_SAMPLEWOOD
from lti_tool.sandbox.store import Store


@pytest.mark.parametrize("environment", ["", "production", "prod", "Demo", "development"])
def test_is_refused_outside_demo_and_test_before_anything_is_written(
    tmp_path: Path, environment: str
) -> None:
    with pytest.raises(SandboxRefusedError, match="'demo' or 'test'"):
        SandboxConfig(tmp_path / "lms", "client", "1", environment=environment)
    assert not (tmp_path / "lms").exists()


def test_an_environment_that_is_not_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxRefusedError):
        SandboxConfig(tmp_path, "client", "1")


@pytest.mark.parametrize("environment", ["demo", "test"])
def test_runs_in_demo_and_test(config: SandboxConfig, environment: str) -> None:
    assert create_sandbox(replace(config, environment=environment))


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SandboxConfigError) as caught:
        SandboxConfig(
            tmp_path,
            "",
            "1",
            base_url="http://127.0.0.1:8001/lms",
            tool_base_url="localhost:8000",
            links=[
                ResourceLinkSpec("A", "", "http://localhost:8000/a", score_maximum=0),
                ResourceLinkSpec("B", "", "/b"),
                ResourceLinkSpec("C", "", "http://localhost:8000/c", course="77"),
                ResourceLinkSpec(" ", "", "http://localhost:8000/d"),
            ],
            environment="test",
        )
    told = str(caught.value)
    for word in ("base_url", "tool_base_url", "client_id", "link 1", "link 2", "'77'", "link 4"):
        assert word in told


def test_two_links_of_one_name_in_one_course_are_refused(config: SandboxConfig) -> None:
    twin = ResourceLinkSpec("Twin", "", "http://localhost:8000/t")
    with pytest.raises(SandboxConfigError, match="Twin"):
        replace(config, links=(twin, twin))


def test_key_database_and_cookie_key_are_for_their_owner_only(
    config: SandboxConfig, tmp_path: Path
) -> None:
    config = replace(config, data_dir=tmp_path / "new" / "lms")
    create_sandbox(config)
    kept = {p.name: stat.S_IMODE(p.stat().st_mode) for p in config.data_dir.iterdir()}
    assert {"platform-key.pem", "cookie-key", "sandbox.sqlite3"} <= kept.keys()
    assert set(kept.values()) == {0o600}
    assert stat.S_IMODE(config.data_dir.stat().st_mode) == 0o700


def test_a_second_run_keeps_key_links_and_grades(config: SandboxConfig) -> None:
    first = Sandbox(config)
    with first.store.write() as connection:
        connection.execute(
            "INSERT INTO scores VALUES (1, ?, 3, 4, 'Good', 'Completed', 'FullyGraded', ?, ?)",
            (WREN_SAMPLEWOOD, "2026-03-02T08:30:00+00:00", "2026-03-02T08:30:00+00:00"),
        )
    second = Sandbox(replace(config, links=[*reversed(config.links)]))
    assert second.jwks() == first.jwks()
    assert {link.title: link.id for link in second.links()} == {
        link.title: link.id for link in first.links()
    }
    link = second.link("Asking better questions")
    grade = second.grade(WREN_SAMPLEWOOD, link.id)
    assert grade is not None
    assert grade.result == 3
    assert len(second.gradebook(TEACHING_CIRCLE).items) == 1


def test_a_link_that_left_the_settings_is_hidden_and_returns_under_its_id(
    config: SandboxConfig,
) -> None:
    before = Sandbox(config).link("Asking better questions").id
    without = Sandbox(replace(config, links=config.links[1:]))
    assert "Asking better questions" not in [link.title for link in without.links()]
    assert Sandbox(config).link("Asking better questions").id == before


def test_a_link_that_moves_to_another_course_takes_its_gradebook_item_along(
    config: SandboxConfig,
) -> None:
    Sandbox(config)
    moved = replace(config.links[2], course=TEACHING_CIRCLE)
    book = Sandbox(replace(config, links=(moved,))).gradebook(TEACHING_CIRCLE)
    assert "First weeks" in [item.label for item in book.items]


def test_a_folder_that_cannot_be_used_is_one_clear_error(
    config: SandboxConfig, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SandboxDataError, match="cannot be made"):
        create_sandbox(replace(config, data_dir=tmp_path / "file" / "lms"))


def test_a_key_file_with_something_else_is_one_clear_error(config: SandboxConfig) -> None:
    (config.data_dir / "platform-key.pem").write_text("no key")
    with pytest.raises(SandboxDataError, match="no private key"):
        create_sandbox(config)


def test_a_database_of_another_version_is_refused(config: SandboxConfig) -> None:
    Sandbox(config)
    path = config.data_dir / "sandbox.sqlite3"
    with Store(path).write() as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SandboxDataError, match="another version"):
        Sandbox(config)


def test_a_write_that_raises_leaves_nothing_behind(sandbox: Sandbox) -> None:
    def half_a_change() -> None:
        with sandbox.store.write() as connection:
            connection.execute("UPDATE resource_links SET title = 'Changed'")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_a_change()
    assert sandbox.link("first-weeks").title == "First weeks"
