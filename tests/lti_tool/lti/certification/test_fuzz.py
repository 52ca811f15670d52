"""Whatever comes in: no error of ours, and nothing forged goes through."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lti_tool.lti.harness import Installation
from tests.support.hostile_platform import CLAIM, LEARNER, Pending, rsa_key, segment

LOGIN_NAMES = ["iss", "login_hint", "target_link_uri", "lti_message_hint", "client_id"]
CLAIMS = [
    "iss", "aud", "azp", "sub", "iat", "exp", "nbf", "nonce", "name", "given_name", "family_name",
    "email", "locale", "zoneinfo", f"{CLAIM}version", f"{CLAIM}message_type",
    f"{CLAIM}deployment_id", f"{CLAIM}target_link_uri", f"{CLAIM}roles", f"{CLAIM}resource_link",
    f"{CLAIM}context", f"{CLAIM}custom", f"{CLAIM}launch_presentation",
    "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint",
]  # fmt: skip
HONEST = {LEARNER, "1", "1.3.0", "LtiResourceLinkRequest", "7", "milepost-client"}

odd_text = st.text(max_size=40) | st.sampled_from(
    ["\0", "\ud800", "$Person.name.full", "<script>", "javascript:alert(1)", "../..", "é" * 300,
     "https://milepost.test/to/home", *HONEST]
)  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | odd_text
    | st.integers(min_value=10**17, max_value=10**40)
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "title", "label", "return_url", "milepost", "scope", "lineitem"])
            | odd_text,
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
headers = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "jku", "b64", "x5c", "cty"]),
    values | st.sampled_from(["RS256", "none", "HS256", "key-1"]),
    max_size=4,
)


@settings(max_examples=200)
@given(
    changes=st.dictionaries(st.sampled_from(LOGIN_NAMES), st.lists(odd_text, max_size=2)),
    extra=st.dictionaries(odd_text, odd_text, max_size=2),
    method=st.sampled_from(["GET", "POST"]),
)
def test_logins(
    installation: Installation, changes: dict[str, list[str]], extra: dict[str, str], method: str
) -> None:
    browser = installation.browser()
    plain = {name: [encodable(one) for one in given] for name, given in changes.items()}
    more = {encodable(name): encodable(value) for name, value in extra.items()}
    answer = browser.login(method=method, **{**{"target_link_uri": installation.target}, **plain})
    assert answer.status_code in {302, 400, 403, 413}
    parameters = {**installation.platform.login_parameters(installation.target), **more}
    assert browser.post("/lti/login", data=parameters).status_code in {302, 400, 403, 413}


@settings(max_examples=200)
@given(changes=st.dictionaries(st.sampled_from(CLAIMS), values, max_size=3))
def test_genuine_messages_of_any_shape(installation: Installation, changes: dict[str, Any]) -> None:
    browser = installation.browser()
    pending = browser.begin()
    platform = installation.platform
    answer = browser.post_token(pending, platform.token({**platform.claims(pending), **changes}))
    assert answer.status_code in {303, 400, 401, 403, 409}
    if answer.status_code == 303:
        page = browser.get(answer.headers["Location"])
        assert page.status_code == 200


@settings(max_examples=200)
@given(
    changes=st.dictionaries(st.sampled_from(CLAIMS), values, max_size=2),
    header=headers,
    how=st.sampled_from(["intruder", "none", "HS256", "cut", "moved", "random"]),
    noise=st.binary(max_size=300),
)
def test_no_forgery_goes_through(
    installation: Installation,
    changes: dict[str, Any],
    header: dict[str, Any],
    how: str,
    noise: bytes,
) -> None:
    browser = installation.browser()
    pending = browser.begin()
    before = installation.counts()
    token = forgery(installation, pending, changes, header, how, noise)
    answer = browser.post_token(pending, token)
    assert answer.status_code in {400, 401, 403, 413}
    assert installation.counts() == before


def forgery(
    installation: Installation,
    pending: Pending,
    changes: dict[str, Any],
    header: dict[str, Any],
    how: str,
    noise: bytes,
) -> str:
    """A token that the platform never signed as it stands."""
    platform = installation.platform
    claims = {**platform.claims(pending), **changes}
    if how == "intruder":
        return platform.token(claims, key=rsa_key("intruder"), **header)
    if how in {"none", "HS256"}:
        return platform.token(claims, **{**header, "alg": how})
    head, payload, signature = platform.token(claims, **header).split(".")
    if how == "cut":
        return f"{head}.{payload}.{signature[:-8]}"
    if how == "moved":
        other = segment({**claims, "sub": "1", "moved": time.time()})
        return f"{head}.{other}.{signature}"
    return f"{head}.{payload}.{segment(noise)}"


@settings(max_examples=100)
@given(
    form=st.dictionaries(
        st.sampled_from(["id_token", "state", "error"]) | odd_text, odd_text, max_size=4
    )
)
def test_launch_forms_of_any_shape(installation: Installation, form: dict[str, str]) -> None:
    browser = installation.browser()
    browser.begin()
    plain = {encodable(name): encodable(value) for name, value in form.items()}
    answer = browser.post("/lti/launch", data=plain)
    assert answer.status_code in {400, 401, 403, 413}


def encodable(text: str) -> str:
    """What a browser could send: it has no lone surrogates."""
    return text.encode("utf-8", "replace").decode()
