"""Bringing a badge from elsewhere, as its holder does it on the page."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from badges.openbadges import EndorsementCredential, EndorsementSubject, Profile, bake_png
from badges.openbadges.baking import bakeable_json
from core.runtime import Runtime
from tests.badges.pathways.test_service import add_pathway, begin
from tests.lti_tool.learning.conftest import NOW, Visit, visit_as
from tests.support.badges import District, add_person, issue_credential
from tests.support.elsewhere import ACHIEVEMENT, BEGAN, HOME, PARTNER, SIGNER, Network, badge
from tests.support.ob3 import png, sign

PAGE = "/elsewhere"


@pytest.fixture
def network(runtime: Runtime) -> Network:
    found = Network({f"{HOME}/credentials/3": badge(3)})
    runtime.http = found  # type: ignore[assignment]
    runtime.clock = lambda: NOW
    return found


def words(page: str) -> str:
    return " ".join(page.split())


def upload(visit: Visit, data: bytes, name: str) -> str:
    """Send a file as a browser does; where the answer leads."""
    token = visit.token(PAGE)
    head = (
        f'--mark\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'
        f'--mark\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    )
    answer = visit.client.post(
        f"/s/{visit.sid}{PAGE}", base_url="https://milepost.test",
        data=head.encode() + data + b"\r\n--mark--\r\n",
        content_type="multipart/form-data; boundary=mark",
    )  # fmt: skip
    assert answer.status_code == 303, words(answer.text)
    return str(answer.headers["Location"])


def test_a_badge_comes_in_by_text_file_picture_and_address(visit: Visit, network: Network) -> None:
    assert "Nothing from elsewhere yet" in visit.get(PAGE).text
    by_text = visit.post(PAGE, {"text": json.dumps(badge(1))})
    assert by_text.status_code == 303
    upload(visit, json.dumps(badge(2)).encode(), "badge.json")
    upload(visit, bake_png(png(), bakeable_json(badge(4))), "badge.png")
    by_address = visit.post(PAGE, {"url": f"{HOME}/credentials/3"})
    assert by_address.status_code == 303
    shelf = words(visit.get(PAGE).text)
    assert shelf.count("<h3><a href=") == 4
    assert "partner.example (Partner Institute)" in shelf
    assert "Not shown to be yours" not in shelf
    page = words(visit.get(by_address.headers["Location"].split(str(visit.sid))[1]).text)
    assert "“Listening” is in your record now." in words(visit.get("/badges").text) or page
    for said in (
        "Partner Institute", "It does not count in a pathway.", "The signature fits",
        f'href="{HOME}/credentials/3"',
    ):  # fmt: skip
        assert said in page


def test_what_does_not_hold_stays_out_and_the_page_says_why(visit: Visit, network: Network) -> None:
    said_of: list[tuple[dict[str, str], str]] = [
        ({}, "Write a badge’s address, choose its file, or paste its text."),
        ({"url": "https://nowhere.example/1"}, "Nothing could be read at this address"),
        ({"text": "not a badge"}, "There is no badge in this"),
        (
            {"text": json.dumps({**badge(), "name": "Grander"})},
            "Do not rely on this badge: its signature does not fit",
        ),
    ]
    for form, said in said_of:
        answer = visit.post(PAGE, form)
        assert answer.status_code == 422
        assert said in words(answer.text)
        for typed in form.values():
            assert typed[:12] in answer.text.replace("&#34;", '"'), "nothing typed is lost"
    assert "Nothing from elsewhere yet" in visit.get(PAGE).text


def test_an_endorsement_is_no_badge_to_bring(visit: Visit, network: Network) -> None:
    said = EndorsementCredential(
        id=f"{HOME}/endorsements/1",
        name="Well made",
        issuer=Profile(id=PARTNER, name="Partner Institute"),
        valid_from=BEGAN,
        credential_subject=EndorsementSubject(id=ACHIEVEMENT, endorsement_comment="We like it."),
    )
    signed = sign(said.to_document(), SIGNER)
    answer = visit.post(PAGE, {"text": json.dumps(signed)})
    assert answer.status_code == 422
    assert "This endorsement is genuine and valid" in words(answer.text)
    assert "It was not brought in" in words(answer.text)
    assert "Nothing from elsewhere yet" in visit.get(PAGE).text


def test_a_revoked_badge_and_one_whose_issuer_is_silent_stay_out(
    visit: Visit, network: Network
) -> None:
    network.revoked = {1}
    answer = visit.post(PAGE, {"text": json.dumps(badge())})
    assert "This badge was withdrawn by its issuer" in words(answer.text)
    network.down = True
    answer = visit.post(PAGE, {"text": json.dumps(badge())})
    assert "Not everything about this badge could be checked" in words(answer.text)


def test_the_same_badge_twice_and_ones_own_are_refused_in_words(
    visit: Visit, network: Network, district: District, runtime: Runtime
) -> None:
    visit.post(PAGE, {"text": json.dumps(badge())})
    again = visit.post(PAGE, {"text": json.dumps(badge())})
    assert again.status_code == 409
    assert "You have brought this badge before." in words(again.text)
    held = issue_credential(district)
    runtime.clock = lambda: NOW + timedelta(days=1)
    own = visit.post(PAGE, {"text": held.document or ""})
    assert own.status_code == 409
    assert "it stands in “My badges” already" in words(own.text)


def test_somebody_elses_badge_says_so_and_names_what_was_compared(
    visit: Visit, network: Network
) -> None:
    answer = visit.post(PAGE, {"text": json.dumps(badge(email="x@else.example"))})
    page = words(visit.get(answer.headers["Location"].split(str(visit.sid))[1]).text)
    assert "It is not shown to be yours." in page
    assert "wren@alder-valley.example" in page


def test_checking_again_says_what_changed_and_what_could_not_be_asked(
    visit: Visit, network: Network
) -> None:
    answer = visit.post(PAGE, {"text": json.dumps(badge())})
    place = answer.headers["Location"].split(str(visit.sid))[1]
    network.down = True
    visit.post(f"{place}/check", {}, page=place)
    page = words(visit.get(place).text)
    assert "Its issuer could not be asked just now." in page
    assert "Valid" in page
    network.down, network.revoked = False, {1}
    visit.post(f"{place}/check", {}, page=place)
    assert "Withdrawn by its issuer" in words(visit.get(place).text)


def test_a_badge_is_removed_after_being_asked_once(visit: Visit, network: Network) -> None:
    answer = visit.post(PAGE, {"text": json.dumps(badge())})
    place = answer.headers["Location"].split(str(visit.sid))[1]
    assert "Take this badge out of your record?" in visit.get(place).text
    visit.post(f"{place}/remove", {}, page=place)
    assert "“Listening” was removed." in visit.get(PAGE).text
    assert visit.get(place).status_code == 404


def test_nobody_sees_what_another_has_brought(
    app: object, visit: Visit, network: Network, district: District, runtime: Runtime
) -> None:
    answer = visit.post(PAGE, {"text": json.dumps(badge())})
    place = answer.headers["Location"].split(str(visit.sid))[1]
    other = add_person(runtime, district.organisation, "Ash Example")
    theirs = visit_as(app, district, other)  # type: ignore[arg-type]
    assert theirs.get(place).status_code == 404
    assert theirs.post(f"{place}/remove", {}, page=PAGE).status_code == 404
    assert theirs.post(f"{place}/check", {}, page=PAGE).status_code == 404
    assert visit.get(place).status_code == 200


def test_a_file_beyond_measure_is_refused_before_it_is_read(visit: Visit, tmp_path: Path) -> None:
    answer = visit.client.post(
        f"/s/{visit.sid}{PAGE}", base_url="https://milepost.test", data=b"x",
        headers={"Content-Length": str(6 * 1024 * 1024)}, content_type="multipart/form-data",
    )  # fmt: skip
    assert answer.status_code in (400, 403, 413)


def test_a_path_that_asks_for_a_badge_of_others_leads_to_bringing_it(
    visit: Visit, network: Network, district: District
) -> None:
    asked = {"id": "b", "op": "badge", "achievement": ACHIEVEMENT, "issuers": [PARTNER]}
    begin(district, district.learner, add_pathway(district, asked))
    page = words(visit.get("/path").text)
    assert "Bring a badge from elsewhere that this asks for." in page
    assert f'href="/s/{visit.sid}/elsewhere"' in page
