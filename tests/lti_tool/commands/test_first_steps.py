"""What a newcomer does on an empty machine, by commands alone (README, Running it for real)."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from core.identity import Organisation, Person, owner_of
from lti_tool.app import create_app
from lti_tool.commands.common import opened, read_config
from tests.badges.achievements.test_case import item, package
from tests.lti_tool.commands.shell import Shell
from tests.support.badges import DOCUMENT
from tests.support.environment import BASE_URL

ALDER = ("organisation", "add", "alder-valley", "--name", "Alder Valley Schools")
ISSUER = ("issuer", "add", "alder-valley", "--organisation", "alder-valley", "--name", "Alder")


def published_keys(shell: Shell) -> list[str]:
    """The kids at /.well-known/jwks.json, as an LMS would read them."""
    with opened(read_config(shell.env)) as runtime:
        client = create_app(runtime=runtime).test_client()
        answer = client.get("/.well-known/jwks.json", base_url=BASE_URL)
        assert answer.status_code == 200
        return [key["kid"] for key in answer.get_json()["keys"]]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def changed(document: Path, **changes: Any) -> Path:
    path = document.with_name("changed.json")
    path.write_text(json.dumps({**json.loads(document.read_text()), **changes}))
    return path


def test_from_nothing_to_a_healthy_installation(shell: Shell, document: Path) -> None:
    assert "was at nothing and is now at" in shell.do("db", "upgrade")
    assert "was added" in shell.do(*ALDER, "--timezone", "Europe/Vienna")
    assert "did:web:milepost.test:issuers:alder-valley" in shell.do(*ISSUER)
    told = shell.do("micro-credential", "publish", document, "--issuer", "alder-valley")
    assert "is published as version 1" in told
    assert f"{BASE_URL}/to/micro-credential/" in told
    told = shell.do(
        "platform", "add", "--organisation", "alder-valley", "--name", "Our Moodle",
        "--family", "moodle", "--site-url", "https://moodle.example.org", "--client-id", "abc",
        "--deployment-id", "1", "--deployment-id", "2",
    )  # fmt: skip
    assert f"{BASE_URL}/lti/login" in told
    assert "https://moodle.example.org" in shell.do("platform", "list")
    assert "wrong" not in shell.do("doctor")


def test_an_upgrade_makes_the_key_that_launches_need_once(shell: Shell) -> None:
    shell.do("db", "upgrade")
    [first] = published_keys(shell)
    assert "up to date" in shell.do("db", "upgrade")
    assert published_keys(shell) == [first]
    [row] = shell.json("keys", "list")
    assert (row["ring"], row["algorithm"], row["state"]) == ("lti", "RS256", "active")
    assert row["kid"] == first


def test_rotation_publishes_the_new_key_and_keeps_the_old(migrated: Shell) -> None:
    [old] = published_keys(migrated)
    [made] = migrated.json("keys", "rotate", "lti")
    assert published_keys(migrated) == [made["kid"], old]
    states = {row["kid"]: row["state"] for row in migrated.json("keys", "list")}
    assert states == {old: "retiring", made["kid"]: "active"}
    assert "signs from now on" in migrated.do("keys", "rotate", "lti")
    assert len(published_keys(migrated)) == 3


def test_only_a_ring_that_exists_is_rotated(migrated: Shell) -> None:
    assert "nobody has no active key" in migrated.refused("keys", "rotate", "nobody")


def test_no_command_shows_the_private_half(migrated: Shell) -> None:
    migrated.do(*ALDER)
    migrated.do(*ISSUER)
    assert len(migrated.json("keys", "list")) == 3
    for words in (("keys", "list"), ("keys", "list", "--json"), ("keys", "rotate", "lti")):
        told = migrated.do(*words)
        assert not any(word in told for word in ("PRIVATE", '"d"', "sealed"))


def test_organisations_form_a_tree(migrated: Shell) -> None:
    assert migrated.do("organisation", "list") == "None yet.\n"
    migrated.do(*ALDER, "--timezone", "Europe/Vienna")
    migrated.do(
        "organisation", "add", "brook", "--name", "Brook School", "--kind", "school",
        "--parent", "alder-valley",
    )  # fmt: skip
    above, below = migrated.json("organisation", "list")
    assert (above["slug"], above["parent"]) == ("alder-valley", None)
    assert above["timezone"] == "Europe/Vienna"
    assert (below["slug"], below["parent"], below["kind"]) == ("brook", "alder-valley", "school")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Alder Valley", "--name", "A"), "small letters, digits and hyphens"),
        (("-alder", "--name", "A"), "No such option"),
        (("alder", "--name", " "), "a name of at most 200"),
        (("alder", "--name", "A", "--timezone", "Mars/Olympus"), "is not a time zone"),
        (("alder", "--name", "A", "--timezone", "../../etc/passwd"), "is not a time zone"),
        (("alder", "--name", "A", "--parent", "nobody"), "no organisation called nobody"),
    ],
)
def test_an_organisation_that_cannot_be_is_refused(
    migrated: Shell, words: tuple[str, ...], said: str
) -> None:
    code = 2 if "option" in said else 1
    assert said in migrated.refused("organisation", "add", *words, code=code)
    assert migrated.json("organisation", "list") == []


def test_what_is_there_already_is_refused(migrated: Shell) -> None:
    migrated.do(*ALDER)
    migrated.do(*ISSUER)
    assert "already an organisation called alder-valley" in migrated.refused(*ALDER)
    assert "already an issuer called alder-valley" in migrated.refused(*ISSUER)
    assert len(migrated.json("organisation", "list")) == 1


def test_an_issuer_is_refused_with_every_fault(migrated: Shell) -> None:
    migrated.do(*ALDER)
    said = migrated.refused(
        "issuer", "add", "Alder Valley", "--organisation", "alder-valley", "--name", "A",
        "--url", "alder", "--email", "nobody",
    )  # fmt: skip
    for field in ("slug: ", "url: ", "email: "):
        assert f"\n{field}" in said
    said = migrated.refused("issuer", "add", "x", "--organisation", "nobody", "--name", "X")
    assert "no organisation called nobody" in said


def test_an_issuer_is_printed_for_machines_too(migrated: Shell) -> None:
    migrated.do(*ALDER)
    [row] = migrated.json(*ISSUER)
    assert row["did"] == "did:web:milepost.test:issuers:alder-valley"


def test_an_issuers_profile_is_written_from_a_file(migrated: Shell, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text('{"name": "Alder", "phone": "nobody"}')
    assert "There is no issuer called alder-valley" in (
        migrated.refused("issuer", "set", "alder-valley", file)
    )
    migrated.do(*ALDER)
    migrated.do(*ISSUER)
    assert "telephone number" in migrated.refused("issuer", "set", "alder-valley", file)
    file.write_text('{"name": "Alder", "address": {"address_locality": "Graz"}}')
    assert migrated.do("issuer", "set", "alder-valley", file).strip() == "Changed: address."
    assert migrated.do("issuer", "set", "alder-valley", file).strip() == "Nothing was different."


def test_a_framework_is_brought_in_from_a_file(migrated: Shell, tmp_path: Path) -> None:
    migrated.do(*ALDER)
    file = tmp_path / "case.json"
    file.write_text(json.dumps(package([item("a"), item("b")])))
    said = migrated.do("framework", file, "--organisation", "alder-valley")
    assert "A framework is here, with 2 items." in said
    file.write_text("{}")
    assert "no items" in migrated.refused("framework", file, "--organisation", "alder-valley")


@pytest.fixture
def with_issuer(migrated: Shell) -> Shell:
    migrated.do(*ALDER)
    migrated.do(*ISSUER)
    return migrated


def publish(shell: Shell, path: Path, *more: object) -> dict[str, Any]:
    [row] = shell.json("micro-credential", "publish", path, "--issuer", "alder-valley", *more)
    return dict(row)


def test_a_changed_file_becomes_the_next_version(with_issuer: Shell, document: Path) -> None:
    first = publish(with_issuer, document)
    second = publish(
        with_issuer, changed(document, minutes=900), "--replaces", first["achievement"]
    )
    assert (first["version"], second["version"]) == (1, 2)
    assert first["link"] == second["link"]
    assert with_issuer.json("micro-credential", "list") == [second]


def test_only_what_exists_is_replaced_and_by_its_own_issuer(
    with_issuer: Shell, document: Path
) -> None:
    first = publish(with_issuer, document)
    with_issuer.do("issuer", "add", "brook", "--organisation", "alder-valley", "--name", "Brook")
    words = ("micro-credential", "publish", document, "--issuer")
    said = with_issuer.refused(*words, "brook", "--replaces", first["achievement"])
    assert "belongs to another issuer" in said
    with_issuer.refused(*words, "alder-valley", "--replaces", uuid.uuid4())
    assert "no issuer called nobody" in with_issuer.refused(*words, "nobody")
    assert with_issuer.json("micro-credential", "list") == [first]


def test_an_unsound_file_is_refused_with_every_fault_by_its_place(
    with_issuer: Shell, document: Path
) -> None:
    rubric = json.loads(document.read_text())["rubric"]
    rubric["criteria"][0]["required_level"] = 9
    rubric["criteria"][1]["levels"] = []
    path = changed(document, name="", minutes="long", rubric=rubric, colour="red")
    said = with_issuer.refused("micro-credential", "publish", path, "--issuer", "alder-valley")
    for place in (
        "name: ", "minutes: ", "rubric.criteria[0].required_level: ",
        "rubric.criteria[1].levels: ", "colour: ",
    ):  # fmt: skip
        assert f"\n{place}" in said, said
    assert with_issuer.do("micro-credential", "list") == "None yet.\n"


def test_a_file_that_is_no_object_is_refused(with_issuer: Shell, tmp_path: Path) -> None:
    path = tmp_path / "it"
    for data in (b"", b"not json", b"[]", b'"x"', b"\xff\xfe\x00", b"{", b"[" * 100_000):
        path.write_bytes(data)
        said = with_issuer.refused("micro-credential", "publish", path, "--issuer", "alder-valley")
        assert str(path) in said


MOODLE = (
    "platform", "add", "--organisation", "alder-valley", "--name", "Our Moodle",
    "--family", "moodle", "--site-url", "https://moodle.example.org", "--client-id", "abc",
)  # fmt: skip


def test_a_platform_is_printed_for_machines_with_what_the_lms_asks_for(migrated: Shell) -> None:
    migrated.do(*ALDER)
    [row] = migrated.json(*MOODLE, "--deployment-id", "1", "--deployment-id", "2")
    assert row["jwks_url"] == f"{BASE_URL}/.well-known/jwks.json"
    [listed] = migrated.json("platform", "list")
    assert listed["id"] == row["id"]
    assert listed["deployments"] == "1, 2"
    assert listed["state"] == "enabled"
    assert listed["last_launch_at"] is None


def test_a_platform_that_cannot_be_is_refused_whole(migrated: Shell) -> None:
    migrated.do(*ALDER)
    said = migrated.refused(
        "platform", "add", "--organisation", "alder-valley", "--name", "X", "--client-id", "c",
        "--auth-login-url", "ftp://x",
    )  # fmt: skip
    for field in ("issuer: ", "auth_login_url: ", "auth_token_url: ", "jwks_url: "):
        assert f"\n{field}" in said
    said = migrated.refused(*MOODLE, "--deployment-id", "1", "--deployment-id", "1")
    assert "has that deployment already" in said
    assert migrated.do("platform", "list") == "None yet.\n"
    migrated.do(*MOODLE)
    assert "registered already" in migrated.refused(*MOODLE)
    assert len(migrated.json("platform", "list")) == 1


def test_a_role_is_granted_to_who_has_launched_before(migrated: Shell) -> None:
    migrated.do(*ALDER)
    words = ("role", "grant", "alder-valley")
    assert "has launched Milepost" in migrated.refused(*words, "rosa@example.org", "lead")
    with opened(read_config(migrated.env)) as runtime, runtime.database.transaction() as session:
        place = session.query(Organisation).one()
        rosa = Person(
            **owner_of(place), name="Rosa Ejemplo", email="Rosa@example.org",
            email_verified_at=runtime.now(),
        )  # fmt: skip
        session.add(rosa)
    told = migrated.do(*words, "rosa@example.org", "lead")
    assert told == f"Rosa Ejemplo ({rosa.id}) is now lead in Alder Valley Schools.\n"
    migrated.do(*words, rosa.id, "administrator")
    migrated.refused(*words, rosa.id, "teacher", code=2)
    migrated.refused("role", "grant", "nobody", rosa.id, "lead")
    with opened(read_config(migrated.env)) as runtime, runtime.database.transaction() as session:
        other = Person(
            **owner_of(place), name="R. E.", email="rosa@example.org",
            email_verified_at=runtime.now(),
        )  # fmt: skip
        session.add(other)
    assert str(rosa.id) in migrated.refused(*words, "rosa@example.org", "lead")


@pytest.mark.postgres
def test_the_same_steps_work_on_postgresql(shell: Shell, document: Path, postgres_url: str) -> None:
    there = shell.but(DATABASE_URL=postgres_url.replace("+psycopg", ""))
    there.do("db", "upgrade")
    [kid] = published_keys(there)
    there.do("db", "upgrade")
    assert published_keys(there) == [kid]
    there.do(*ALDER)
    there.do(*ISSUER)
    assert publish(there, document)["version"] == 1
    assert "already" in there.refused(*ALDER)
    there.do(*MOODLE)
    there.do("keys", "rotate", "lti")
    assert "wrong" not in there.do("doctor")
