import pytest
from flask.testing import FlaskClient

from lti_tool.sandbox import Sandbox
from lti_tool.sandbox.people import (
    ILSE_MUSTER,
    PEOPLE,
    PIA_SPECIMEN,
    TEACHING_CIRCLE,
    WREN_SAMPLEWOOD,
)
from tests.lti_tool.sandbox.actors import Tool
from tests.lti_tool.sandbox.test_grades import post, score

COURSE = f"/courses/{TEACHING_CIRCLE}"


def become(client: FlaskClient, person: str) -> None:
    answer = client.post("/sign-in", data={"person": person})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_the_front_page_offers_everybody_and_says_what_this_is(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "practice learning management system" in page
    for person in PEOPLE.values():
        assert person.name in page


@pytest.mark.parametrize("path", [COURSE, f"{COURSE}/gradebook", "/links/1", "/links/1/start"])
def test_nobody_is_sent_to_the_front_page_to_pick_a_person(client: FlaskClient, path: str) -> None:
    answer = client.get(path, follow_redirects=True)
    assert answer.request.path == "/"
    assert "Choose a person first" in answer.text


def test_the_cookie_is_kept_from_scripts_and_other_sites(client: FlaskClient) -> None:
    cookie = client.post("/sign-in", data={"person": WREN_SAMPLEWOOD}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("person", ["", "99", "x" * 1000])
def test_an_unknown_person_is_refused_in_words(client: FlaskClient, person: str) -> None:
    answer = client.post("/sign-in", data={"person": person})
    assert answer.status_code == 400
    assert "Pick a person" in answer.text


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://localhost:8000"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_site_cannot_sign_anybody_in(client: FlaskClient, headers: dict[str, str]) -> None:
    data = {"person": WREN_SAMPLEWOOD}
    assert client.post("/sign-in", data=data, headers=headers).status_code == 403
    assert client.post("/sign-out", headers=headers).status_code == 403


def test_a_course_offers_each_activity_in_the_page_and_in_a_window(
    client: FlaskClient, sandbox: Sandbox
) -> None:
    become(client, WREN_SAMPLEWOOD)
    page = client.get(COURSE).text
    link = sandbox.link("Asking better questions")
    assert f'href="/links/{link.id}"' in page
    assert f'href="/links/{link.id}/start?target=window" target="_blank"' in page
    assert "First weeks" not in page
    frame = client.get(f"/links/{link.id}").text
    assert f'src="/links/{link.id}/start?target=iframe"' in frame
    assert "clipboard" not in frame


def test_a_course_that_is_not_ones_own_stays_closed(client: FlaskClient) -> None:
    become(client, WREN_SAMPLEWOOD)
    for path in ("/courses/3", "/courses/3/gradebook", "/links/first-weeks/start"):
        assert client.get(path).status_code == 403
    for path in ("/courses/9", "/links/99", "/links/99/start", "/links/99/return", "/nowhere"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "front page" in answer.text
    become(client, PIA_SPECIMEN)
    assert client.get("/courses/3").status_code == 200


def test_the_gradebook_shows_score_comment_progress_and_time(
    client: FlaskClient, tool: Tool
) -> None:
    comment = "Well put.\n<b>Keep going</b>"
    assert post(tool, score(comment=comment)).status_code == 204
    become(client, ILSE_MUSTER)
    page = client.get(f"{COURSE}/gradebook").text
    assert "&lt;b&gt;Keep going" in page
    assert "Completed · Fully graded" in page
    assert '<time datetime="2026-03-02T08:00:00+00:00">' in page
    assert "3 <span" in page
    assert all(name in page for name in ("Wren Samplewood", "Teo Exempel", "Noor Prøve"))


def test_a_learner_sees_their_own_row_only(client: FlaskClient, tool: Tool) -> None:
    post(tool, score(comment="For Wren."))
    become(client, "4")
    page = client.get(f"{COURSE}/gradebook").text
    assert "Teo Exempel" in page
    assert "Wren" not in page


def test_what_a_tool_says_on_the_way_back_is_shown_escaped(client: FlaskClient) -> None:
    become(client, WREN_SAMPLEWOOD)
    page = client.get(
        "/links/1/return", query_string={"lti_msg": "Saved <i>", "lti_errormsg": "Oh & no"}
    ).text
    assert "Saved &lt;i&gt;" in page
    assert "Oh &amp; no" in page


@pytest.mark.parametrize("host", ["localhost:8001", "localhost", "127.0.0.1:9999", "[::1]:8001"])
def test_other_names_of_this_machine_lead_to_the_one_address(
    client: FlaskClient, host: str
) -> None:
    answer = client.get("/courses/2?a=b%20c", base_url=f"http://{host}")
    assert answer.status_code == 307
    assert answer.headers["Location"] == "http://127.0.0.1:8001/courses/2?a=b%20c"


@pytest.mark.parametrize("host", ["rebound.example:8001", "[", "localhost.example", "a b", ""])
def test_a_foreign_name_is_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code in (400, 421)


def test_pages_forbid_inline_script_and_foreign_frames(client: FlaskClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "form-action 'self' http://localhost:8000;" in policy


def test_wrong_methods_are_told_in_a_page(client: FlaskClient) -> None:
    answer = client.get("/sign-in")
    assert answer.status_code == 405
    assert answer.headers["Allow"]
    assert "<h1>" in answer.text


def test_signing_out_forgets_the_person(client: FlaskClient) -> None:
    become(client, WREN_SAMPLEWOOD)
    client.post("/sign-out")
    assert client.get(COURSE).status_code == 303
