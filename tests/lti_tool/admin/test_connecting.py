"""Connecting an LMS from our pages: by a link, by typing, from a file."""

from __future__ import annotations

import io
import json
import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.lti.deployments import deployments_of
from lti_tool.lti.models import Platform
from lti_tool.lti.registering.models import RegistrationLink
from tests.lti_tool.admin.world import (
    OTHERS,
    admin_of,
    another,
    noted,
    platform_row,
    register,
)
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.support.badges import District

FAMILIES = ["canvas", "moodle", "schoology", "generic"]


def platforms(runtime: Runtime) -> list[Platform]:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return list(session.scalars(select(Platform).order_by(Platform.created_at)))


def deployment_ids(runtime: Runtime, platform: Platform) -> list[str]:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return [one.deployment_id for one in deployments_of(session, platform)]


def open_links(runtime: Runtime) -> list[RegistrationLink]:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return list(session.scalars(select(RegistrationLink)))


def add(visit: Visit, family: str, **given: str) -> tuple[int, str]:
    path = f"/connections/new/{family}"
    answer = visit.post(path, given, page=path)
    return answer.status_code, answer.text


def test_every_family_has_a_page_that_shows_what_to_type(pia: Visit) -> None:
    chooser = pia.get("/connections/new").text
    for family in FAMILIES:
        assert f"/connections/new/{family}" in chooser
        page = pia.get(f"/connections/new/{family}")
        assert page.status_code == 200
        assert "https://milepost.test/" in page.text
        assert 'name="client_id"' in page.text
    assert "https://milepost.test/lti/canvas.json" in pia.get("/connections/new/canvas").text
    for name in ("sandbox", "nonsense", "..%2Fconnect"):
        assert pia.get(f"/connections/new/{name}").status_code == 404


def test_schoologys_fixed_addresses_are_filled_in(pia: Visit, runtime: Runtime) -> None:
    assert "https://lti-service.svc.schoology.com/" in pia.get("/connections/new/schoology").text
    given = {"name": "Alder Schoology", "client_id": "123", "deployments": " 1-a \n\n2-b\r\n1-a\n"}
    status, _text = add(pia, "schoology", **given)
    assert status == 303
    [made] = platforms(runtime)
    assert made.issuer == "https://schoology.schoology.com"
    assert made.auth_token_url.endswith("/lti-service/access-token")
    assert deployment_ids(runtime, made) == ["1-a", "2-b"]
    page = pia.get(f"/connections/{made.id}").text
    assert "Alder Schoology is registered." in page
    [event] = noted(runtime, made.id)
    assert (event.action, event.actor_id) == ("platform.add", pia.person.id)


def test_moodles_addresses_follow_from_its_own(pia: Visit, runtime: Runtime) -> None:
    given = {"name": "Alder Moodle", "client_id": "x", "site_url": "https://moodle.example.org/"}
    assert add(pia, "moodle", **given)[0] == 303
    [made] = platforms(runtime)
    assert made.jwks_url == "https://moodle.example.org/mod/lti/certs.php"
    assert deployment_ids(runtime, made) == []
    assert "There is none yet, so nobody can launch." in pia.get(f"/connections/{made.id}").text


def test_canvas_needs_a_name_and_a_client_id(pia: Visit, runtime: Runtime) -> None:
    assert add(pia, "canvas", name="Hillcrest", client_id="10000000000042")[0] == 303
    [made] = platforms(runtime)
    assert made.auth_token_url.startswith("https://sso.canvaslms.com/")


def test_any_other_lms_is_typed_in_full(pia: Visit, runtime: Runtime) -> None:
    given = {
        "name": "Dale", "client_id": "c", "issuer": "https://dale.example",
        "auth_login_url": "https://dale.example/auth", "jwks_url": "https://dale.example/jwks",
        "auth_token_url": "https://dale.example/token", "deployments": "d1",
    }  # fmt: skip
    assert add(pia, "generic", **given)[0] == 303
    [made] = platforms(runtime)
    assert (made.family, made.issuer) == ("generic", "https://dale.example")


@pytest.mark.parametrize(
    ("family", "given", "words"),
    [
        ("moodle", {"name": "M", "client_id": "x"}, "Give the address of your Moodle"),
        ("moodle", {"name": "M", "client_id": "x", "site_url": "http://m.example"}, "https"),
        ("canvas", {"name": "", "client_id": "x"}, "Give the platform a name"),
        ("canvas", {"name": "C", "client_id": ""}, "client id"),
        ("schoology", {"name": "S", "client_id": "x", "deployments": "x" * 300}, "deployment id"),
        ("generic", {"name": "<b>G</b>", "client_id": "x"}, "&lt;b&gt;G&lt;/b&gt;"),
    ],
)
def test_a_fault_registers_nothing_and_keeps_what_was_typed(
    pia: Visit, runtime: Runtime, family: str, given: dict[str, str], words: str
) -> None:
    status, text = add(pia, family, **given)
    assert status == 422
    assert words in text
    assert "Everything you typed is still here." in text
    assert f'value="{given["client_id"]}"' in text
    assert platforms(runtime) == []


def test_what_is_registered_already_is_said_so_and_not_overwritten(
    pia: Visit, app: Flask, district: District, runtime: Runtime
) -> None:
    register(runtime, another(runtime, "Brook"), "Alder Moodle", "1")
    given = {"name": "Mine", "client_id": "abc", "site_url": "https://alder.example.org"}
    status, text = add(pia, "moodle", **given)
    assert status == 409
    assert "registered already" in text
    assert "Brook" not in text
    assert [one.name for one in platforms(runtime)] == ["Alder Moodle"]


def test_a_registration_address_is_shown_once_listed_and_withdrawn(
    pia: Visit, app: Flask, runtime: Runtime
) -> None:
    made = pia.post("/connections/links", {"family": "moodle"}, page="/connections/new/moodle")
    assert made.status_code == 200
    [address] = re.findall(r'value="(https://milepost\.test/lti/register/[^"]+)"', made.text)
    assert "It works until" in made.text
    token = unescape(address).rpartition("/")[2]
    listed = pia.get("/connections").text
    assert "Open registration addresses" in listed
    assert token not in listed
    [link] = open_links(runtime)
    path = f"/connections/links/{link.id}/withdraw"
    assert pia.post(path, {}, page="/connections").status_code == 303
    assert "Open registration addresses" not in pia.get("/connections").text
    gone = pia.post(path, {}, page="/connections/new/generic")
    assert gone.status_code == 404
    actions = [event.action for event in noted(runtime, link.id)]
    assert actions == ["registration_link.made", "registration_link.withdraw"]


def test_an_address_may_be_for_a_school_below_and_for_one_platform(
    pia: Visit, runtime: Runtime, district: District
) -> None:
    school = another(runtime, "Brook", district.organisation)
    pia.post("/connections/links", {"organisation": str(school.id)}, page="/connections/new/moodle")
    platform = register(runtime, district.organisation, "Alder Moodle", "1")
    page = f"/connections/{platform.id}"
    pia.post("/connections/links", {"platform": str(platform.id)}, page=page)
    assert {(one.owner_id, one.platform_id) for one in open_links(runtime)} == {
        (school.id, None), (district.organisation.id, platform.id),
    }  # fmt: skip


def test_an_export_is_imported_elsewhere(
    app: Flask, pia: Visit, runtime: Runtime, district: District
) -> None:
    platform = register(runtime, district.organisation, "Alder Moodle", "1", "2")
    answer = pia.get(f"/connections/{platform.id}/export.json")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    document = json.loads(answer.text)
    assert [one["deployment_id"] for one in document["deployments"]] == ["1", "2"]
    document["client_id"] = "another"
    sent = {"document": json.dumps(document)}
    assert pia.post("/connections/import", sent, page="/connections/new/generic").status_code == 303
    [_first, made] = platforms(runtime)
    assert (made.client_id, made.jwks_url) == ("another", platform.jwks_url)
    assert deployment_ids(runtime, made) == ["1", "2"]
    assert noted(runtime, made.id)[-1].action == "platform.import"


def test_a_file_is_imported_too(pia: Visit, runtime: Runtime, district: District) -> None:
    platform = register(runtime, district.organisation, "Alder Moodle", "1")
    document = json.loads(pia.get(f"/connections/{platform.id}/export.json").text)
    body = json.dumps({**document, "client_id": "file"}).encode()
    token = pia.token("/connections/new/generic")
    answer = pia.client.post(
        f"/s/{pia.sid}/connections/import", base_url="https://milepost.test",
        data={"csrf_token": token, "file": (io.BytesIO(body), "platform.json")},
    )  # fmt: skip
    assert answer.status_code == 303
    assert [one.client_id for one in platforms(runtime)] == ["abc", "file"]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "{}", '{"name": 1}', "[" * 5000, '{"<b>x</b>": 1}', "x" * 300_000],
)
def test_what_is_no_export_is_refused_in_words(pia: Visit, runtime: Runtime, text: str) -> None:
    page = "/connections/new/generic"
    answer = pia.post("/connections/import", {"document": text}, page=page)
    assert answer.status_code == 422
    assert "to look at" in answer.text
    assert "<b>x" not in answer.text
    assert platforms(runtime) == []


def test_what_was_in_a_faulty_file_is_kept_to_be_mended(pia: Visit) -> None:
    answer = pia.client.post(
        f"/s/{pia.sid}/connections/import", base_url="https://milepost.test",
        data={
            "csrf_token": pia.token("/connections/new/generic"),
            "file": (io.BytesIO(b'{"name": "Kept'), "platform.json"),
        },
    )  # fmt: skip
    assert answer.status_code == 422
    assert '{"name": "Kept' in unescape(answer.text)
    assert "Everything you typed is still here." in answer.text
    assert "choose it again" not in answer.text


def test_nobody_connects_for_an_organisation_that_is_not_theirs(
    app: Flask, pia: Visit, runtime: Runtime, district: District
) -> None:
    stranger = another(runtime, "Brook")
    given = {"name": "C", "client_id": "x", "organisation": str(stranger.id)}
    assert add(pia, "canvas", **given)[0] == 404
    for path in ("/connections/links", "/connections/import"):
        sent = {"organisation": str(stranger.id), "document": json.dumps({})}
        assert pia.post(path, sent, page="/connections/new/generic").status_code in (404, 422)
    theirs = register(runtime, stranger, "Brook Moodle", "1")
    sent = {"platform": str(theirs.id)}
    assert pia.post("/connections/links", sent, page="/connections/new/moodle").status_code == 404
    assert len(platforms(runtime)) == 1
    assert open_links(runtime) == []


def test_a_schools_administrator_does_not_withdraw_the_districts_address(
    app: Flask, pia: Visit, runtime: Runtime, district: District
) -> None:
    pia.post("/connections/links", {}, page="/connections/new/moodle")
    [link] = open_links(runtime)
    school = admin_of(app, district, another(runtime, "Brook", district.organisation))
    assert "Open registration addresses" not in school.get("/connections").text
    path = f"/connections/links/{link.id}/withdraw"
    assert school.post(path, {}, page="/connections/new/moodle").status_code == 404
    assert "Open registration addresses" in pia.get("/connections").text


def test_who_is_no_administrator_connects_nothing(
    app: Flask, district: District, runtime: Runtime
) -> None:
    coach = visit_as(app, district, district.learner, frozenset(OTHERS))
    for path in ("/connections/new", *(f"/connections/new/{family}" for family in FAMILIES)):
        assert coach.get(path).status_code == 403
    page = f"/micro-credential/{district.achievement.id}"
    for path in ("/connections/links", "/connections/import", "/connections/new/canvas"):
        assert coach.post(path, {"name": "x"}, page=page).status_code == 403
    assert platforms(runtime) == []
    assert open_links(runtime) == []


def test_no_page_of_the_area_carries_script_or_style_of_its_own(
    pia: Visit, runtime: Runtime, district: District
) -> None:
    platform = register(runtime, district.organisation, "Alder Moodle", "1")
    paths = ["/connections", "/connections/new", f"/connections/{platform.id}", "/deliveries",
             f"/connections/{platform.id}/settings"]  # fmt: skip
    for path in [*paths, *(f"/connections/new/{family}" for family in FAMILIES)]:
        page = pia.get(path).text
        assert " style=" not in page
        assert not re.search(r"<script(?! type=\"module\" src=)", page)
        assert not re.search(r"\son\w+=", page)
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), path
    assert platform_row(runtime, platform).name == "Alder Moodle"
