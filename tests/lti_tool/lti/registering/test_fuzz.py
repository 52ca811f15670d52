"""Whatever an LMS or a file says, it is refused in words or read; nothing else ever happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnprocessableError
from lti_tool.lti.registering import discovery, enrolling, exchange, offer
from lti_tool.lti.registering.refusals import RegistrationRefusedError
from tests.lti_tool.lti.registering.platforms import CANVAS, PLATFORM, TOOL
from tests.support.environment import BASE_URL

ORIGIN = "https://lms.example"
US = offer.Tool(BASE_URL, f"{BASE_URL}/static/x/favicon.svg", "About us", "Choose")
DOCUMENT = {
    "issuer": ORIGIN,
    "authorization_endpoint": f"{ORIGIN}/auth",
    "token_endpoint": f"{ORIGIN}/token",
    "jwks_uri": f"{ORIGIN}/jwks",
    "registration_endpoint": f"{ORIGIN}/register",
}
odd_texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["https://lms.example", "https://[", "https://a:b", "//x", "canvas", "RS256",
                     "\x00", "\ud800", "https://lms.example:99999/", "https://a;b.example/x",
                     "LtiDeepLinkingRequest", "course_navigation", "full", "moodle"]),
)  # fmt: skip
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd_texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(odd_texts, inner, max_size=4)
    ),
    max_leaves=12,
)
configurations = st.dictionaries(
    st.sampled_from([*DOCUMENT, "authorization_server", "scopes_supported", "claims_supported",
                     "id_token_signing_alg_values_supported"]),
    values,
    max_size=4,
)  # fmt: skip
platforms = st.one_of(
    values,
    st.dictionaries(
        st.sampled_from(["product_family_code", "version", "variables", "messages_supported",
                         f"{CANVAS}account_name"]),
        values,
    ),
)  # fmt: skip


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or the refusal that it raises; anything else fails the test."""
    try:
        return call()
    except (RegistrationRefusedError, UnprocessableError) as error:
        return error


@given(changes=configurations, about=platforms)
def test_configurations(changes: dict[str, Any], about: Any) -> None:
    document = {**DOCUMENT, **changes, PLATFORM: about}
    found = outcome(lambda: discovery.read(document, f"{ORIGIN}/configuration"))
    if isinstance(found, RegistrationRefusedError):
        assert found.status in {400, 502}
        assert not found.spent
        return
    assert found.issuer.startswith(ORIGIN)
    asked = json.loads(json.dumps(offer.registration(US, found, "full")))
    assert asked[TOOL]["domain"] == BASE_URL.removeprefix("https://")
    assert asked[TOOL]["messages"]
    assert 0 < len(enrolling._name(found)) <= 200
    assert all(source.startswith("https://") for source in enrolling._frame_origins(found))


@given(
    found=st.one_of(
        values,
        st.dictionaries(
            st.sampled_from(["client_id", "scope", "deployment_id", TOOL, "error"]), values
        ),
        st.fixed_dictionaries(
            {
                "client_id": st.just("a"),
                TOOL: st.dictionaries(st.sampled_from(["messages", "deployment_id"]), values),
            }
        ),
    )
)
def test_answers(found: Any) -> None:
    body = json.dumps(found).encode("utf-8", "surrogatepass")
    assert isinstance(enrolling._error_word(body), str)
    read = outcome(lambda: enrolling._read(body))
    if isinstance(read, RegistrationRefusedError):
        assert read.spent
        return
    for one in (read.client_id, read.deployment_id or "x"):
        assert one == one.strip()
        assert one.isprintable()
        assert 0 < len(one) <= 255
    json.dumps(dict(read.granted))


@given(
    document=st.one_of(values, st.dictionaries(st.sampled_from(sorted(exchange._FIELDS)), values))
)
def test_imported_documents(document: Any) -> None:
    refused = outcome(lambda: exchange._refuse(exchange._shape_faults(document)))
    assert refused is None or (isinstance(refused, UnprocessableError) and refused.fields)
