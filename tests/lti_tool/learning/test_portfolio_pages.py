"""My page, as its owner arranges it without any script."""

from __future__ import annotations

import re
import uuid

import pytest
from werkzeug.datastructures import MultiDict

from badges.awards import service as awards
from badges.awards.models import Credential
from badges.holdings import portfolio
from badges.holdings.portfolio import Section
from core.runtime import Runtime
from tests.lti_tool.learning.conftest import NOW, Visit
from tests.support.badges import District, add_person, issue_credential

PAGE = "/portfolio"


@pytest.fixture
def held(district: District) -> Credential:
    return issue_credential(district)


def words(page: str) -> str:
    return " ".join(page.split())


def form_of(page: str) -> MultiDict[str, str]:
    """What a browser would send of the page's first form, without any button."""
    body = page.split('/portfolio"', 1)[1].split("</form>", 1)[0]
    found: MultiDict[str, str] = MultiDict()
    for tag in re.findall(r"<input[^>]*>", body):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name:
            found.add(name[1], value[1] if value else "")
    for name, text in re.findall(
        r'<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', body, re.S
    ):
        found.add(name, text)
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', body, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found.add(name, chosen[1] if chosen else "")
    return found


def press(visit: Visit, do: str, **changes: str) -> int:
    """Send the form as it stands, some of it changed, by one of its buttons."""
    form = form_of(visit.get(PAGE).text)
    form.update({})
    for name, value in {"do": do, **changes}.items():
        form.setlist(name, [value])
    answer = visit.client.post(f"/s/{visit.sid}{PAGE}", base_url="https://milepost.test", data=form)
    return answer.status_code


def sections(runtime: Runtime, visit: Visit) -> list[Section]:
    with runtime.database.snapshot() as session:
        row = portfolio.own(session, visit.person.id)
        assert row is not None
        return portfolio.sections_of(row)


def test_a_page_is_begun_arranged_looked_at_opened_and_closed(
    visit: Visit, held: Credential, runtime: Runtime
) -> None:
    assert "1 badge that you have published would stand on it at first." in visit.get(PAGE).text
    visit.post(f"{PAGE}/begin", {}, page=PAGE)
    assert press(visit, "save", title="W. S.", intro="Hello.") == 303
    page = words(visit.get(PAGE).text)
    assert "Nobody else sees it yet." in page
    assert "The page is headed “W. S.”, and badges on it say: Wren Samplewood." in page
    preview = words(visit.get(f"{PAGE}/preview").text)
    assert "This is what others will see once you open your page." in preview
    assert "Questions That Open" in preview
    visit.post(f"{PAGE}/address", {"kind": "chosen", "slug": "wren"}, page=PAGE)
    visit.post(f"{PAGE}/publish", {}, page=PAGE)
    public = visit.client.get("/portfolios/wren", base_url="https://milepost.test")
    assert "W. S." in public.text
    assert "https://milepost.test/portfolios/wren" in visit.get(PAGE).text
    visit.post(f"{PAGE}/unpublish", {}, page=PAGE)
    public = visit.client.get("/portfolios/wren", base_url="https://milepost.test")
    assert public.status_code == 404


def test_sections_and_badges_move_by_buttons_and_nothing_typed_is_lost(
    visit: Visit, held: Credential, district: District, runtime: Runtime
) -> None:
    visit.post(f"{PAGE}/begin", {}, page=PAGE)
    key = f"credential:{held.id}"
    assert press(visit, "add", **{"title-0": "First", "text-0": "Words"}) == 303
    press(visit, "save", **{"title-1": "Second", f"place-{key}": "1"})
    assert sections(runtime, visit) == [
        Section("First", "Words", ()), Section("Second", "", (key,)),
    ]  # fmt: skip
    press(visit, "section-up:1")
    assert [one.title for one in sections(runtime, visit)] == ["Second", "First"]
    press(visit, "section-down:0")
    press(visit, "save", **{f"place-{key}": "none"})
    assert [one.items for one in sections(runtime, visit)] == [(), ()]
    page = words(visit.get(PAGE).text)
    assert "Not on the page" in page
    press(visit, "save", **{f"place-{key}": "0"})
    press(visit, "section-remove:1")
    assert sections(runtime, visit) == [Section("First", "Words", (key,))]


def test_badges_of_a_section_change_places(visit: Visit, runtime: Runtime) -> None:
    keys = [f"credential:{uuid.uuid4()}" for _number in range(3)]
    from lti_tool.learning.portfolio_views import Draft, _carried_out

    draft = Draft("t", "", (Section("", "", tuple(keys)),), 0)
    up, anchor = _carried_out(draft, f"up:{keys[2]}")
    assert up.sections[0].items == (keys[0], keys[2], keys[1])
    assert anchor == f"b-{keys[2]}"
    same, _anchor = _carried_out(draft, f"up:{keys[0]}")
    assert same.sections[0].items == tuple(keys)
    down, _anchor = _carried_out(draft, f"down:{keys[0]}")
    assert down.sections[0].items == (keys[1], keys[0], keys[2])
    for nonsense in ("section-up:99", "section-up:x", "up:unknown", "dance", ""):
        assert _carried_out(draft, nonsense)[0] == draft


def test_a_private_badge_keeps_its_place_and_says_that_others_do_not_see_it(
    visit: Visit, held: Credential, runtime: Runtime
) -> None:
    visit.post(f"{PAGE}/begin", {}, page=PAGE)
    with runtime.database.transaction() as session:
        awards.unpublish(session, held.id, visit.person.id, NOW)
    assert ">Private<" in visit.get(PAGE).text.replace("\n", "")
    press(visit, "save")
    assert sections(runtime, visit)[0].items == (f"credential:{held.id}",)


def test_faults_stand_beside_their_fields_with_what_was_typed(
    visit: Visit, district: District, runtime: Runtime
) -> None:
    visit.post(f"{PAGE}/begin", {}, page=PAGE)
    token = visit.token(PAGE)
    for form, said in (
        ({"title": "", "intro": "Kept words", "version": "0"}, "Write what stands at the top"),
        ({"title": "T", "intro": "Kept words", "version": "7"}, "changed in another window"),
    ):
        answer = visit.client.post(
            f"/s/{visit.sid}{PAGE}", base_url="https://milepost.test",
            data={"csrf_token": token, "count": "0", **form},
        )  # fmt: skip
        assert answer.status_code in (409, 422)
        assert said in words(answer.text)
        assert "Kept words" in answer.text
    assert 'name="version" value="0"' in answer.text, "saving once more keeps what was typed"
    other = add_person(runtime, district.organisation, "Ash Example")
    with runtime.database.transaction() as session:
        portfolio.begin(session, other, NOW)
        portfolio.choose_address(session, other.id, "taken", NOW)
    answer = visit.post(f"{PAGE}/address", {"kind": "chosen", "slug": "taken"}, page=PAGE)
    assert answer.status_code == 422
    assert "This address is taken. Try another." in answer.text


def test_all_that_was_typed_stands_there_again_and_a_broken_form_takes_nothing_away(
    visit: Visit,
) -> None:
    visit.post(f"{PAGE}/begin", {}, page=PAGE)
    before = visit.get(PAGE).text
    form = {"title": "T", "version": "0", "count": "1", "title-0": "Kept section"}
    long = visit.post(PAGE, {**form, "intro": "y" * 10_000}, page=PAGE)
    assert long.status_code == 422
    assert "y" * 10_000 in long.text
    assert "This has 10000 characters; at most 2000 fit." in long.text
    turned = visit.post(PAGE, {**form, "title": "Wren\u202enhoJ"}, page=PAGE)
    assert (turned.status_code, "turns the direction" in turned.text) == (422, True)
    for count in ("abc", "-1", ""):
        assert visit.post(PAGE, {**form, "count": count}, page=PAGE).status_code == 400
    assert visit.get(PAGE).text.count('name="title-') == before.count('name="title-')


def test_before_a_page_is_begun_there_is_nothing_to_look_at(visit: Visit) -> None:
    assert visit.get(f"{PAGE}/preview").status_code == 303
    assert "You have published no badge yet." in visit.get(PAGE).text
    assert visit.post(f"{PAGE}/publish", {}, page=PAGE).status_code == 404
