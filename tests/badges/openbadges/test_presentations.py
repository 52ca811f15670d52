"""Whose presentation it is: by its key, for this challenge, for us."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from badges.openbadges import contexts
from badges.openbadges.errors import PresentationError, ResolutionError
from badges.openbadges.presentations import holder_of
from badges.openbadges.resolution import ControllerResolver, OfflineResolver
from tests.support import nodejs
from tests.support.wallet import SIGNED_AT, Wallet

CHALLENGE, DOMAIN = "99612b24-63d9-11ea-b99f-4f66f3e4f81a", "badges.example.org"
NOW = SIGNED_AT + timedelta(minutes=1)
PHONE, OTHER = Wallet("phone"), Wallet("other")


def holder(
    presentation: Any, documents: dict[str, Any] | None = None, *, domain_required: bool = True
) -> str:
    return holder_of(
        presentation,
        challenge=CHALLENGE,
        domain=DOMAIN,
        controllers=ControllerResolver(OfflineResolver(documents)),
        now=NOW,
        domain_required=domain_required,
    )


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "Ed25519Signature2020"])
def test_a_wallet_shows_that_its_did_is_its_own(suite: str) -> None:
    assert holder(PHONE.present(CHALLENGE, DOMAIN, suite=suite)) == PHONE.did
    without = PHONE.present(CHALLENGE, suite=suite)
    assert holder(without, domain_required=False) == PHONE.did


def test_a_did_on_the_web_lists_the_key_for_this() -> None:
    wallet = Wallet("school", "did:web:people.example.org:ada")
    shown = wallet.present(CHALLENGE, DOMAIN)
    document = wallet.controller()
    assert holder(shown, {wallet.did: document}) == wallet.did
    for wrong in (
        {**document, "authentication": []},
        {**document, "id": "did:web:people.example.org:bob"},
        {**document, "verificationMethod": []},
        {**document, "authentication": [], "assertionMethod": [wallet.method]},
    ):
        with pytest.raises(PresentationError):
            holder(shown, {wallet.did: wrong})
    with pytest.raises(ResolutionError):
        holder(shown)


def refusals() -> dict[str, Any]:
    good = PHONE.present(CHALLENGE, DOMAIN)
    return {
        "another challenge": PHONE.present("another", DOMAIN),
        "no challenge": PHONE.present(CHALLENGE, DOMAIN, options={"challenge": None}),
        "a challenge that is no text": {**good, "proof": {**good["proof"], "challenge": 7}},
        "for somebody else": PHONE.present(CHALLENGE, "evil.example.org"),
        "for several": PHONE.present(CHALLENGE, options={"domain": [DOMAIN, "evil.example.org"]}),
        "for nobody": PHONE.present(CHALLENGE),
        "somebody else's DID": PHONE.present(CHALLENGE, DOMAIN, changes={"holder": OTHER.did}),
        "holder changed after": {**good, "holder": OTHER.did},
        "challenge changed after": {
            **PHONE.present("another", DOMAIN),
            "proof": {**PHONE.present("another", DOMAIN)["proof"], "challenge": CHALLENGE},
        },
        "made to assert": PHONE.present(
            CHALLENGE, DOMAIN, options={"proofPurpose": "assertionMethod"}
        ),
        "expired": PHONE.present(CHALLENGE, DOMAIN, options={"expires": "2026-03-14T12:30:01Z"}),
        "no DID": PHONE.present(CHALLENGE, DOMAIN, changes={"holder": "https://ada.example.org"}),
        "no holder": {name: value for name, value in good.items() if name != "holder"},
        "no proof": {**good, "proof": []},
        "two proofs": {**good, "proof": [good["proof"], good["proof"]]},
        "a proof that is no object": {**good, "proof": "x"},
        "not a presentation": PHONE.present(CHALLENGE, DOMAIN, changes={"type": ["Something"]}),
        "an undefined word": PHONE.present(CHALLENGE, DOMAIN, changes={"undefinedWord": "x"}),
        "an unknown context": {**good, "@context": ["https://evil.example.org/context"]},
        "an unknown suite": {**good, "proof": {**good["proof"], "cryptosuite": "none-2026"}},
        "an overlong DID": {**good, "holder": "did:key:z" + "6" * 5000},
    }


@pytest.mark.parametrize("name", sorted(refusals()))
def test_what_shows_nothing_is_refused(name: str) -> None:
    with pytest.raises(PresentationError):
        holder(refusals()[name])


@pytest.mark.parametrize("junk", [None, 7, [], {}, "x", [[]], {"id": 7}])
@pytest.mark.parametrize("name", ["@context", "type", "holder", "proof"])
def test_no_json_raises_anything_else(name: str, junk: Any) -> None:
    with pytest.raises((PresentationError, ResolutionError)):
        holder({**PHONE.present(CHALLENGE, DOMAIN), name: junk})


def test_a_wallet_by_other_hands_is_understood() -> None:
    """@digitalbazaar/vc signs presentations as many wallets do."""
    known = {url: contexts.load_context(url) for url in contexts.FILES}
    request = {"challenge": CHALLENGE, "domain": DOMAIN, "known": known}
    answer = nodejs.answer("present.mjs", request)
    assert answer["holder"].startswith("did:key:z6Mk")
    # Signed by the clock of this machine.
    assert holder(answer["presentation"]) == answer["holder"]
    answer["presentation"]["proof"]["challenge"] = "another"
    with pytest.raises(PresentationError):
        holder(answer["presentation"])
