"""A report on an endorsement speaks of an endorsement, in every sentence, and never of a badge."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from badges.openbadges import (
    BitstringStatusListEntry,
    StatusList,
    endorsement_words,
    status_list_document,
)
from badges.openbadges.report import Report, Step
from tests.badges.openbadges.test_verify import (
    AGENCY,
    check,
    endorsement,
    problems,
    web,
)
from tests.support.ob3 import VALID_FROM, TestSigner, mini_credential, sign

ROOT = Path(endorsement_words.__file__).parent
# Modules whose sentences are never said of a credential of 3.0 that was read.
ELSEWHERE = {"baking", "endorsement_words", "png", "svg", "version2", "version2_issue"}
# These are not said of an endorsement either, or mean badges in general.
GENERAL = {
    "No badge could be read: %(reason)s",
    "It is neither JSON, nor a token, nor an image with a badge in it.",
    "nothing says who earned the badge",
    "Too many badges are being checked; try again soon.",
}
AGENT = TestSigner("agency", "did:web:agency.example.org")
ABOUT = "did:web:district.example.org"


def marked() -> Iterator[str]:
    """Every text that is marked for translation, and may be said of an endorsement."""
    for path in ROOT.rglob("*.py"):
        if path.stem in ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "N_":
                [text] = node.args
                assert isinstance(text, ast.Constant)
                yield str(text.value)


def names_a_badge(text: str) -> bool:
    return "badge" in text.replace("Open Badges 3.0", "").lower()


def sentences(report: Report) -> list[str]:
    return [
        found
        for result in report.steps
        for found in (result.message.text, *(one.message.text for one in result.problems))
    ]


def test_every_sentence_that_names_a_badge_has_one_for_endorsements() -> None:
    known = {**endorsement_words._ABOUT_A_BADGE, **endorsement_words._REASONS}
    said = set(marked()) - GENERAL
    assert {text for text in said if names_a_badge(text)} <= set(known)
    assert set(known) <= said, "a sentence that nobody says any more"
    for badge, text in known.items():
        assert re.findall(r"%\(\w+\)s", badge) == re.findall(r"%\(\w+\)s", text)
        assert not names_a_badge(text)


def spoken(report: Report) -> None:
    """Hold every sentence of a report on an endorsement against the rule."""
    assert report.is_endorsement
    for text in sentences(report):
        assert not names_a_badge(text), text


CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "good": ({}, {}),
    "expired": ({"validUntil": "2026-05-02T00:00:00Z"}, {"time": "expired"}),
    "early": ({"validFrom": "2037-01-01T00:00:00Z"}, {"time": "early"}),
    "undated": ({"validFrom": "soon"}, {"shape": "wrong", "time": "malformed"}),
    "undefined": ({"praise": "High"}, {"safe_mode": "undefined"}),
    "unnamed issuer": ({"issuer": {}}, {"issuer": "missing", "proof": "no-issuer"}),
    "many proofs": ({"proof": [{}] * 6}, {"proof": "too-many"}),
    "unproven": ({"proof": []}, {"proof": "none"}),
    "status": ({"credentialStatus": {"type": "Oracle", "id": "urn:x:1"}}, {"status": "unknown"}),
    "odd status": ({"credentialStatus": "x"}, {"status": "malformed"}),
}


@pytest.mark.parametrize("case", CASES)
def test_no_sentence_calls_an_endorsement_a_badge(case: str) -> None:
    changes, expected = CASES[case]
    report = check({**endorsement(ABOUT), **changes}, web(**AGENCY), recipient="ada@example.org")
    spoken(report)
    found = problems(report)
    assert found["recipient"] == "unnamed"
    assert expected.items() <= found.items()


@pytest.mark.parametrize(("recipient", "code"), [(ABOUT, "same"), ("did:web:x.example", "other")])
def test_whom_an_endorsement_is_about_is_told(recipient: str, code: str) -> None:
    report = check(endorsement(ABOUT), web(**AGENCY), recipient=recipient)
    spoken(report)
    step = report.step(Step.RECIPIENT)
    assert step is not None
    assert step.message.code == f"recipient.{code}"


@pytest.mark.parametrize(
    ("purpose", "told"),
    [
        ("revocation", "The issuer has revoked this endorsement."),
        ("suspension", "The issuer has suspended this endorsement for now."),
    ],
)
def test_a_withdrawn_endorsement_says_so(purpose: str, told: str) -> None:
    bits = StatusList()
    bits.set_all([7])
    address = "https://agency.example.org/status"
    listed = status_list_document(
        bits, url=address, issuer=AGENT.issuer, valid_from=VALID_FROM, purpose=purpose
    )
    entry = BitstringStatusListEntry(f"{address}#7", address, "7", status_purpose=purpose)
    document = endorsement(ABOUT, credential_status=entry)
    report = check(document, web(**AGENCY, **{address: sign(listed, AGENT)}))
    spoken(report)
    assert told in sentences(report)
    moved = check(document, web(**AGENCY, **{address: sign({**listed, "id": "urn:x"}, AGENT)}))
    assert (
        "The issuer's list of what it has revoked cannot be trusted:"
        " it has another address than this endorsement names." in sentences(moved)
    )


def test_an_endorsement_inside_a_badge_is_judged_in_its_own_words() -> None:
    document = mini_credential()
    achievement = document["credentialSubject"]["achievement"]
    bare = endorsement(achievement["id"])
    del bare["proof"]
    achievement["endorsement"] = [bare]
    [found] = check(sign(document), web(**AGENCY)).endorsements
    assert found.message.text == (
        "An endorsement in the badge does not hold: This endorsement carries no proof."
    )


def test_a_badge_is_still_called_a_badge() -> None:
    report = check(sign(mini_credential()))
    assert not report.is_endorsement
    assert "The badge is within its time." in sentences(report)
