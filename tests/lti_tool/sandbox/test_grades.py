"""Assignment and Grade Services 2.0, as the practice LMS serves them."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lti_tool.sandbox import Sandbox
from lti_tool.sandbox.line_items import coupled_to
from lti_tool.sandbox.people import ILSE_MUSTER, NOOR_PROVE, TEO_EXEMPEL, WREN_SAMPLEWOOD
from lti_tool.sandbox.vocabulary import (
    LINE_ITEM_CONTAINER_TYPE,
    LINE_ITEM_TYPE,
    RESULT_CONTAINER_TYPE,
    SCOPE_LINE_ITEM,
    SCOPE_RESULT_READ,
    SCOPE_SCORE,
    SCORE_TYPE,
)
from tests.lti_tool.sandbox.actors import Tool

ITEMS = "/services/ags/2/lineitems"
FIRST = f"{ITEMS}/1/lineitem"


def score(**changes: Any) -> dict[str, Any]:
    body = {
        "userId": WREN_SAMPLEWOOD,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "timestamp": "2026-03-02T08:00:00.000Z",
        "scoreGiven": 3,
        "scoreMaximum": 4,
        "comment": "Clear questions.",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def post(tool: Tool, body: Any, path: str = FIRST, content_type: str = SCORE_TYPE) -> Any:
    return tool.call(
        "POST", f"{path}/scores?type_id=1", SCOPE_SCORE, send=body, content_type=content_type
    )


def results(tool: Tool, query: str = "", path: str = FIRST) -> list[dict[str, Any]]:
    answer = tool.call(
        "GET", f"{path}/results?type_id=1{query}", SCOPE_RESULT_READ, accept=RESULT_CONTAINER_TYPE
    )
    assert answer.status_code == 200
    assert answer.content_type == RESULT_CONTAINER_TYPE
    found: list[dict[str, Any]] = json.loads(answer.data)
    return found


def make(tool: Tool, **body: Any) -> Any:
    return tool.call("POST", ITEMS, SCOPE_LINE_ITEM, send=body, content_type=LINE_ITEM_TYPE)


def listed(tool: Tool, query: str = "") -> Any:
    return tool.call("GET", ITEMS + query, SCOPE_LINE_ITEM, accept=LINE_ITEM_CONTAINER_TYPE)


def test_the_container_lists_the_item_that_came_with_the_link(tool: Tool, sandbox: Sandbox) -> None:
    answer = listed(tool)
    assert answer.content_type == LINE_ITEM_CONTAINER_TYPE
    assert json.loads(answer.data) == [
        {
            "id": f"http://127.0.0.1:8001{FIRST}?type_id=1",
            "label": "Asking better questions",
            "scoreMaximum": 4,
            "resourceLinkId": sandbox.link("Asking better questions").id,
        }
    ]


def test_a_line_item_is_made_read_changed_and_deleted(tool: Tool) -> None:
    made = make(tool, label="Portfolio", scoreMaximum=10.5, tag="t", resourceId="r")
    assert made.status_code == 201
    item = json.loads(made.data)
    assert made.headers["Location"] == item["id"]
    assert item | {"id": ""} == {
        "id": "",
        "label": "Portfolio",
        "scoreMaximum": 10.5,
        "tag": "t",
        "resourceId": "r",
    }
    read = tool.call("GET", item["id"], SCOPE_LINE_ITEM, accept=LINE_ITEM_TYPE)
    assert (read.content_type, json.loads(read.data)) == (LINE_ITEM_TYPE, item)
    changed = tool.call(
        "PUT",
        item["id"],
        SCOPE_LINE_ITEM,
        send={
            "id": item["id"],
            "label": "My portfolio",
            "scoreMaximum": 20,
            "endDateTime": "2026-06-01T17:00:00+02:00",
        },
        content_type=LINE_ITEM_TYPE,
    )
    assert json.loads(changed.data) == {
        "id": item["id"],
        "label": "My portfolio",
        "scoreMaximum": 20,
        "endDateTime": "2026-06-01T15:00:00.000000+00:00",
    }
    assert tool.call("DELETE", item["id"], SCOPE_LINE_ITEM).status_code == 204
    gone = tool.call("GET", item["id"], SCOPE_LINE_ITEM, accept=LINE_ITEM_TYPE)
    assert gone.status_code == 404


def test_filters_may_be_combined(tool: Tool, sandbox: Sandbox) -> None:
    link = sandbox.link("Reading room").id
    make(tool, label="A", scoreMaximum=1, tag="x", resourceId="r1", resourceLinkId=link)
    make(tool, label="B", scoreMaximum=1, tag="x", resourceId="r2")
    make(tool, label="C", scoreMaximum=1)

    def labels(query: str) -> list[str]:
        return [item["label"] for item in json.loads(listed(tool, query).data)]

    assert labels("?tag=x") == ["A", "B"]
    assert labels("?tag=x&resource_id=r2") == ["B"]
    assert labels(f"?resource_link_id={link}") == ["A"]
    assert labels("?tag=nothing") == []


def test_paging_links_lead_through_the_whole_list_and_keep_the_filters(tool: Tool) -> None:
    for number in range(5):
        make(tool, label=f"Item {number}", scoreMaximum=1, tag="t & u")
    seen, query = [], "?tag=t+%26+u&limit=2"
    while query:
        answer = listed(tool, query)
        page = json.loads(answer.data)
        assert len(page) <= 2
        seen += [item["label"] for item in page]
        following = [
            part.split(">")[0].strip(" <")
            for part in answer.headers.get("Link", "").split(",")
            if 'rel="next"' in part
        ]
        query = f"?{urlsplit(following[0]).query}" if following else ""
    assert seen == [f"Item {number}" for number in range(5)]


@pytest.mark.parametrize("query", ["?limit=0", "?limit=-1", "?limit=x", "?limit=", "?page=0"])
def test_a_limit_that_is_no_number_is_refused(tool: Tool, query: str) -> None:
    assert listed(tool, query).status_code == 400


def test_two_items_of_one_link_leave_the_launch_without_a_line_item(
    tool: Tool, sandbox: Sandbox
) -> None:
    link = sandbox.link("Asking better questions").id
    assert make(tool, label="Twin", scoreMaximum=1, resourceLinkId=link).status_code == 201
    with sandbox.store.read() as connection:
        assert coupled_to(connection, link) is None


@pytest.mark.parametrize(
    "body",
    [
        {"scoreMaximum": 1},
        {"label": " ", "scoreMaximum": 1},
        {"label": 7, "scoreMaximum": 1},
        {"label": "x" * 256, "scoreMaximum": 1},
        {"label": "\ud800", "scoreMaximum": 1},
        {"label": "A"},
        {"label": "A", "scoreMaximum": 0},
        {"label": "A", "scoreMaximum": "10"},
        {"label": "A", "scoreMaximum": True},
        {"label": "A", "scoreMaximum": 10**400},
        {"label": "A", "scoreMaximum": 1, "resourceLinkId": "77"},
        {"label": "A", "scoreMaximum": 1, "resourceLinkId": "first-weeks"},
        {"label": "A", "scoreMaximum": 1, "endDateTime": "soon"},
        {"label": "A", "scoreMaximum": 1, "tag": ["x"]},
        [],
        7,
        b"",
        b"{",
        b"[" * 50_000,
        b"\xff\xfe",
        b'{"label": "A", "scoreMaximum": NaN}',
        b'{"label": "A", "scoreMaximum": 1e999}',
    ],
)
def test_a_line_item_of_the_wrong_form_is_refused_and_nothing_is_kept(
    tool: Tool, body: Any
) -> None:
    answer = tool.call("POST", ITEMS, SCOPE_LINE_ITEM, send=body, content_type=LINE_ITEM_TYPE)
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "invalid_request"
    assert len(json.loads(listed(tool).data)) == 1


def test_a_line_item_cannot_be_moved_or_renamed_by_put(tool: Tool, sandbox: Sandbox) -> None:
    other = sandbox.link("Reading room").id
    for extra in ({"resourceLinkId": other}, {"id": "http://127.0.0.1:8001/elsewhere"}):
        body = {"label": "A", "scoreMaximum": 1, **extra}
        answer = tool.call("PUT", FIRST, SCOPE_LINE_ITEM, send=body, content_type=LINE_ITEM_TYPE)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        f"{ITEMS}/99/lineitem",
        f"{ITEMS}/x/lineitem",
        f"{ITEMS}/{'9' * 30}/lineitem",
        "/services/ags/9/lineitems/1/lineitem",
        "/services/ags/3/lineitems/1/lineitem",
    ],
)
def test_an_item_that_is_not_in_the_context_is_not_found(tool: Tool, path: str) -> None:
    answer = tool.call("GET", path, SCOPE_LINE_ITEM, accept=LINE_ITEM_TYPE)
    assert (answer.status_code, answer.get_json()["error"]) == (404, "not_found")
    assert post(tool, score(), path).status_code == 404


def test_media_types_are_exact(tool: Tool) -> None:
    wrong = tool.call("GET", ITEMS, SCOPE_LINE_ITEM, accept="application/json")
    assert wrong.status_code == 406
    assert tool.call("GET", ITEMS, SCOPE_LINE_ITEM, accept="*/*").status_code == 200
    assert post(tool, score(), content_type="application/json").status_code == 415
    assert post(tool, score(), content_type=f"{SCORE_TYPE}; charset=utf-8").status_code == 204


def test_a_score_becomes_a_result_on_the_items_own_scale(tool: Tool) -> None:
    assert post(tool, score(scoreGiven=45, scoreMaximum=60)).status_code == 204
    assert results(tool) == [
        {
            "id": f"http://127.0.0.1:8001{FIRST}/results?type_id=1&user_id=3",
            "scoreOf": f"http://127.0.0.1:8001{FIRST}?type_id=1",
            "userId": WREN_SAMPLEWOOD,
            "resultScore": 3,
            "resultMaximum": 4,
            "comment": "Clear questions.",
        }
    ]


def test_a_score_may_exceed_its_maximum(tool: Tool) -> None:
    assert post(tool, score(scoreGiven=6)).status_code == 204
    assert results(tool)[0]["resultScore"] == 6


@pytest.mark.parametrize(
    ("stamp", "status"),
    [
        ("2026-03-02T08:00:00.000Z", 409),
        ("2026-03-02T09:00:00.000+01:00", 409),
        ("2026-03-02T07:59:59.999Z", 409),
        ("2026-03-02T08:00:00.001Z", 204),
        ("2026-03-02T09:00:01+01:00", 204),
    ],
)
def test_a_timestamp_must_be_newer_than_the_one_kept(tool: Tool, stamp: str, status: int) -> None:
    post(tool, score())
    assert post(tool, score(scoreGiven=1, timestamp=stamp)).status_code == status
    assert results(tool)[0]["resultScore"] == (1 if status == 204 else 3)


def test_the_same_moment_is_no_conflict_for_another_person(tool: Tool) -> None:
    assert post(tool, score()).status_code == 204
    assert post(tool, score(userId=TEO_EXEMPEL)).status_code == 204


@pytest.mark.parametrize(
    "changes",
    [
        {"gradingProgress": "PendingManual"},
        {"gradingProgress": "Pending"},
        {"scoreGiven": ..., "scoreMaximum": ...},
        {"scoreGiven": None, "scoreMaximum": None},
    ],
)
def test_anything_but_a_full_grade_clears_grade_and_comment(
    tool: Tool, sandbox: Sandbox, changes: dict[str, Any]
) -> None:
    post(tool, score())
    later = score(timestamp="2026-03-03T08:00:00Z", **changes)
    assert post(tool, later).status_code == 204
    assert results(tool) == []
    grade = sandbox.grade(WREN_SAMPLEWOOD, "Asking better questions")
    assert grade is not None
    assert (grade.result, grade.comment) == (None, "")
    assert grade.grading_progress == later["gradingProgress"]


def test_an_absent_comment_erases_the_old_one(tool: Tool) -> None:
    post(tool, score())
    post(tool, score(timestamp="2026-03-03T08:00:00Z", comment=...))
    assert "comment" not in results(tool)[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"userId": "99"},
        {"userId": ILSE_MUSTER},
        {"userId": ...},
        {"userId": 3},
        {"userId": "\ud800"},
        {"activityProgress": "Done"},
        {"activityProgress": ...},
        {"activityProgress": ["Completed"]},
        {"gradingProgress": "fullygraded"},
        {"gradingProgress": ...},
        {"gradingProgress": {}},
        {"timestamp": ...},
        {"timestamp": "2026-03-02"},
        {"timestamp": "2026-03-02T08:00:00"},
        {"timestamp": "yesterday"},
        {"timestamp": 1772438400},
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"scoreGiven": -1},
        {"scoreGiven": "3"},
        {"scoreGiven": True},
        {"scoreGiven": 10**400},
        {"scoreMaximum": 0},
        {"scoreMaximum": ...},
        {"comment": 7},
        {"comment": "x" * 20_001},
    ],
)
def test_a_score_of_the_wrong_form_is_refused(tool: Tool, changes: dict[str, Any]) -> None:
    answer = post(tool, score(**changes))
    assert answer.status_code == 400
    assert answer.get_json()["error_description"]
    assert results(tool) == []


def test_a_person_of_another_course_gets_no_score_here(tool: Tool) -> None:
    path = "/services/ags/3/lineitems/2/lineitem"
    assert post(tool, score(userId=WREN_SAMPLEWOOD), path).status_code == 400
    assert post(tool, score(userId=NOOR_PROVE), path).status_code == 204


def test_results_are_filtered_and_paged(tool: Tool) -> None:
    for person in (WREN_SAMPLEWOOD, TEO_EXEMPEL, NOOR_PROVE):
        post(tool, score(userId=person))
    assert [r["userId"] for r in results(tool)] == ["3", "4", "5"]
    assert [r["userId"] for r in results(tool, f"&user_id={TEO_EXEMPEL}")] == ["4"]
    assert results(tool, "&user_id=99") == []
    assert [r["userId"] for r in results(tool, "&limit=2")] == ["3", "4"]
    assert [r["userId"] for r in results(tool, "&limit=2&page=2")] == ["5"]
    assert results(tool, "&limit=2&page=999999999") == []


def test_deleting_an_item_takes_its_grades_along(tool: Tool, sandbox: Sandbox) -> None:
    post(tool, score())
    assert tool.call("DELETE", FIRST, SCOPE_LINE_ITEM).status_code == 204
    with sandbox.store.read() as connection:
        assert connection.execute("SELECT count(*) FROM scores").fetchone()[0] == 0


def test_refusals_are_json(tool: Tool, client: FlaskClient) -> None:
    for answer in (
        client.get("/services/nothing"),
        client.patch(FIRST),
        tool.call("POST", ITEMS, SCOPE_LINE_ITEM, send=b"x" * 300_000, content_type=LINE_ITEM_TYPE),
    ):
        assert answer.mimetype == "application/json"
        assert answer.get_json()["error"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(
        st.sampled_from(["userId", "timestamp", "scoreGiven", "scoreMaximum", "comment"])
        | st.sampled_from(["activityProgress", "gradingProgress", "label", "tag", "endDateTime"]),
        json_values,
    )
)
def test_no_body_makes_it_stumble(tool: Tool, client: FlaskClient, body: dict[str, Any]) -> None:
    if not hasattr(tool, "token"):
        answer = tool.ask(f"{SCOPE_SCORE} {SCOPE_LINE_ITEM}")
        tool.token = answer.get_json()["access_token"]  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {tool.token}"}  # type: ignore[attr-defined]
    data = json.dumps(body).encode()
    for path, kind in ((f"{FIRST}/scores", SCORE_TYPE), (ITEMS, LINE_ITEM_TYPE)):
        answer = client.post(path, headers=headers, data=data, content_type=kind)
        assert answer.status_code in (201, 204, 400, 409)
