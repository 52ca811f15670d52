"""One's own badge for others: private links, the certificate, and the address that it carries."""

from __future__ import annotations

import html
import re
import uuid
from datetime import timedelta

import pytest
from flask import Flask

from badges.awards import hashed, links
from badges.awards import service as awards
from badges.awards.models import Award, Credential
from badges.awards.revisions import sign_revision
from badges.awards.signing import sign_credential
from core import addresses, postal, single_use
from core.identity import Person, owner_like
from core.runtime import Runtime
from tests.lti_tool.learning.conftest import NOW, Visit, mark_as_test_student, visit_as
from tests.support.badges import District, add_person, earn, issue_credential


@pytest.fixture
def credential(district: District, runtime: Runtime) -> Credential:
    """Signed and private."""
    runtime.clock = lambda: NOW + timedelta(hours=3)
    return issue_credential(district, published=False)


def page(credential: Credential, tool: str = "") -> str:
    return f"/badges/{credential.award_id}{tool}"


def shown_links(text: str) -> list[str]:
    return re.findall(r'value="https://milepost\.test(/shared/[^"]+)"', text)


def now_of(runtime: Runtime, credential: Credential) -> Credential:
    with runtime.database.snapshot() as session:
        return awards.own_credential(session, credential.id, credential.person_id)


def confirm_address(runtime: Runtime, person: Person, address: str) -> None:
    row_id = uuid.uuid4()
    with runtime.database.transaction() as session:
        session.add(
            addresses.OwnAddress(
                **owner_like(person), id=row_id, person_id=person.id, address=address,
                lookup=postal.same(address), state="verified", asked_at=NOW, verified_at=NOW,
                token_hash=single_use.digest(str(row_id)), expires_at=NOW + timedelta(hours=1),
            )
        )  # fmt: skip


def test_a_private_badge_is_shown_by_a_link_until_it_is_ended(
    visit: Visit, credential: Credential
) -> None:
    assert "No link yet" in visit.get(page(credential, "/links")).text
    made = visit.post(page(credential, "/links"), {"days": "7", "label": "Job at Elm Hill"})
    assert made.status_code == 303
    text = visit.get(page(credential, "/links")).text
    assert "Job at Elm Hill" in text
    (address,) = shown_links(text)
    accept = {"Accept": "text/html"}
    assert "Wren Samplewood" in visit.client.get(address, headers=accept).text
    ending = re.search(r'action="/s/[^/]+(/badges/[^"]+/end)"', text)
    assert ending
    visit.post(ending[1], {}, page=page(credential, "/links"))
    assert visit.client.get(address, headers=accept).status_code == 410
    assert "No link yet" in visit.get(page(credential, "/links")).text


def test_a_link_may_be_noted_with_any_emoji_and_with_nothing_that_turns_what_is_read(
    visit: Visit, credential: Credential
) -> None:
    for label in ("For 👩\u200d🚀", "🏴󠁧󠁢󠁥󠁿"):
        assert (
            visit.post(page(credential, "/links"), {"days": "7", "label": label}).status_code == 303
        )
        assert label in visit.get(page(credential, "/links")).text
    for label in ("Wren\u202enhoJ", "Wren\u2066nhoJ\u2069"):
        answer = visit.post(page(credential, "/links"), {"days": "7", "label": label})
        assert answer.status_code == 422
        assert "turns the direction of the text" in answer.text


def test_what_is_wrong_with_a_link_is_said_beside_it_and_nothing_is_lost(
    visit: Visit, credential: Credential
) -> None:
    answer = visit.post(page(credential, "/links"), {"days": "8", "label": "x" * 100})
    assert answer.status_code == 422
    assert "Choose one of these times." in answer.text
    assert "This has 100 characters; at most 80 fit." in answer.text
    assert "x" * 100 in answer.text


def test_there_is_a_limit_to_links(
    visit: Visit, credential: Credential, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MOST", 1)
    visit.post(page(credential, "/links"), {"days": "1"})
    answer = visit.post(page(credential, "/links"), {"days": "1"})
    assert answer.status_code == 409
    assert "This badge has 1 links that work" in answer.text
    runtime.clock = lambda: NOW + timedelta(days=2)
    assert visit.post(page(credential, "/links"), {"days": "1"}).status_code in {303, 401}


def test_nobody_makes_or_ends_links_to_another_persons_badge(
    app: Flask, district: District, runtime: Runtime, visit: Visit, credential: Credential
) -> None:
    visit.post(page(credential, "/links"), {"days": "1"})
    with runtime.database.snapshot() as session:
        (link,) = links.links_of(session, credential.id, credential.person_id, runtime.now())
    other = visit_as(app, district, add_person(runtime, district.organisation, "Noor Elsewhere"))
    for tool in ("/links", "/address"):
        assert other.get(page(credential, tool)).status_code == 404
    answer = other.post(page(credential, f"/links/{link.id}/end"), {}, page="/notices")
    assert answer.status_code == 404
    with runtime.database.snapshot() as session:
        assert links.links_of(session, credential.id, credential.person_id, runtime.now())


def test_a_test_student_shares_nothing(
    visit: Visit, credential: Credential, district: District, runtime: Runtime
) -> None:
    mark_as_test_student(runtime, district.learner)
    assert visit.post(page(credential, "/links"), {"days": "1"}).status_code == 409


def test_links_that_ended_a_month_ago_are_forgotten(
    visit: Visit, credential: Credential, runtime: Runtime
) -> None:
    visit.post(page(credential, "/links"), {"days": "1"})
    for days, forgotten in ((20, 0), (40, 1)):
        with runtime.database.transaction() as session:
            assert links.forget(session, NOW + timedelta(days=days)) == forgotten


def test_the_certificate_of_a_private_badge_is_its_holders_alone(
    visit: Visit, credential: Credential, app: Flask, district: District, runtime: Runtime
) -> None:
    answer = visit.get(page(credential, "/download.pdf"))
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Cache-Control"] == "private, no-store"
    other = visit_as(app, district, add_person(runtime, district.organisation, "Noor Elsewhere"))
    assert other.get(page(credential, "/download.pdf")).status_code == 404


@pytest.mark.parametrize(
    ("choice", "carried"),
    [
        ("school", "wren@alder-valley.example"),
        ("own", "wren@home.example"),
        ("none", None),
        ("", "wren@alder-valley.example"),
    ],
)
def test_the_badge_carries_the_address_that_was_chosen(
    visit: Visit,
    district: District,
    runtime: Runtime,
    choice: str,
    carried: str | None,
) -> None:
    runtime.clock = lambda: NOW + timedelta(hours=3)
    confirm_address(runtime, district.learner, "wren@home.example")
    award = offered(runtime, district)
    offer = visit.get(f"/badges/{award.id}").text
    assert "Your own: wren@home.example" in offer
    visit.post(
        f"/badges/{award.id}",
        {"do": "accept", "name": "full", **({"address": choice} if choice else {})},
    )
    with runtime.database.snapshot() as session:
        found = awards.credential_of(session, award)
        assert found is not None
        unsigned = awards.own_credential(session, found.id, award.person_id).unsigned
    known = {"own": "wren@home.example", "school": "wren@alder-valley.example"}
    told = hashed.carried_address(unsigned, known)  # type: ignore[arg-type]
    assert {**known, "none": None}[told] == carried


def offered(runtime: Runtime, district: District) -> Award:
    with runtime.database.transaction() as session:
        return earn(session, district)


def test_an_address_that_is_not_ones_own_is_no_choice(
    visit: Visit, district: District, runtime: Runtime
) -> None:
    runtime.clock = lambda: NOW + timedelta(hours=3)
    award = offered(runtime, district)
    answer = visit.post(f"/badges/{award.id}", {"do": "accept", "name": "full", "address": "own"})
    assert answer.status_code == 422
    assert "Choose again which address the badge should carry." in answer.text
    with runtime.database.snapshot() as session:
        assert awards.credential_of(session, award) is None


def test_the_address_is_changed_later_by_a_new_version(
    visit: Visit, credential: Credential, district: District, runtime: Runtime
) -> None:
    tool = page(credential, "/address")
    assert "carries a fingerprint of wren@alder-valley.example" in plain(visit.get(tool).text)
    confirm_address(runtime, district.learner, "wren@home.example")
    runtime.clock = lambda: NOW + timedelta(hours=5)
    assert visit.post(tool, {"address": "own"}).status_code == 303
    assert "A new version of your badge is being signed" in visit.get(tool).text
    sign_revision(runtime, district.ring, credential.id)
    after = now_of(runtime, credential)
    assert after.revision == 2
    assert "carries a fingerprint of wren@home.example" in plain(visit.get(tool).text)
    # Asking for what there is already makes no version.
    visit.post(tool, {"address": "own"})
    assert now_of(runtime, credential).revision == 2
    visit.post(tool, {"address": "none"})
    sign_revision(runtime, district.ring, credential.id)
    assert "carries no address" in plain(visit.get(tool).text)
    assert hashed.hashed_addresses({}) == []


def test_without_a_choice_the_address_stays(visit: Visit, credential: Credential) -> None:
    answer = visit.post(page(credential, "/address"), {"address": "elsewhere"})
    assert answer.status_code == 422
    assert "Choose one of these." in answer.text


def test_a_badge_that_is_not_signed_yet_says_so(
    visit: Visit, district: District, runtime: Runtime
) -> None:
    runtime.clock = lambda: NOW + timedelta(hours=3)
    award = offered(runtime, district)
    visit.post(f"/badges/{award.id}", {"do": "accept", "name": "full"})
    for tool in ("/links", "/address"):
        assert "still being signed" in visit.get(f"/badges/{award.id}{tool}").text
    with runtime.database.snapshot() as session:
        found = awards.credential_of(session, award)
    assert found is not None
    sign_credential(runtime, district.ring, found.id)
    assert "Make a link" in visit.get(f"/badges/{award.id}/links").text


def plain(text: str) -> str:
    return html.unescape(text)
