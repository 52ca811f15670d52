"""Links are taken when they are https, public by their form, and plain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnprocessableError
from lti_tool.evidence import links


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        (" https://example.org/a?b=c#d ", "https://example.org/a?b=c#d"),
        ("HTTPS://Example.ORG", "https://example.org/"),
        ("https://example.org:443/x", "https://example.org/x"),
        ("https://example.org:8443/x", "https://example.org:8443/x"),
        ("https://münchen.example/ü", "https://xn--mnchen-3ya.example/%C3%BC"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
    ],
)
def test_public_addresses_are_kept_in_their_plain_form(given_url: str, kept: str) -> None:
    assert links.check(given_url, "f") == kept


@pytest.mark.parametrize(
    "url",
    [
        "", "example.org", "ftp://example.org/", "http://example.org/", "javascript:alert(1)",
        "https://", "https:///x", "https://user@example.org/", "https://a:b@example.org/",
        "https://localhost/", "https://intranet/", "https://school.local/", "https://x.internal/",
        "https://127.0.0.1/", "https://10.1.2.3/", "https://192.168.0.1/", "https://169.254.169.254/",
        "https://[::1]/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/", "https://0x7f.1/",
        "https://2130706433/", "https://127.1/", "https://exa mple.org/", "https://example.org/\nx",
        "https://example.org:99999/", "https://[broken/", "https://-x.example/", "https://127.0.0.1./",
        "https://224.0.0.1/", "https://example.org/" + "a" * 2000,
    ],
)  # fmt: skip
def test_everything_else_is_refused_on_its_field(url: str) -> None:
    with pytest.raises(UnprocessableError) as caught:
        links.check(url, "link_url-plan")
    assert list(caught.value.fields) == ["link_url-plan"]


@given(st.text(max_size=80))
def test_any_text_is_judged_and_what_is_kept_is_judged_the_same_again(text: str) -> None:
    try:
        kept = links.check("https://" + text, "f")
    except UnprocessableError:
        return
    assert links.check(kept, "f") == kept
    assert kept.startswith("https://")
    assert kept.isascii()
