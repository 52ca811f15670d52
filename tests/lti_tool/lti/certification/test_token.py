"""401 token_invalid, by sub-reason; and headers that are ignored, never followed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.lti_tool.lti.certification.cases import for_everybody, launched_refusal
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


@for_everybody
@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"kid": ABSENT}, "kid_missing"),
        ({"kid": ""}, "kid_missing"),
        ({"kid": 7}, "kid_missing"),
        ({"kid": "another"}, "kid_unknown"),
        ({"alg": "none"}, "alg"),
        ({"alg": "None"}, "alg"),
        ({"alg": ABSENT}, "alg"),
        ({"alg": "HS256"}, "alg"),
        ({"alg": "RS512"}, "alg"),
        ({"alg": "ES256"}, "alg"),
        ({"alg": "PS256"}, "alg"),
        ({"alg": ["RS256"]}, "alg"),
        ({"crit": ["exp"]}, "crit"),
        ({"crit": []}, "crit"),
    ],
)
def test_headers(browser: Browser, roles: list[str], header: dict[str, Any], reason: str) -> None:
    forged(browser, roles, reason, header=header)


@for_everybody
def test_signed_by_somebody_else(browser: Browser, roles: list[str]) -> None:
    forged(browser, roles, "signature", key=rsa_key("intruder"))


@for_everybody
def test_claims_changed_after_signing(browser: Browser, roles: list[str]) -> None:
    platform = browser.installation.platform

    def tampered(pending: Any) -> str:
        head, _payload, signature = platform.token(platform.claims(pending)).split(".")
        return f"{head}.{segment(platform.claims(pending, roles=roles, sub='1'))}.{signature}"

    launched_refusal(browser, tampered, 401, "token_invalid", "signature")


def test_no_signature(browser: Browser) -> None:
    platform = browser.installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(platform.claims(pending)).rpartition(".")[0] + ".",
        401,
        "token_invalid",
        "signature",
    )


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk"])
def test_keys_offered_in_the_header_are_ignored_and_never_fetched(
    browser: Browser, installation: Installation, name: str
) -> None:
    intruder = rsa_key("intruder")
    installation.server.routes["/intruder.json"] = lambda _request: Answer(body=b"{}")
    jwk = public_jwk(intruder, installation.platform.kid)
    value = jwk if name == "jwk" else f"{installation.server.url}/intruder.json"
    forged(browser, [], "signature", header={name: value}, key=intruder)
    assert installation.server.count("/intruder.json") == 0


def now() -> int:
    return int(time.time())


@for_everybody
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": ABSENT}, "exp_missing"),
        ({"exp": None}, "exp_missing"),
        ({"exp": lambda: now() - 61}, "exp_past"),
        ({"exp": 0}, "exp_past"),
        ({"exp": "soon"}, "exp_type"),
        ({"exp": True}, "exp_type"),
        ({"exp": [1]}, "exp_type"),
        ({"exp": float("nan")}, "exp_range"),
        ({"exp": float("inf")}, "exp_range"),
        ({"exp": 10**400}, "exp_range"),
        ({"iat": ABSENT}, "iat_missing"),
        ({"iat": lambda: now() + 120, "exp": lambda: now() + 200}, "iat_ahead"),
        ({"iat": lambda: now() - YEARS}, "iat_old"),
        ({"iat": lambda: now() - 700}, "iat_old"),
        ({"nbf": lambda: now() + 120}, "nbf_ahead"),
        ({"nbf": "later"}, "nbf_type"),
        ({"exp": lambda: now() + YEARS}, "lifetime"),
        ({"iss": ABSENT}, "iss"),
        ({"iss": OTHER}, "iss"),
        ({"iss": ["x"]}, "iss"),
        ({"aud": ABSENT}, "aud"),
        ({"aud": OTHER}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": ""}, "aud"),
        ({"aud": 7}, "aud"),
        ({"aud": {"milepost-client": 1}}, "aud"),
        ({"aud": [["milepost-client"]]}, "aud"),
        ({"aud": ["milepost-client", 7]}, "aud"),
        ({"aud": ["milepost-client", OTHER]}, "azp_missing"),
        ({"azp": OTHER}, "azp"),
        ({"azp": None}, "azp"),
        ({"azp": ["milepost-client"]}, "azp"),
        ({"sub": 7}, "sub_type"),
        ({"sub": ["7"]}, "sub_type"),
        ({"sub": None}, "sub_type"),
    ],
)
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


@for_everybody
@pytest.mark.parametrize(
    "changes",
    [{"use": "enc"}, {"alg": "RS512"}, {"kty": "oct"}, {"key_ops": ["encrypt"]}, {"n": ABSENT},
     {"n": 7}, {"e": "!"}],
)  # fmt: skip
def test_keys_that_must_not_be_used(
    browser: Browser, roles: list[str], changes: dict[str, Any]
) -> None:
    platform = browser.installation.platform
    platform.keys = [public_jwk(platform.key, platform.kid, **changes)]
    forged(browser, roles, "key_refused")


@for_everybody
def test_a_short_rsa_key(browser: Browser, roles: list[str]) -> None:
    platform = browser.installation.platform
    short = rsa_key("short", 1024)
    platform.keys = [public_jwk(short, platform.kid)]
    forged(browser, roles, "key_refused", key=short)


@for_everybody
def test_a_symmetric_key_in_the_key_set(browser: Browser, roles: list[str]) -> None:
    platform = browser.installation.platform
    platform.keys = [{"kty": "oct", "k": segment(b"secret"), "kid": platform.kid}]
    forged(browser, roles, "key_refused")
