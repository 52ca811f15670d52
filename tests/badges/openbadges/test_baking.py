"""Baking and unbaking, and images that mean harm."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

import pytest
from defusedxml import ElementTree
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from badges.openbadges import BakingError, bake_png, bake_svg, bakeable_json, issue_jwt, unbake
from badges.openbadges import png as png_module
from badges.openbadges.baking import bakeable_text
from tests.support.ob3 import (
    SVG,
    bake_version_2,
    full_credential,
    mini_credential,
    png,
    png_chunk,
    rsa_key,
    sign,
)

NASTY = {"name": 'é}{"\\{}]]><!-- & 😀 \u2028', "nested": {"list": ["{", "}", "\\}", '"{"']}}


def first_braces_latin_1(image: bytes) -> Any:
    """The credential as one wallet reads it: keyword, first brace, counted braces, Latin-1."""
    text = image[image.index(b"openbadgecredential") :].decode("latin-1")
    begin = text.index("{")
    depth = 0
    for position in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return json.loads(text[begin : position + 1])
    raise AssertionError("the braces do not close")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@example({"\x7f": None})
@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_any_document_comes_back_from_both_kinds_and_to_a_counting_wallet(
    document: dict[str, Any],
) -> None:
    text = bakeable_json(document)
    assert text.isascii()
    assert json.loads(text) == document
    for ascii_only in (True, False):
        stored = json.dumps(document, ensure_ascii=ascii_only, separators=(",", ":"))
        assert bakeable_text(stored) == text
    baked = bake_png(png(), document)
    assert json.loads(unbake(baked).text) == document
    assert first_braces_latin_1(baked) == document
    assert json.loads(unbake(bake_svg(SVG, document)).text) == document


def test_a_baked_picture_is_still_the_same_picture() -> None:
    signed = sign(full_credential())
    with (
        Image.open(io.BytesIO(bake_png(png(), signed))) as baked,
        Image.open(io.BytesIO(png())) as plain,
    ):
        assert baked.tobytes() == plain.tobytes()
        assert json.loads(baked.info["openbadgecredential"]) == signed
    tree = ElementTree.fromstring(bake_svg(SVG, signed))
    assert tree[0].tag == "{https://purl.imsglobal.org/ob/v3p0}credential"
    assert json.loads(tree[0].text or "") == signed


def test_the_chunk_is_the_one_that_the_standard_draws() -> None:
    baked = bake_png(png(), mini_credential())
    head = b"openbadgecredential\0\0\0\0\0{"
    (length,) = struct.unpack(">I", baked[33:37])
    assert baked[37:41] == b"iTXt"
    assert baked[41:].startswith(head)
    assert (
        zlib.crc32(baked[37 : 41 + length])
        == struct.unpack(">I", baked[41 + length : 45 + length])[0]
    )


def test_a_second_baking_replaces_the_first() -> None:
    for bake, image in ((bake_png, png()), (bake_svg, SVG)):
        once = bake(image, mini_credential())
        twice = bake(bake(image, NASTY), mini_credential())
        assert json.loads(unbake(twice).text) == mini_credential()
        assert twice.count(b"openbadgecredential") + twice.count(b"<openbadges:credential") == 1
        if bake is bake_png:
            assert twice == once


def test_a_token_is_baked_as_it_is() -> None:
    token = issue_jwt(mini_credential(), rsa_key(), key_id="https://example.org/keys/1")
    assert unbake(bake_png(png(), token)).text == token
    svg = bake_svg(SVG, token)
    assert unbake(svg).text == token
    assert ElementTree.fromstring(svg)[0].get("verify") == token


@pytest.mark.parametrize(
    "image",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd">'
        b"<svg xmlns='http://www.w3.org/2000/svg' title='a>b' ></svg>",
        b'\xef\xbb\xbf<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:g/></s:svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg" '
        b'xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"><g/></svg>',
        "<svg xmlns='http://www.w3.org/2000/svg'><title>é</title></svg>".encode(),
    ],
)
def test_any_svg_can_be_baked(image: bytes) -> None:
    baked = bake_svg(image, NASTY)
    assert json.loads(unbake(baked).text) == NASTY
    assert ElementTree.fromstring(baked)[0].tag.endswith("credential")


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "cannot be read from line"),
        (b"<html/>", "not an SVG"),
        (SVG.replace(b"utf-8", b"iso-8859-1"), "UTF-8"),
        (SVG.decode().encode("utf-16"), "UTF-8"),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="http://openbadges.org"/>',
            "prefix",
        ),
        (
            b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
            "entities",
        ),
        (b"<g>" * 300, "not an SVG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">' + b"<g>" * 300, "deeply"),
        (b'<?xml version="1.0" encoding="x-none"?><svg/>', "UTF-8"),
    ],
)
def test_an_svg_that_cannot_be_baked_says_why(image: bytes, reason: str) -> None:
    with pytest.raises(BakingError, match=reason):
        bake_svg(image, NASTY)


ENTITIES = b"""<!DOCTYPE svg [
  <!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
]><svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0">
<openbadges:credential>&b;</openbadges:credential></svg>"""
OUTSIDE = b"""<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0">
<openbadges:credential>&x;</openbadges:credential></svg>"""
TWICE = b"""<svg xmlns="http://www.w3.org/2000/svg"
xmlns:o="https://purl.imsglobal.org/ob/v3p0"><o:credential>{}</o:credential><g>
<o:credential>{}</o:credential></g></svg>"""
BAKED = bake_png(png(), mini_credential())
TEXT = b"openbadgecredential"


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"", "neither"),
        (b"GIF89a", "neither"),
        (ENTITIES, "entities"),
        (OUTSIDE, "entities"),
        (TWICE, "more than one"),
        (TWICE.split(b"<g>")[0].replace(b"{}", b"") + b"</svg>", "empty"),
        (SVG, "no badge"),
        (png(), "no badge"),
        (png()[:-12], "cut short"),
        (BAKED[:200], "cut short"),
        (BAKED[:33] + b"\xff\xff\xff\xff" + BAKED[37:], "cut short"),
        (BAKED[:60] + b"!" + BAKED[61:], "checksum"),
        (BAKED[:8] + BAKED[33:], "header"),
        (png(png_chunk(b"iTXt", TEXT + b"\0\0\0\0\0{}") * 2), "more than one"),
        (png(png_chunk(b"iTXt", TEXT + b"\0\1\0\0\0" + zlib.compress(b"{}"))), "compressed"),
        (png(png_chunk(b"zTXt", TEXT + b"\0\0" + zlib.compress(b"{}"))), "not where"),
        (png(png_chunk(b"iTXt", TEXT + b"\0\0\0en")), "malformed"),
        (png(png_chunk(b"iTXt", TEXT + b"\0\0\0\0\0\xff")), "UTF-8"),
        (png(png_chunk(b"iTXt", TEXT + b"\0\0\0\0\0" + b"x" * 2**20)), "too large"),
        (bytes(9 * 1024 * 1024), "too large"),
    ],
)
def test_a_hostile_or_damaged_image_is_refused_in_words(image: bytes, reason: str) -> None:
    with pytest.raises(BakingError, match=reason):
        unbake(image)


@given(st.data())
def test_no_bytes_make_unbaking_fail_otherwise(data: st.DataObject) -> None:
    image = bytearray(data.draw(st.sampled_from([BAKED, bake_svg(SVG, NASTY), ENTITIES])))
    for _change in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(image) - 1))
        image[at] = data.draw(st.integers(0, 255))
    try:
        assert unbake(bytes(image)).text
    except BakingError:
        return


@pytest.mark.parametrize("text", ["é{", "plain", "[]", "", "{\u2028}"])
def test_a_text_that_is_neither_json_nor_a_token_is_not_baked(text: str) -> None:
    with pytest.raises(BakingError):
        bake_png(png(), text)


def test_a_ready_text_for_svg_is_escaped() -> None:
    with pytest.raises(BakingError, match="escaped"):
        bake_svg(SVG, '{"a": "]]>"}')
    with pytest.raises(BakingError, match="not a PNG"):
        bake_png(SVG, "{}")


@pytest.mark.parametrize("text", ['{"@context": "x"}', "https://example.org/assertion/1"])
def test_images_of_version_2_are_read(text: str) -> None:
    for image in (png(), SVG):
        read = unbake(bake_version_2(image, text))
        assert read.version == 2
        assert read.text == text


def test_a_damaged_image_never_reaches_the_version_2_reader() -> None:
    image = bake_version_2(png(), "https://example.org/1")
    png_module.check(image)
    with pytest.raises(BakingError, match="checksum"):
        unbake(image[:50] + b"!" + image[51:])
