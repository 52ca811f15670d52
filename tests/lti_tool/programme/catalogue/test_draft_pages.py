"""Writing, checking and publishing micro-credentials, as a lead does it page by page."""

from __future__ import annotations

import io
import json
import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from badges.achievements import service as achievements
from badges.achievements.models import AchievementVersion
from core.audit import AuditEvent
from core.scope import unscoped
from lti_tool.programme.catalogue import forms
from lti_tool.programme.catalogue.models import CredentialDraft
from tests.badges.achievements.test_added_members import EVERYTHING
from tests.badges.achievements.test_case import item, package
from tests.lti_tool.learning.conftest import Visit
from tests.lti_tool.programme.catalogue.test_forms import fields
from tests.support.badges import District, micro_credential

Typed = dict[str, str]


def path_of(visit: Visit, location: str) -> str:
    """The part of an address after the session's."""
    return urlsplit(location).path.removeprefix(f"/s/{visit.sid}")


def begin(visit: Visit, district: District, like: str = "") -> str:
    """The path of a new draft."""
    answer = visit.post(
        "/micro-credentials", {"issuer": str(district.issuer.id), "like": like},
    )  # fmt: skip
    assert answer.status_code == 303
    return path_of(visit, answer.location)


def begin_change(visit: Visit, district: District) -> str:
    page = f"/micro-credentials/{district.achievement.id}"
    answer = visit.post(f"{page}/change", {}, page="/micro-credentials")
    assert answer.status_code == 303
    return path_of(visit, answer.location)


def written(**changes: Any) -> Typed:
    """A whole form."""
    return dict(fields(forms.content_of(micro_credential(**changes))))


def hidden(visit: Visit, path: str, *names: str) -> Typed:
    """What the page at `path` carries along."""
    page = visit.get(path).text
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in names}
    return {name: match[1] for name, match in found.items() if match}


def save(visit: Visit, path: str, typed: Typed, do: str = "save") -> Any:
    carried = hidden(visit, path, "version", "page")
    return visit.post(path, {**typed, **carried, "do": do})


def publish(visit: Visit, path: str) -> Any:
    carried = hidden(visit, f"{path}/check", "version", "current")
    return visit.post(f"{path}/publish", carried, page=f"{path}/check")


def drafts(district: District) -> list[CredentialDraft]:
    with (
        district.runtime.database.snapshot() as session,
        unscoped(session, "a test looks at everything"),
    ):
        return list(session.scalars(select(CredentialDraft)))


def versions(district: District) -> list[AchievementVersion]:
    with district.runtime.database.snapshot(district.organisation.scope) as session:
        return list(
            session.scalars(select(AchievementVersion).order_by(AchievementVersion.published_at))
        )


def test_a_new_micro_credential_is_written_checked_and_published(
    district: District, lead: Visit
) -> None:
    path = begin(lead, district)
    faulty = save(lead, path, {"name": "Half done"}, "check")
    check = lead.get(path_of(lead, faulty.location))
    assert check.status_code == 422
    assert "Line 1, level 1, What it looks like: This must not be empty." in check.text
    assert 'value="Half done"' in check.text
    answer = save(lead, path, written(name="Learning From Data", **EVERYTHING), "check")
    page = lead.get(path_of(lead, answer.location)).text
    assert "Learning From Data" in page
    assert "ISTE" in page
    assert lead.get(f"{path}/picture.svg").mimetype == "image/svg+xml"
    done = publish(lead, path)
    assert done.status_code == 303
    shown = lead.get(path_of(lead, done.location)).text
    assert "Learning From Data is published as version 1." in shown
    assert drafts(district) == []
    (new,) = [
        one for one in versions(district) if one.number == 1 and one.id != district.version.id
    ]
    assert achievements.micro_credential(new).name == "Learning From Data"
    assert achievements.micro_credential(new).sha256 == (
        micro_credential(name="Learning From Data", **EVERYTHING).sha256
    )
    assert lead.get(path).status_code == 404


def test_a_change_is_shown_before_it_is_published_and_leaves_the_old_version(
    district: District, lead: Visit
) -> None:
    path = begin_change(lead, district)
    assert begin_change(lead, district) == path, "one draft, whoever opens it"
    save(lead, path, written(minutes=60, name="Questions"), "check")
    page = lead.get(f"{path}/check").text
    assert "2 places are different from version 1." in page
    assert re.search(r"720.*60", page, re.S)
    assert "Their work is read by the rubric" not in page
    assert publish(lead, path).status_code == 303
    old, new = versions(district)
    assert (old.number, new.number, old.sha256) == (1, 2, district.version.sha256)
    assert new.document["minutes"] == 60
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        (event,) = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "micro_credential.published")
        )
    assert event.actor_id == lead.person.id
    listed = lead.get(f"/micro-credentials/{district.achievement.id}").text
    assert "Version 2" in listed
    assert "Version 1" in listed


def test_a_draft_that_says_the_same_is_not_published(district: District, lead: Visit) -> None:
    path = begin_change(lead, district)
    page = lead.get(f"{path}/check").text
    assert "Nothing is different" in page
    assert "Publish version" not in page


def test_what_was_published_meanwhile_is_shown_and_never_undone_unseen(
    district: District, lead: Visit
) -> None:
    path = begin_change(lead, district)
    save(lead, path, written(minutes=60))
    seen = hidden(lead, f"{path}/check", "version", "current")
    with district.runtime.database.transaction(district.organisation.scope) as session:
        achievements.publish(
            session, district.achievement,
            micro_credential(image={"template": "grove", "primary": "#114411", "accent": "#ffcc00"},
                             tags=["from elsewhere"]),
            district.runtime.now(),
        )  # fmt: skip
    late = lead.post(f"{path}/publish", seen, page=f"{path}/check")
    assert late.status_code == 409
    assert "nothing was published" in late.text
    assert "has been published since this draft was begun" in late.text
    assert "from elsewhere" in late.text, "what would be taken back is there to see"
    assert publish(lead, path).status_code == 303
    last = versions(district)[-1]
    assert (last.number, last.document["minutes"]) == (3, 60)
    assert last.document["image"]["template"] == "grove", "the picture is changed elsewhere"


def test_every_button_saves_what_was_typed_first(district: District, lead: Visit) -> None:
    path = begin(lead, district)
    answer = save(lead, path, {"name": "Kept", "tags": "a\r\nb"}, "add:rubric.criteria")
    assert answer.location.endswith("#row-rubric.criteria%5B1%5D")
    answer = save(lead, path, {"method": "Kept too"}, "add:results")
    (draft,) = drafts(district)
    assert (draft.content["name"], draft.content["method"]) == ("Kept", "Kept too")
    assert draft.content["tags"] == "a\nb"
    assert [len(draft.content["results"]), len(draft.content["rubric"]["criteria"])] == [1, 2]


def test_two_leads_do_not_overwrite_each_other_unseen(district: District, lead: Visit) -> None:
    path = begin(lead, district)
    mine = hidden(lead, path, "version", "page")
    assert save(lead, path, {"name": "Theirs"}).status_code == 303
    clash = lead.post(path, {**mine, "name": "Mine", "do": "save"})
    assert clash.status_code == 409
    assert "Somebody else has saved this draft" in clash.text
    assert 'value="Mine"' in clash.text
    assert drafts(district)[0].content["name"] == "Theirs"
    assert lead.post(path, {**mine, "name": "Mine", "do": "mine"}).status_code == 303
    assert drafts(district)[0].content["name"] == "Mine"


def test_the_form_saves_itself_and_its_own_button_may_overtake_that(
    district: District, lead: Visit
) -> None:
    path = begin(lead, district)
    mine = hidden(lead, path, "version", "page")
    saved = lead.post(f"{path}/autosave", {**mine, "name": "A"}, page=path).get_json()
    assert saved["version"] == 2
    assert saved["saved"].startswith("Saved at")
    late = lead.post(f"{path}/autosave", {**mine, "name": "B"}, page=path)
    assert late.status_code == 409
    assert late.get_json()["url"].endswith(path)
    assert lead.post(path, {**mine, "name": "AB", "do": "save"}).status_code == 303
    assert drafts(district)[0].content["name"] == "AB"


def test_a_name_that_no_list_could_show_is_told_with_its_limit_and_not_saved(
    district: District, lead: Visit
) -> None:
    path = begin_change(lead, district)
    for name, said in (
        ("x" * 10_000, "This has 10000 characters; at most 120 fit."),
        ("Listening\u202egninetsiL", "turns the direction of the text"),
    ):
        answer = save(lead, path, {**written(), "name": name})
        assert (answer.status_code, said in answer.text, name in answer.text) == (422, True, True)
        assert drafts(district)[0].content["name"] == "Questions That Open"


def test_what_turns_a_text_is_told_before_it_is_published(district: District, lead: Visit) -> None:
    path = begin_change(lead, district)
    save(lead, path, written(description="Asks\u202eskcA"))
    page = lead.get(f"{path}/check").text + lead.get(path).text
    assert "turns the direction of the text" in page


def test_iste_standards_are_added_by_their_codes(district: District, lead: Visit) -> None:
    path = begin(lead, district)
    wrong = save(lead, path, {"name": "Kept", "iste": "2.1.a 9.9"}, "iste")
    assert wrong.status_code == 422
    assert "There is no code 9.9." in wrong.text
    assert 'value="2.1.a 9.9"' in wrong.text
    assert save(lead, path, {"iste": ""}, "iste").status_code == 422
    for _twice in range(2):
        answer = save(lead, path, {"iste": "2.1.a, 2.7"}, "iste")
        assert answer.location.endswith("#standards")
    (draft,) = drafts(district)
    assert [row["code"] for row in draft.content["alignment"]] == ["2.1.a", "2.7"]
    assert draft.content["name"] == "Kept"


def upload(visit: Visit, body: Any, draft: str = "") -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return visit.client.post(
        f"/s/{visit.sid}/frameworks",
        base_url="https://milepost.test",
        data={
            "csrf_token": visit.token("/frameworks"), "draft": draft,
            "file": (io.BytesIO(data), "case.json"),
        },
    )  # fmt: skip


def test_standards_are_brought_in_from_case_and_picked_for_a_draft(
    district: District, lead: Visit
) -> None:
    path = begin(lead, district)
    draft_id = path.rsplit("/", 1)[1]
    assert path_of(lead, save(lead, path, {}, "pick").location) == "/frameworks"
    answer = upload(
        lead,
        package([item("a", humanCodingScheme="2.1"), item("b", "Teach <b>well</b>.")]),
        draft_id,
    )
    assert answer.status_code == 303
    page_url = path_of(lead, answer.location)
    page = lead.get(f"{page_url}?draft={draft_id}").text
    assert "A framework is here, with 2 items." in page
    assert "Teach &lt;b&gt;well&lt;/b&gt;." in page
    ids = re.findall(r'name="item" value="([^"]+)"', page)
    line = re.search(r'<option value="(line-[0-9a-f]+)"', page)
    assert len(ids) == 2
    assert line
    form = {"draft": draft_id, "page": "1"}
    shown = f"{page_url}?draft={draft_id}"
    none = lead.post(f"{page_url}/pick", form, page=shown)
    assert (none.status_code, "Tick at least one item first." in none.text) == (422, True)
    picked = lead.post(f"{page_url}/pick", {**form, "item": ids[0]}, page=shown)
    assert picked.location.endswith("#standards")
    lead.post(f"{page_url}/pick", {**form, "item": ids[0]}, page=shown)
    lead.post(f"{page_url}/pick", {**form, "item": ids[1], "line": line[1]}, page=shown)
    (draft,) = drafts(district)
    (standard,) = draft.content["alignment"]
    assert (standard["code"], standard["target_type"]) == ("2.1", "CFItem")
    assert standard["url"] == "https://case.example/a"
    (of_line,) = draft.content["rubric"]["criteria"][0]["alignment"]
    assert of_line["name"] == "Teach <b>well</b>."


@pytest.mark.parametrize(("body", "part"), [(b"not json", "read as JSON"), ({}, "no items")])
def test_a_file_that_is_no_framework_is_refused_in_words(lead: Visit, body: Any, part: str) -> None:
    answer = upload(lead, body)
    assert answer.status_code == 422
    assert part in answer.text
    assert "No framework yet" in answer.text


def test_a_school_offers_what_its_district_publishes_and_copies_it_no_further(
    district: District, lead: Visit, lead_below: Visit
) -> None:
    path = begin_change(lead, district)
    one = f"/micro-credentials/{district.achievement.id}"
    assert "From above" in lead_below.get("/micro-credentials").text
    page = lead_below.get(one).text
    assert "not change it" in page
    assert "Change it" not in page
    token = lead_below.token("/frameworks")
    for target, data in (
        (f"{one}/change", {}),
        ("/micro-credentials", {"issuer": str(district.issuer.id)}),
    ):
        answer = lead_below.client.post(
            f"/s/{lead_below.sid}{target}", base_url="https://milepost.test",
            data={"csrf_token": token, **data},
        )  # fmt: skip
        assert answer.status_code == 403
    assert lead_below.get(path).status_code == 404, "a draft is nobody's below"


def test_a_copy_becomes_one_of_its_own(district: District, lead: Visit) -> None:
    path = begin(lead, district, str(district.achievement.id))
    (draft,) = drafts(district)
    assert draft.content["name"] == "Questions That Open (copy)"
    assert draft.achievement_id is None
    thrown = lead.post(f"{path}/throw-away", {}, page=path)
    assert path_of(lead, thrown.location) == "/micro-credentials"
    assert drafts(district) == []


def test_colours_that_cannot_be_read_are_refused_where_they_are_chosen(
    district: District, lead: Visit
) -> None:
    path = begin(lead, district)
    pale = {"template": "grove", "primary": "#fafafa", "accent": "#ffcc00"}
    answer = save(lead, path, written(image=pale), "check")
    page = lead.get(path_of(lead, answer.location))
    assert page.status_code == 422
    assert "Main colour: The title would be hard to read" in page.text
    assert lead.get(f"{path}/picture.svg").status_code == 404


def test_what_is_not_there_is_not_found(lead: Visit) -> None:
    nothing = uuid.uuid4()
    for path in (
        f"/micro-credentials/{nothing}", f"/micro-credential-drafts/{nothing}",
        f"/frameworks/{nothing}", f"/issuers/{nothing}",
    ):  # fmt: skip
        assert lead.get(path).status_code == 404
