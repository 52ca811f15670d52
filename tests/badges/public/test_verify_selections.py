"""/verify, and a badge of which its holder shows a part (ecdsa-sd-2023)."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient

from badges.openbadges import did_key
from tests.badges.public.conftest import HTML
from tests.support.ob3 import mini_credential
from tests.support.selective import (
    BASE,
    ISSUER_KEY,
    MULTIBASE,
    Parts,
    about_life,
    multibase,
    show,
    with_value,
)


def part() -> dict[str, Any]:
    """A part whose issuer needs no web to be asked."""
    document = mini_credential()
    document["issuer"]["id"] = did_key(ISSUER_KEY.public_key())
    return show(document, about_life, method=f"{document['issuer']['id']}#{MULTIBASE}")


def test_a_stranger_is_told_what_could_not_be_checked_and_whom_to_ask(client: FlaskClient) -> None:
    page = client.post("/verify", data={"text": json.dumps(part())}, headers=HTML).text
    assert "<h1>Not everything about this badge could be checked</h1>" in page
    assert "5 of 7 checks hold." in page
    assert "Its holder chose what to show" in page
    assert "may have left out where its issuer says whether it was revoked" in page
    assert "Ask its holder to show more of it." in page
    assert "nothing of it is proven" not in page


def test_a_holders_own_form_is_told_to_need_a_copy(client: FlaskClient) -> None:
    base = with_value(part(), multibase(BASE + Parts.of(part()).cbor()))
    page = client.post("/verify", data={"text": json.dumps(base)}, headers=HTML).text
    assert "Ask its holder for a copy that is made for showing." in page
    assert "nothing of it is proven" in page


def test_a_program_is_told_the_same(client: FlaskClient) -> None:
    answer = client.post("/verify", json=part(), headers={"Accept": "application/json"}).json
    assert answer is not None
    codes = {step["step"]: step["message"]["code"] for step in answer["steps"]}
    assert answer["outcome"] == "undecided"
    assert codes["proof"] == "proof.holds-in-part"
    assert (codes["status"], codes["time"]) == ("status.not-shown", "time.end-not-shown")
