"""A wallet fetches a badge: what it is asked for, what it gets, and who gets nothing."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from badges.app import create_app
from badges.awards import service as awards
from badges.awards.models import Credential
from badges.awards.revisions import sign_revision
from badges.wallets import service as wallets
from badges.wallets.addresses import exchange_url, interaction_url, learner_wallet_link
from core.http import Response
from core.scope import unscoped
from tests.badges.public.conftest import HTML
from tests.support.badges import NOW, District, both_databases, issue_credential, make_district
from tests.support.verifying import verify_badge
from tests.support.wallet import Wallet

JSON = {"Accept": "application/json"}
PHONE, OTHER = Wallet("phone"), Wallet("other")


@pytest.fixture
def district(request: pytest.FixtureRequest) -> District:
    made = make_district(request.getfixturevalue(getattr(request, "param", "runtime")))
    made.runtime.clock = lambda: NOW + timedelta(hours=3)
    return made


@pytest.fixture
def credential(district: District) -> Credential:
    """Signed, and kept private by its holder."""
    return issue_credential(district, published=False)


@pytest.fixture
def app(district: District) -> Flask:
    return create_app(runtime=district.runtime)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def start(district: District, credential: Credential) -> wallets.Offer:
    with district.runtime.database.transaction() as session, unscoped(session, "a test"):
        return wallets.start(session, district.runtime, credential, credential.person_id)


def path(offer: wallets.Offer) -> str:
    return f"/exchanges/{offer.secret}"


def asked(client: FlaskClient, offer: wallets.Offer) -> dict[str, Any]:
    answer = client.post(path(offer), json={})
    assert answer.status_code == 200, answer.text
    return answer.json["verifiablePresentationRequest"]


def hand_over(client: FlaskClient, offer: wallets.Offer, wallet: Wallet = PHONE) -> Any:
    request = asked(client, offer)
    shown = wallet.present(request["challenge"], request["domain"])
    return client.post(path(offer), json={"verifiablePresentation": shown})


def stored(district: District, credential: Credential) -> Credential:
    with district.runtime.database.snapshot() as session:
        return awards.own_credential(session, credential.id, credential.person_id)


def subject(document: Any) -> str:
    return json.loads(document)["credentialSubject"]["id"]


def test_a_wallet_gets_the_badge_bound_to_its_own_key(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    offer = start(district, credential)
    invitation = client.get(f"{path(offer)}?iuv=1", headers=JSON).json
    assert invitation == {"protocols": {"vcapi": f"https://milepost.test{path(offer)}"}}
    request = asked(client, offer)
    assert request["query"][0]["type"] == "DIDAuthentication"
    assert request["domain"] == "milepost.test"
    answer = hand_over(client, offer)
    assert answer.status_code == 200, answer.text
    (given,) = answer.json["verifiablePresentation"]["verifiableCredential"]
    before = json.loads(credential.document or "")
    assert given["credentialSubject"]["id"] == PHONE.did
    assert given["id"] == before["id"]
    assert given["awardedDate"] == before["awardedDate"]
    assert given["validFrom"] > before["validFrom"]
    now = stored(district, credential)
    assert json.loads(now.document or "") == given
    assert (now.published_at, now.revision) == (None, 2)
    later = now.revised_at or NOW
    now.accepted_at = later  # the moment that the check below takes for the present
    assert verify_badge(district, now, recipient=PHONE.did).valid
    # What was given away before still holds.
    assert verify_badge(district, now, credential.document).valid
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_own_link_of_one_wallet_posts_its_presentation_alone(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    offer = start(district, credential)
    shown = PHONE.present(offer.challenge, suite="Ed25519Signature2020")
    answer = client.post(path(offer), json=shown)
    assert answer.json["credentialSubject"]["id"] == PHONE.did
    assert "proof" in answer.json
    # It replaces HTML entities before it reads JSON.
    assert "&" not in answer.text


def test_one_wallet_alone_gets_it_and_may_ask_again(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    offer = start(district, credential)
    shown = PHONE.present(offer.challenge, offer.domain)
    first = client.post(path(offer), json={"verifiablePresentation": shown})
    again = client.post(path(offer), json={"verifiablePresentation": shown})
    assert first.json == again.json
    other = OTHER.present(offer.challenge, offer.domain)
    refused = client.post(path(offer), json={"verifiablePresentation": other})
    assert (refused.status_code, refused.json["type"]) == (410, "urn:milepost:exchange_used")
    assert refused.mimetype == "application/problem+json"
    assert client.post(path(offer), json={}).status_code == 410
    assert client.get(path(offer), headers=JSON).status_code == 410
    page = client.get(path(offer), headers=HTML)
    assert page.status_code == 200
    assert "A wallet has taken this badge" in page.text
    assert "lcw.app" not in page.text
    assert subject(stored(district, credential).document) == PHONE.did
    assert stored(district, credential).revision == 2


def test_another_wallet_takes_it_by_a_link_of_its_own(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    first = start(district, credential)
    second = start(district, credential)
    assert first.secret != second.secret
    assert first.challenge != second.challenge
    ended = client.post(path(first), json={})
    assert (ended.status_code, ended.json["type"]) == (410, "urn:milepost:exchange_expired")
    assert ended.json["title"] == "This link has ended"
    assert "stopped it" in ended.json["detail"]
    assert hand_over(client, second).status_code == 200
    assert hand_over(client, start(district, credential), OTHER).status_code == 200
    assert subject(stored(district, credential).document) == OTHER.did


def test_after_a_quarter_of_an_hour_it_is_over(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    offer = start(district, credential)
    shown = {"verifiablePresentation": PHONE.present(offer.challenge, offer.domain)}
    district.runtime.clock = lambda: NOW + timedelta(hours=3, minutes=15)
    for answer in (client.post(path(offer), json=shown), client.post(path(offer))):
        assert (answer.status_code, answer.json["type"]) == (410, "urn:milepost:exchange_expired")
    page = client.get(path(offer), headers=HTML)
    assert page.status_code == 410
    assert "This link has expired" in page.text
    assert subject(stored(district, credential).document).startswith("urn:uuid:")
    with district.runtime.database.transaction() as session:
        assert wallets.forget(session, NOW + timedelta(days=30)) == 0
        assert wallets.forget(session, NOW + timedelta(days=32)) == 1


def test_a_stranger_with_another_presentation_gets_nothing(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    offer = start(district, credential)
    elsewhere = start(district, issue_credential_of(district, "Noor Prove"))
    for shown in (
        PHONE.present(elsewhere.challenge, elsewhere.domain),
        PHONE.present(offer.challenge, "evil.example.org"),
        PHONE.present(offer.challenge),
        PHONE.present(offer.challenge, offer.domain, changes={"holder": OTHER.did}),
        {"type": "VerifiablePresentation"},
        "text",
        7,
    ):
        answer = client.post(path(offer), json={"verifiablePresentation": shown})
        assert (answer.status_code, answer.json["type"]) == (
            422,
            "urn:milepost:presentation_invalid",
        )
    assert client.post("/exchanges/unknown", json={}).status_code == 404
    assert client.get(f"/exchanges/{'x' * 400}", headers=JSON).status_code == 404
    assert stored(district, credential).revision == 1
    assert hand_over(client, offer).status_code == 200


def issue_credential_of(district: District, name: str) -> Credential:
    from tests.support.badges import add_person

    person = add_person(district.runtime, district.organisation, name)
    return issue_credential(district, person, published=False)


def test_a_badge_that_was_withdrawn_goes_into_no_wallet(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    offer = start(district, credential)
    with district.runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, credential.id, "issued twice", None, district.runtime.now())
    answer = hand_over(client, offer)
    assert (answer.status_code, answer.json["type"]) == (410, "urn:milepost:credential_revoked")
    with pytest.raises(Exception, match="credential_not_ready"):
        start(district, stored(district, credential))


@both_databases
def test_of_many_wallets_at_once_one_gets_it(district: District, credential: Credential) -> None:
    offer = start(district, credential)
    runtime, answers = district.runtime, []
    ready = threading.Barrier(4)

    class Nothing:
        def fetch(self, url: str, _accept: str) -> tuple[bytes, str]:
            raise AssertionError(f"{url} was fetched")

    def take(wallet: Wallet) -> None:
        shown = wallet.present(offer.challenge, offer.domain)
        ready.wait(20)
        try:
            given = wallets.take(
                runtime, district.ring, offer.secret, shown,
                resolver=Nothing(), domain_required=True,
            )  # fmt: skip
            answers.append(given["credentialSubject"]["id"])
        except Exception as error:
            answers.append(getattr(error, "code", repr(error)))

    crowd = [Wallet(f"wallet {number}") for number in range(4)]
    threads = [threading.Thread(target=take, args=(wallet,)) for wallet in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers)[1:] == ["exchange_used"] * 3
    assert sorted(answers)[0] in {wallet.did for wallet in crowd}
    assert subject(stored(district, credential).document) == sorted(answers)[0]


def test_an_answer_that_was_lost_before_it_was_signed_is_given_by_the_next(
    client: FlaskClient,
    district: District,
    credential: Credential,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer = start(district, credential)
    shown = {"verifiablePresentation": PHONE.present(offer.challenge, offer.domain)}

    def die(*_args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("badges.wallets.service.sign_revision", die)
    with pytest.raises(KeyboardInterrupt):
        client.post(path(offer), json=shown)
    monkeypatch.undo()
    assert subject(stored(district, credential).document).startswith("urn:uuid:")
    assert sign_revision(district.runtime, district.ring, credential.id)  # the worker's turn
    assert client.post(path(offer), json=shown).status_code == 200
    assert stored(district, credential).revision == 2


def test_a_did_on_the_web_is_looked_up_through_the_guarded_client(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    wallet = Wallet("school", "did:web:people.example.org:ada")
    fetched = []

    class Network:
        def get(self, url: str, **options: Any) -> Response:
            fetched.append((url, options["max_bytes"]))
            return Response(
                200, {"content-type": "application/did+json"},
                json.dumps(wallet.controller()).encode(), url,
            )  # fmt: skip

    district.runtime.http = Network()  # type: ignore[assignment]
    assert hand_over(client, start(district, credential), wallet).status_code == 200
    assert [url for url, _limit in fetched] == ["https://people.example.org/ada/did.json"]
    assert subject(stored(district, credential).document) == wallet.did


def test_a_browser_gets_a_page_that_opens_the_wallet(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    offer = start(district, credential)
    page = client.get(f"{path(offer)}?iuv=1", headers=HTML)
    assert page.status_code == 200
    assert "https://lcw.app/request.html?issuer=did%3Aweb%3Amilepost.test" in page.text
    assert "for 15 more minutes" in page.text
    assert "Questions That Open" in page.text
    assert "Wren" not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


def test_the_link_of_one_wallet_says_all_that_it_needs() -> None:
    address = exchange_url("https://b.example", "s")
    assert interaction_url("https://b.example", "s") == f"{address}?iuv=1"
    assert learner_wallet_link(address, issuer="did:web:b.example", challenge="c") == (
        "https://lcw.app/request.html?issuer=did%3Aweb%3Ab.example&auth_type=bearer&challenge=c"
        "&vc_request_url=https%3A%2F%2Fb.example%2Fexchanges%2Fs"
    )


def test_an_exchange_that_is_asked_too_often_rests(client: FlaskClient) -> None:
    answers = [client.post("/exchanges/unknown", json={}).status_code for _time in range(31)]
    assert answers == [404] * 30 + [429]
    assert client.post("/exchanges/another", json={}).status_code == 404


def test_what_cannot_be_read_is_refused(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    offer = start(district, credential)
    for body in (
        b"{", b"[]", b"7", b'"x"', b"\xff", b'{"a":1,"a":2}', b'{"a":' * 60,
    ):  # fmt: skip
        answer = client.post(path(offer), data=body)
        assert (answer.status_code, answer.json["status"]) == (422, 422), body[:20]
    large = client.post(path(offer), data=b"{" * 70_000)
    assert (large.status_code, large.json["status"]) == (413, 413)
    assert "70 KB; at most 66 KB" in large.json["detail"]


@settings(max_examples=10)
@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "holder", "proof", "@context", "challenge"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=6,
    )
)
def test_no_presentation_breaks_anything(
    app: Flask, district: District, credential: Credential, shown: Any
) -> None:
    offer = start(district, credential)
    client = app.test_client()
    answer = client.post(path(offer), json={"verifiablePresentation": shown})
    assert answer.status_code in ((200,) if shown is None else (422,))
