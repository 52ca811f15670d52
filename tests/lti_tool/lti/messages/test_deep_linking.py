"""Picking what a link opens: one or several, their columns, dates and places; once and signed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lti_tool.lti.deep_linking.models import DeepLinkItem, DeepLinkRequest
from tests.lti_tool.lti.messages.school import DL, School
from tests.support.hostile_platform import ABSENT, INSTRUCTOR, LEARNER

QUESTIONS, BLIND = "Questions That Open", "Seen Without Names"


def test_the_picker_offers_micro_credentials_and_pages(school: School) -> None:
    page = school.pick().open().get_data(as_text=True)
    for words in (QUESTIONS, BLIND, "My path", "Reviews", "Milepost"):
        assert words in page
    assert page.count('type="checkbox"') >= 5
    assert 'type="radio"' in school.pick(settings={"accept_multiple": False}).open().text


def test_one_item_with_everything(school: School) -> None:
    visit = school.pick()
    second = visit.post("/pick", [("choice", f"micro-credential/{school.achievement()}")])
    assert 'value="100"' in second.text
    assert "Points in the gradebook" in second.text
    page = school.picked(
        visit, QUESTIONS, title_0="Week 3: <questions>", maximum_0="12.5", shown_in_0="window",
        opens_at_0="2026-09-01T08:00", due_until_0="2026-12-18T17:00",
    )  # fmt: skip
    url, claims = school.content_items(page)
    assert url == f"{school.installation.platform.issuer}/picked?course=1&x=<y>"
    assert "<y>" not in page.text
    assert claims[f"{DL}data"] == "opaque-1"
    assert claims["https://purl.imsglobal.org/spec/lti/claim/message_type"] == (
        "LtiDeepLinkingResponse"
    )
    assert claims["https://purl.imsglobal.org/spec/lti/claim/deployment_id"]
    (item,) = claims[f"{DL}content_items"]
    (row,) = school.rows(DeepLinkItem)
    target = f"micro-credential/{school.achievement()}"
    assert item == {
        "type": "ltiResourceLink",
        "title": "Week 3: <questions>",
        "url": f"{school.base}/to/{target}",
        "text": "The teacher asks questions that make pupils' thinking visible.",
        "custom": {
            "milepost": target,
            "milepost_item": str(row.id),
            "milepost_link_history": "$ResourceLink.id.history",
            "milepost_context_history": "$Context.id.history",
        },
        "lineItem": {
            "scoreMaximum": 12.5,
            "label": "Week 3: <questions>",
            "resourceId": target,
            "tag": "milepost",
            "submissionReview": {"reviewableStatus": ["Submitted", "Completed"]},
        },
        # Alder Valley keeps Vienna's time.
        "available": {"startDateTime": "2026-09-01T06:00:00Z"},
        "submission": {"endDateTime": "2026-12-18T16:00:00Z"},
        "window": {"targetName": f"milepost-{row.id.hex[:8]}"},
    }


def test_several_items_and_pages_without_a_column(school: School) -> None:
    visit = school.pick()
    chosen = [("choice", f"micro-credential/{one}") for one in school.named.values()]
    fields = [*chosen, ("choice", "queue"), *((f"title-{n}", f"Item {n}") for n in range(3))]
    _url, claims = school.content_items(visit.post("/pick/add", fields, page="/pick"))
    items = claims[f"{DL}content_items"]
    assert [item["title"] for item in items] == ["Item 0", "Item 1", "Item 2"]
    assert items[2]["url"] == f"{school.base}/to/queue"
    assert all("lineItem" not in item for item in items)
    assert claims[f"{DL}msg"] == "3 activities added."


def test_nothing_is_null_and_data_only_where_it_was_given(school: School) -> None:
    visit = school.pick(settings={"data": ABSENT, "accept_presentation_document_targets": []})
    _url, claims = school.content_items(school.picked(visit, QUESTIONS))
    assert f"{DL}data" not in claims
    assert "null" not in str(claims).lower().replace("none", "null")
    (item,) = claims[f"{DL}content_items"]
    assert not {"iframe", "window", "lineItem", "available", "submission"} & set(item)


@pytest.mark.parametrize("data", ["", {"a": [1]}, 7, "x" * 4000])
def test_data_comes_back_as_it_was(school: School, data: Any) -> None:
    visit = school.pick(settings={"data": data})
    assert school.content_items(school.picked(visit, QUESTIONS))[1][f"{DL}data"] == data


def test_cancelling_returns_nothing_with_a_word(school: School) -> None:
    visit = school.pick()
    _url, claims = school.content_items(visit.post("/pick/cancel", page="/pick"))
    assert claims[f"{DL}content_items"] == []
    assert claims[f"{DL}msg"] == "Nothing was added."
    assert school.rows(DeepLinkItem) == []


def test_it_works_once(school: School) -> None:
    visit = school.pick()
    mark = re.search(r'name="csrf_token" value="([^"]+)"', visit.open("/pick").text)
    assert mark
    school.picked(visit, QUESTIONS)
    again = school.picked(visit, QUESTIONS)
    assert again.status_code == 409
    assert 'name="JWT"' not in again.text
    assert len(school.rows(DeepLinkItem)) == 1
    assert school.rows(DeepLinkRequest)[0].used_at is not None


def test_what_the_browser_says_of_return_url_and_data_is_ignored(school: School) -> None:
    visit = school.pick()
    page = visit.post(
        "/pick/add?return_url=https://evil.example/",
        {
            "choice": f"micro-credential/{school.achievement()}",
            "title-0": "Mine",
            "return_url": "https://evil.example/",
            "deep_link_return_url": "https://evil.example/",
            "data": "forged",
        },
        page="/pick",
    )
    url, claims = school.content_items(page)
    assert url.startswith(school.installation.platform.issuer)
    assert claims[f"{DL}data"] == "opaque-1"
    assert "evil.example" not in page.text


def test_only_this_page_may_post_to_the_lms(school: School) -> None:
    visit = school.pick()
    issuer = school.installation.platform.issuer
    assert issuer not in _form_action(visit.open("/pick"))
    page = school.picked(visit, QUESTIONS)
    assert issuer in _form_action(page)
    assert "pass-on.js" in page.text
    assert "<script>" not in page.text


def _form_action(page: Any) -> str:
    policy = page.headers["Content-Security-Policy"]
    return next(part for part in policy.split("; ") if part.startswith("form-action"))


def test_the_chosen_points_and_dates_reach_the_link(school: School) -> None:
    visit = school.pick(context={"id": "course-1", "title": "Teaching circle"})
    page = school.picked(visit, QUESTIONS, maximum_0="20", due_until_0="2026-12-18T17:00")
    (item,) = school.content_items(page)[1][f"{DL}content_items"]
    opened = school.link(LEARNER, custom=item["custom"], target=item["url"])
    assert "Evidence is due by" in opened.open().text
    assert "18 December 2026" in opened.open().text
    row = school.link_row()
    assert row.maximum == 20
    assert str(row.item_id) == item["custom"]["milepost_item"]
    assert row.copy_state is None


def test_choosing_again_begins_with_what_was_chosen(school: School) -> None:
    first = school.pick(context={"id": "course-1", "title": "Teaching circle"})
    page = school.picked(
        first, BLIND, title_0="Ours", maximum_0="7", shown_in_0="window",
        opens_at_0="2026-09-01T08:00",
    )  # fmt: skip
    (item,) = school.content_items(page)[1][f"{DL}content_items"]
    again = school.pick(custom=item["custom"], target=item["url"])
    shown = again.open().text
    target = f"micro-credential/{school.achievement(BLIND)}"
    assert re.search(rf'value="{target}" checked', shown)
    filled = again.post("/pick", {"choice": target}).text
    for value in ("Ours", "7", "2026-09-01T08:00"):
        assert f'value="{value}"' in filled
    assert re.search(r'value="window" checked', filled)
    school.picked(again, BLIND)
    older, newer = sorted(school.rows(DeepLinkItem), key=lambda row: row.created_at)
    assert newer.previous_id == older.id


def test_a_link_without_our_item_is_known_by_its_address(school: School) -> None:
    shown = school.pick(target=school.url(BLIND)).open().text
    assert re.search(rf'value="micro-credential/{school.achievement(BLIND)}" checked', shown)


def test_who_teaches_or_looks_after_the_lms_may_pick(school: School) -> None:
    administrator = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
    for roles in ([INSTRUCTOR], [INSTRUCTOR, LEARNER], [administrator]):
        assert school.pick(*roles).answer.status_code == 303
    assert school.pick(LEARNER).answer.status_code == 403
    school.link(LEARNER, sub="7")
    school.make_lead("7")
    assert school.pick(LEARNER, sub="7").answer.status_code == 303


def test_without_a_course_and_without_a_name(school: School) -> None:
    visit = school.pick(context=ABSENT, name=ABSENT, given_name=ABSENT, family_name=ABSENT,
                        email=ABSENT)  # fmt: skip
    assert school.content_items(school.picked(visit, QUESTIONS))[1][f"{DL}content_items"]


def test_the_page_says_what_is_wrong_and_keeps_what_was_typed(school: School) -> None:
    visit = school.pick()
    page = school.picked(visit, QUESTIONS, title_0="Kept", maximum_0="many")
    assert page.status_code == 422
    assert "Write a number above zero" in page.text
    assert 'value="Kept"' in page.text
    assert 'value="many"' in page.text
    assert school.content_items(school.picked(visit, QUESTIONS))[1]
