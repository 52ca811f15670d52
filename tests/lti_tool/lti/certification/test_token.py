"""401 token_invalid, by sub-reason; and headers that are ignored, never followed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.lti_tool.lti.certification.cases import launched_refusal
from tests.lti_tool.lti.harness import Browser, Installation
from tests.support.hostile_platform import ABSENT, public_jwk, rsa_key, segment
from tests.support.local_http import Answer

YEARS = 5 * 365 * 86400
OTHER = "somebody-else"


def forged(
    browser: Browser,
    roles: list[str],
    reason: str,
    *,
    claims: dict[str, Any] | None = None,
    header: dict[str, Any] | None = None,
    key: Any = None,
) -> None:
    platform = browser.installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(
            platform.claims(pending, roles=roles, **(claims or {})), key=key, **(header or {})
        ),
        401,
        "token_invalid",
        reason,
    )


HEADERS = {
    "no kid": ({"kid": ABSENT}, "kid_missing"),
    "empty kid": ({"kid": ""}, "kid_missing"),
    "kid no string": ({"kid": 7}, "kid_missing"),
    "wrong kid": ({"kid": "another"}, "kid_unknown"),
    "alg none": ({"alg": "none"}, "alg"),
    "alg None": ({"alg": "None"}, "alg"),
    "no alg": ({"alg": ABSENT}, "alg"),
    "HS256 with the public key": ({"alg": "HS256"}, "alg"),
    "RS512": ({"alg": "RS512"}, "alg"),
    "ES256": ({"alg": "ES256"}, "alg"),
    "PS256": ({"alg": "PS256"}, "alg"),
    "alg a list": ({"alg": ["RS256"]}, "alg"),
    "crit": ({"crit": ["exp"]}, "crit"),
    "empty crit": ({"crit": []}, "crit"),
}


@pytest.mark.parametrize(("header", "reason"), HEADERS.values(), ids=HEADERS.keys())
def test_headers(browser: Browser, roles: list[str], header: dict[str, Any], reason: str) -> None:
    forged(browser, roles, reason, header=header)


def test_signed_by_somebody_else(browser: Browser, roles: list[str]) -> None:
    forged(browser, roles, "signature", key=rsa_key("intruder"))


def test_claims_changed_after_signing(browser: Browser, roles: list[str]) -> None:
    platform = browser.installation.platform

    def tampered(pending: Any) -> str:
        head, _payload, signature = platform.token(platform.claims(pending)).split(".")
        return f"{head}.{segment(platform.claims(pending, roles=roles, sub='1'))}.{signature}"

    launched_refusal(browser, tampered, 401, "token_invalid", "signature")


def test_no_signature(browser: Browser, roles: list[str]) -> None:
    platform = browser.installation.platform
    launched_refusal(
        browser,
        lambda pending: (
            platform.token(platform.claims(pending, roles=roles)).rpartition(".")[0] + "."
        ),
        401,
        "token_invalid",
        "signature",
    )


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk"])
def test_keys_offered_in_the_header_are_ignored_and_never_fetched(
    browser: Browser, installation: Installation, roles: list[str], name: str
) -> None:
    intruder = rsa_key("intruder")
    installation.server.routes["/intruder.json"] = lambda _request: Answer(body=b"{}")
    jwk = public_jwk(intruder, installation.platform.kid)
    value = jwk if name == "jwk" else f"{installation.server.url}/intruder.json"
    forged(browser, roles, "signature", header={name: value}, key=intruder)
    assert installation.server.count("/intruder.json") == 0


def now() -> int:
    return int(time.time())


CLAIMS = {
    "exp missing": ({"exp": ABSENT}, "exp_missing"),
    "exp null": ({"exp": None}, "exp_missing"),
    "exp past": ({"exp": lambda: now() - 61}, "exp_past"),
    "exp zero": ({"exp": 0}, "exp_past"),
    "exp a text": ({"exp": "soon"}, "exp_type"),
    "exp true": ({"exp": True}, "exp_type"),
    "exp a list": ({"exp": [1]}, "exp_type"),
    "exp NaN": ({"exp": float("nan")}, "exp_range"),
    "exp infinite": ({"exp": float("inf")}, "exp_range"),
    "exp beyond all measure": ({"exp": 10**400}, "exp_range"),
    "iat missing": ({"iat": ABSENT}, "iat_missing"),
    "iat ahead": ({"iat": lambda: now() + 120, "exp": lambda: now() + 200}, "iat_ahead"),
    "iat years old": ({"iat": lambda: now() - YEARS}, "iat_old"),
    "iat too old": ({"iat": lambda: now() - 700}, "iat_old"),
    "iat a text": ({"iat": "now"}, "iat_type"),
    "iat beyond all measure": ({"iat": -(10**400)}, "iat_range"),
    "nbf ahead": ({"nbf": lambda: now() + 120}, "nbf_ahead"),
    "nbf a text": ({"nbf": "later"}, "nbf_type"),
    "nbf NaN": ({"nbf": float("nan")}, "nbf_range"),
    "an absurd lifetime": ({"exp": lambda: now() + YEARS}, "lifetime"),
    "iss missing": ({"iss": ABSENT}, "iss"),
    "wrong iss": ({"iss": OTHER}, "iss"),
    "iss a list": ({"iss": ["x"]}, "iss"),
    "aud missing": ({"aud": ABSENT}, "aud"),
    "wrong aud": ({"aud": OTHER}, "aud"),
    "aud without entries": ({"aud": []}, "aud"),
    "empty aud": ({"aud": ""}, "aud"),
    "aud a number": ({"aud": 7}, "aud"),
    "aud an object": ({"aud": {"milepost-client": 1}}, "aud"),
    "aud a list in a list": ({"aud": [["milepost-client"]]}, "aud"),
    "aud with a number": ({"aud": ["milepost-client", 7]}, "aud"),
    "several aud without azp": ({"aud": ["milepost-client", OTHER]}, "azp_missing"),
    "wrong azp": ({"azp": OTHER}, "azp"),
    "azp null": ({"azp": None}, "azp"),
    "azp a list": ({"azp": ["milepost-client"]}, "azp"),
    "sub a number": ({"sub": 7}, "sub_type"),
    "sub a list": ({"sub": ["7"]}, "sub_type"),
    "sub null": ({"sub": None}, "sub_type"),
}


@pytest.mark.parametrize(("claims", "reason"), CLAIMS.values(), ids=CLAIMS.keys())
def test_claims(browser: Browser, roles: list[str], claims: dict[str, Any], reason: str) -> None:
    made = {name: value() if callable(value) else value for name, value in claims.items()}
    forged(browser, roles, reason, claims=made)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["milepost-client"]},
        {"aud": [OTHER, "milepost-client"], "azp": "milepost-client"},
        {"azp": "milepost-client"},
        {"iat": lambda: now() + 40},
        {"iat": lambda: now() - 300, "exp": lambda: now() - 40},
        {"exp": lambda: now() + 3600},
        {"nbf": lambda: now() + 30},
        {"iat": lambda: now() - 0.5},
    ],
)
def test_must_succeed(browser: Browser, claims: dict[str, Any]) -> None:
    made = {name: value() if callable(value) else value for name, value in claims.items()}
    assert browser.launch(**made).status_code == 303


KEYS = {
    "use enc": {"use": "enc"},
    "alg RS512": {"alg": "RS512"},
    "kty oct": {"kty": "oct"},
    "kty EC": {"kty": "EC"},
    "key_ops encrypt": {"key_ops": ["encrypt"]},
    "no n": {"n": ABSENT},
    "n a number": {"n": 7},
    "e no base64": {"e": "!"},
}


@pytest.mark.parametrize("changes", KEYS.values(), ids=KEYS.keys())
def test_keys_that_must_not_be_used(
    browser: Browser, roles: list[str], changes: dict[str, Any]
) -> None:
    platform = browser.installation.platform
    platform.keys = [public_jwk(platform.key, platform.kid, **changes)]
    forged(browser, roles, "key_refused")


def test_a_short_rsa_key(browser: Browser, roles: list[str]) -> None:
    platform = browser.installation.platform
    short = rsa_key("short", 1024)
    platform.keys = [public_jwk(short, platform.kid)]
    forged(browser, roles, "key_refused", key=short)


def test_a_symmetric_key_in_the_key_set(browser: Browser, roles: list[str]) -> None:
    platform = browser.installation.platform
    platform.keys = [{"kty": "oct", "k": segment(b"secret"), "kid": platform.kid}]
    forged(browser, roles, "key_refused")
