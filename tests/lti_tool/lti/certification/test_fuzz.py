"""Whatever comes in: no error of ours, and nothing forged goes through.

Two thousand cases in every run, twenty thousand in `make soak`.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from core.http import HttpClient, Response
from lti_tool.lti.keysets import KeySets
from tests.lti_tool.lti.harness import Browser, Installation
from tests.support.hostile_platform import (
    CLAIM,
    LEARNER,
    HostilePlatform,
    Pending,
    public_jwk,
    rsa_key,
    segment,
)

TIMES = 10 if os.environ.get("MILEPOST_SOAK") else 1
REFUSED = {400, 401, 403, 413}
LOGIN_NAMES = [
    "iss", "login_hint", "target_link_uri", "lti_message_hint", "client_id", "lti_deployment_id",
    "lti_storage_target",
]  # fmt: skip
CLAIMS = [
    "iss", "aud", "azp", "sub", "iat", "exp", "nbf", "nonce", "name", "given_name", "family_name",
    "email", "locale", "zoneinfo", f"{CLAIM}version", f"{CLAIM}message_type",
    f"{CLAIM}deployment_id", f"{CLAIM}target_link_uri", f"{CLAIM}roles", f"{CLAIM}resource_link",
    f"{CLAIM}context", f"{CLAIM}custom", f"{CLAIM}launch_presentation", f"{CLAIM}tool_platform",
    f"{CLAIM}for_user", f"{CLAIM}lis", f"{CLAIM}role_scope_mentor",
    "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint",
    "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice",
    "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings",
]  # fmt: skip
MESSAGES = ["LtiDeepLinkingRequest", "LtiSubmissionReviewRequest", "DataPrivacyLaunchRequest"]
HONEST = [LEARNER, "1", "1.3.0", "LtiResourceLinkRequest", "7", "milepost-client", "_parent"]

odd_text = st.text(max_size=40) | st.sampled_from(
    ["\0", "\ud800", "$Person.name.full", "<script>", "javascript:alert(1)", "../..", "é" * 300,
     "https://milepost.test/to/home", "https://lms.example/memberships", *HONEST, *MESSAGES]
)  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | odd_text
    | st.integers(min_value=10**17, max_value=10**40)
)  # fmt: skip
MEMBERS = [
    "id", "title", "label", "return_url", "milepost", "scope", "lineitem", "lineitems", "user_id",
    "context_memberships_url", "service_versions", "deep_link_return_url", "accept_types", "data",
    "document_target", "locale", "product_family_code", "guid",
]  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(MEMBERS) | odd_text, inner, max_size=4)
    ),
    max_leaves=6,
)
token_headers = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "jku", "b64", "x5c", "cty"]),
    values | st.sampled_from(["RS256", "none", "HS256", "key-1"]),
    max_size=4,
)
http_headers = st.dictionaries(
    st.sampled_from(
        ["Accept", "Accept-Language", "Accept-Encoding", "Authorization", "Cookie", "Content-Type",
         "Forwarded", "Host", "Origin", "Range", "Referer", "Sec-Fetch-Dest", "User-Agent",
         "X-Forwarded-Host", "X-Forwarded-Proto", "X-HTTP-Method-Override", "X-Request-Id"]
    ),
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60)
    | st.sampled_from(
        ["application/json", "text/html;q=0", "*/*", "null", "document", "https://x.example",
         "__Host-milepost-kept=1", "__Host-milepost-login-0=x", "multipart/form-data; boundary=",
         "application/x-www-form-urlencoded; charset=utf-7", "bytes=0-0", "es;q=1,de;q=x"]
    ),
    max_size=4,
)  # fmt: skip


def cases(number: int) -> Any:
    """So many examples in every run, ten times as many in a soak."""
    return settings(max_examples=number * TIMES)


@cases(350)
@given(
    changes=st.dictionaries(st.sampled_from(LOGIN_NAMES), st.lists(odd_text, max_size=2)),
    extra=st.dictionaries(odd_text, odd_text, max_size=2),
    method=st.sampled_from(["GET", "POST"]),
)
def test_logins(
    installation: Installation, changes: dict[str, list[str]], extra: dict[str, str], method: str
) -> None:
    browser = installation.browser()
    plain: dict[str, Any] = {name: [encodable(one) for one in many]
                             for name, many in changes.items()}  # fmt: skip
    more = {encodable(name): encodable(value) for name, value in extra.items()}
    answer = browser.login(
        method=method, **{"target_link_uri": installation.target, **more, **plain}
    )
    assert answer.status_code in {200, 302, *REFUSED}


@cases(150)
@given(headers=http_headers, path=st.sampled_from(["login", "launch", "launch/storage"]))
def test_request_headers(installation: Installation, headers: dict[str, str], path: str) -> None:
    parameters = installation.platform.login_parameters(installation.target)
    answer = installation.app.test_client().post(
        f"/lti/{path}", base_url=installation.base, headers=headers, data=parameters
    )
    assert answer.status_code in {302, *REFUSED}


@cases(500)
@given(changes=st.dictionaries(st.sampled_from(CLAIMS), values, max_size=3))
def test_genuine_messages_of_any_shape(installation: Installation, changes: dict[str, Any]) -> None:
    browser = installation.browser()
    pending = browser.begin()
    platform = installation.platform
    answer = browser.post_token(pending, platform.token({**platform.claims(pending), **changes}))
    assert answer.status_code in {303, 409, *REFUSED}
    if answer.status_code == 303:
        assert answer.headers["Location"].startswith("/s/")


def test_no_forgery_goes_through(installation: Installation) -> None:
    browser = installation.browser()
    pending = browser.begin()
    before = installation.counts()

    @cases(650)
    @given(
        changes=st.dictionaries(st.sampled_from(CLAIMS), values, max_size=2),
        header=token_headers,
        how=st.sampled_from(["intruder", "none", "HS256", "cut", "moved", "random"]),
        noise=st.binary(max_size=300),
    )
    def forge(changes: dict[str, Any], header: dict[str, Any], how: str, noise: bytes) -> None:
        token = forgery(installation.platform, pending, changes, header, how, noise)
        assert browser.post_token(pending, token).status_code in REFUSED

    forge()
    assert installation.counts() == before
    assert browser.finish(pending).status_code == 303  # the login was good all the while


def forgery(
    platform: HostilePlatform,
    pending: Pending,
    changes: dict[str, Any],
    header: dict[str, Any],
    how: str,
    noise: bytes,
) -> str:
    """A token that the platform never signed as it stands."""
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


@cases(100)
@given(
    form=st.dictionaries(
        st.sampled_from(["id_token", "state", "error", "stored_state"]) | odd_text,
        odd_text,
        max_size=4,
    ),
    path=st.sampled_from(["/lti/launch", "/lti/launch/storage"]),
)
def test_launch_forms_of_any_shape(browser: Browser, form: dict[str, str], path: str) -> None:
    plain = {encodable(name): encodable(value) for name, value in form.items()}
    assert browser.post(path, data=plain).status_code in REFUSED


key_members = st.dictionaries(
    st.sampled_from(["kid", "kty", "n", "e", "use", "alg", "key_ops", "d", "x5c", "k"]),
    values | st.sampled_from(["key-1", "RSA", "EC", "oct", "sig", "enc", "AQAB", "RS256"]),
    max_size=3,
)


def test_key_sets_of_any_shape(installation: Installation) -> None:
    browser, platform = installation.browser(), installation.platform
    documents = [b""]
    genuine = public_jwk(platform.key, platform.kid)
    modulus = genuine["n"].encode()

    class Scripted:
        def get(self, url: str, **_options: Any) -> Response:
            return Response(200, {}, documents[0], url)

    @cases(250)
    @given(
        keys=st.lists(key_members.map(lambda changes: {**genuine, **changes}) | values, max_size=3),
        wrap=st.sampled_from(["keys", "keys", "keys", "Keys", "list"]),
        cut=st.sampled_from([0, 0, 0, 1, 30]),
    )
    def serve(keys: list[Any], wrap: str, cut: int) -> None:
        body = json.dumps(keys if wrap == "list" else {wrap: keys}).encode()
        documents[0] = body[: len(body) - cut]
        installation.tool.key_sets = KeySets(cast(HttpClient, Scripted()))
        pending = browser.begin()
        forged = platform.token(platform.claims(pending), key=rsa_key("intruder"))
        assert browser.post_token(pending, forged).status_code in {401, 503}
        answer = browser.finish(pending)
        assert answer.status_code in {303, 401, 503}
        assert answer.status_code != 303 or modulus in documents[0]

    serve()


def encodable(text: str) -> str:
    """What a browser could send: it has no lone surrogates."""
    return text.encode("utf-8", "replace").decode()
