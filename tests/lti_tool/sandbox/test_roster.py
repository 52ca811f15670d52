"""Names and Role Provisioning Services 2.0, as the practice LMS serves them."""

import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from lti_tool.sandbox import Sandbox
from lti_tool.sandbox.people import ILSE_MUSTER, NOOR_PROVE, PIA_SPECIMEN, WREN_SAMPLEWOOD
from lti_tool.sandbox.vocabulary import (
    MEMBERSHIP_CONTAINER_TYPE,
    MEMBERSHIP_INSTRUCTOR,
    MEMBERSHIP_LEARNER,
    SCOPE_MEMBERSHIP_READ,
)
from tests.lti_tool.sandbox.actors import Tool

CIRCLE = "/services/nrps/2/memberships"
NEW = "/services/nrps/3/memberships"


def fetch(tool: Tool, path: str = CIRCLE, query: dict[str, str] | None = None) -> Any:
    address = f"{path}?{urlencode(query)}" if query else path
    return tool.call("GET", address, SCOPE_MEMBERSHIP_READ, accept=MEMBERSHIP_CONTAINER_TYPE)


def ids(answer: Any) -> list[str]:
    return [member["user_id"] for member in json.loads(answer.data)["members"]]


def test_the_roster_lists_everybody_enrolled_but_not_the_administrator(tool: Tool) -> None:
    answer = fetch(tool)
    assert answer.content_type == MEMBERSHIP_CONTAINER_TYPE
    body = json.loads(answer.data)
    assert body["id"] == f"http://127.0.0.1:8001{CIRCLE}"
    assert body["context"]["id"] == "2"
    assert sorted(ids(answer)) == ["3", "4", "5", "6", "7"]
    assert PIA_SPECIMEN not in ids(answer)
    noor = next(m for m in body["members"] if m["user_id"] == NOOR_PROVE)
    assert noor == {
        "user_id": "5",
        "status": "Active",
        "roles": [MEMBERSHIP_LEARNER],
        "lis_person_sourcedid": "AV-0005",
        "name": "Noor Prøve",
        "given_name": "Noor",
        "family_name": "Prøve",
        "email": "noor.prove@aldervalley.example",
    }


def test_courses_have_rosters_of_their_own(tool: Tool) -> None:
    assert WREN_SAMPLEWOOD not in ids(fetch(tool, NEW))


@pytest.mark.parametrize("role", [MEMBERSHIP_INSTRUCTOR, "Instructor"])
def test_a_role_filter_takes_full_and_short_names(tool: Tool, role: str) -> None:
    assert ids(fetch(tool, query={"role": role})) == ["6", "7"]
    assert ids(fetch(tool, query={"role": "Mentor"})) == []


def test_paging_leads_through_the_roster_and_keeps_the_filters(
    tool: Tool, sandbox: Sandbox
) -> None:
    link = sandbox.link("Asking better questions").id
    seen, query = [], {"limit": "1", "role": MEMBERSHIP_LEARNER, "rlid": link}
    while query:
        answer = fetch(tool, query=query)
        seen += ids(answer)
        following = [
            part.split(">")[0].strip(" <")
            for part in answer.headers["Link"].split(",")
            if 'rel="next"' in part
        ]
        query = (
            {name: values[0] for name, values in parse_qs(urlsplit(following[0]).query).items()}
            if following
            else {}
        )
        assert not query or (query["role"], query["rlid"]) == (MEMBERSHIP_LEARNER, link)
    assert seen == ["3", "4", "5"]


def test_a_resource_link_adds_the_message_and_its_privacy(tool: Tool, sandbox: Sandbox) -> None:
    members = json.loads(fetch(tool, NEW, {"rlid": "first-weeks"}).data)["members"]
    assert not any({"name", "email"} & member.keys() for member in members)
    link = sandbox.link("Asking better questions").id
    members = json.loads(fetch(tool, query={"rlid": link}).data)["members"]
    coach = next(m for m in members if m["user_id"] == ILSE_MUSTER)
    message = coach["message"][0]
    assert message["https://purl.imsglobal.org/spec/lti/claim/custom"]["who"] == "Ilse Muster"


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/services/nrps/9/memberships", {}, 404),
        (CIRCLE, {"rlid": "77"}, 404),
        (CIRCLE, {"rlid": "first-weeks"}, 404),
        (CIRCLE, {"limit": "many"}, 400),
        (CIRCLE, {"limit": "٣"}, 400),
    ],
)
def test_what_cannot_be_answered_is_said_in_json(
    tool: Tool, path: str, query: dict[str, str], status: int
) -> None:
    answer = fetch(tool, path, query)
    assert answer.status_code == status
    assert answer.get_json()["error_description"]


def test_accept_must_name_the_media_type(tool: Tool) -> None:
    answer = tool.call("GET", CIRCLE, SCOPE_MEMBERSHIP_READ, accept="application/json")
    assert answer.status_code == 406
