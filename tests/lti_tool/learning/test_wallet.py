"""Putting one's own badge into a wallet: the page before, while and after."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from badges.awards import service as awards
from badges.awards.models import Credential
from badges.wallets import service as wallets
from core.runtime import Runtime
from core.scope import unscoped
from tests.lti_tool.learning.conftest import NOW, Visit, visit_as
from tests.support.badges import District, add_person, issue_credential
from tests.support.wallet import Wallet


@pytest.fixture
def credential(district: District, runtime: Runtime) -> Credential:
    runtime.clock = lambda: NOW + timedelta(hours=3)
    return issue_credential(district, published=False)


def page(credential: Credential) -> str:
    return f"/badges/{credential.award_id}/wallet"


def waiting(runtime: Runtime, credential: Credential) -> wallets.Offer:
    with runtime.database.snapshot() as session:
        found = wallets.latest(session, runtime, credential.id)
    assert found is not None
    return found


def test_a_link_waits_is_taken_and_the_page_says_so(
    visit: Visit, credential: Credential, runtime: Runtime
) -> None:
    before = visit.get(page(credential)).text
    assert "Make a link for my wallet" in before
    assert "Publish it first" in before
    assert visit.post(page(credential), {}).status_code == 303
    offer = waiting(runtime, credential)
    shown = visit.get(page(credential)).text
    assert f"https://milepost.test/exchanges/{offer.secret}?iuv=1" in shown
    assert "https://lcw.app/request.html?issuer=" in shown
    assert '<svg width="' in shown
    assert not re.search(r"<svg[^>]*\bstyle=|<style", shown)
    assert "Saturday 14 March 2026, 14:45 CET" in shown
    phone = Wallet()
    asked = visit.client.post(f"/exchanges/{offer.secret}", json={}).json
    request = asked["verifiablePresentationRequest"]
    answer = visit.client.post(
        f"/exchanges/{offer.secret}",
        json={"verifiablePresentation": phone.present(request["challenge"], request["domain"])},
    )
    assert answer.status_code == 200
    after = visit.get(page(credential)).text
    assert "Your wallet has the badge." in after
    assert phone.did in after
    assert offer.secret not in after
    released = visit.post(f"{page(credential)}/release", {}, page=page(credential))
    assert released.status_code == 303
    free = visit.get(page(credential)).text
    assert phone.did not in free
    assert "Your wallet has the badge." not in free


def test_a_link_can_be_stopped_and_ends_by_itself(
    visit: Visit, credential: Credential, runtime: Runtime
) -> None:
    visit.post(page(credential), {})
    first = waiting(runtime, credential)
    assert visit.post(f"{page(credential)}/stop", {}, page=page(credential)).status_code == 303
    assert visit.client.post(f"/exchanges/{first.secret}", json={}).status_code == 410
    assert "That link is over." in visit.get(page(credential)).text
    visit.post(page(credential), {})
    assert waiting(runtime, credential).secret != first.secret
    runtime.clock = lambda: NOW + timedelta(hours=4)
    assert "That link is over." in visit.get(page(credential)).text


def test_only_a_badge_of_ones_own_that_stands_goes_into_a_wallet(
    app: Flask, visit: Visit, credential: Credential, district: District, runtime: Runtime
) -> None:
    other = visit_as(app, district, add_person(runtime, district.organisation, "Noor Prove"))
    assert other.get(page(credential)).status_code == 404
    assert other.post(page(credential), {}, page="/notices").status_code == 404
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, credential.id, "issued twice", None, runtime.now())
    led = visit.get(page(credential))
    assert (led.status_code, led.headers["Location"].endswith(str(credential.award_id))) == (
        303, True,
    )  # fmt: skip


def test_a_published_badge_has_an_address_for_wallets_and_a_form_for_older_backpacks(
    visit: Visit, credential: Credential
) -> None:
    own = f"/badges/{credential.award_id}"
    assert "Once it is published there is a form for older backpacks" in visit.get(own).text
    visit.post(f"{own}/publish", {}, page=own)
    assert f"https://milepost.test/credentials/{credential.id}.json" in visit.get(
        page(credential)
    ).text  # fmt: skip
    assert f"/ob2/assertions/{credential.id}.png" in visit.get(own).text
    public = visit.client.get(f"/credentials/{credential.id}", headers={"Accept": "text/html"})
    assert f"/ob2/assertions/{credential.id}.png" in public.text
