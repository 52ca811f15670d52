"""Pictures that people bring: what a drawing may hold, what is left out, what is refused."""

from __future__ import annotations

import os
import re
from random import Random
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from badges.achievements.images import allowed, judging, render_svg, uploads
from badges.achievements.images.cleaning import MOST_DEPTH, MOST_ELEMENTS, clean_svg
from badges.achievements.images.raster import render_png
from badges.openbadges import baking
from core.errors import UnprocessableError
from tests.badges.achievements.test_images import CHOICE
from tests.support.mutators import damaged

SVG = "http://www.w3.org/2000/svg"
TIMES = 10 if os.environ.get("MILEPOST_SOAK") else 1
LOGO = b"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Generator: a drawing program -->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
  xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"
  width="210mm" height="210mm" viewBox="0 0 210 210" sodipodi:docname="/home/ada/secret.svg">
<style type="text/css">.st0{fill:#0F5A63;} .st1,.st2{fill:none;stroke:#F3B61F !important}
rect{opacity:.9}</style>
<defs><linearGradient id="a"><stop offset="0" style="stop-color:#fff;stop-opacity:1"/>
<stop offset="1" stop-color="rgb(0, 10%, 20)"/></linearGradient>
<clipPath id="c"><circle cx="105" cy="105" r="90"/></clipPath><path id="p" d="M0 0h10v10z"/></defs>
<g clip-path="url(#c)" transform="translate(0,-1)" style="display:inline">
<rect class="st0" width="210" height="210"/><circle cx="105" cy="105" r="60" fill="url('#a')"/>
<use xlink:href="#p" x="50" y="50" class="st2"/></g>
<text x="20" y="190" font-family="'Myriad Pro', sans-serif"
>Alder &amp; <tspan dx="2">Valley</tspan>!</text>
</svg>"""


def drawing(body: str, attributes: str = 'viewBox="0 0 100 100"') -> bytes:
    return f'<svg xmlns="{SVG}" {attributes}>{body}</svg>'.encode()


def cleaned(body: str) -> tuple[Element, frozenset[str]]:
    found = clean_svg(drawing(body))
    return fromstring(found.svg), found.left_out


def names(root: Element) -> list[str]:
    return [element.tag.rpartition("}")[2] for element in root.iter()][1:]


def refusal(data: bytes) -> str:
    with pytest.raises(UnprocessableError) as caught:
        clean_svg(data)
    return str(caught.value.fields["picture"])


def require_clean(svg: str) -> None:
    """Every element and attribute of `svg` is allowed, and it refers to nothing but itself."""
    root = fromstring(svg)
    for element in root.iter():
        namespace, _brace, name = element.tag.removeprefix("{").partition("}")
        assert namespace == SVG
        assert name in allowed.ELEMENTS
        for key, value in element.attrib.items():
            assert key in allowed.ELEMENTS[name] | allowed.COMMON | allowed.PAINT
            assert not re.search(r"script:|data:|//|@|\\|expression\(", value, re.IGNORECASE), value
            if "url" in value:
                assert allowed.LOCAL.fullmatch(value)
            if key == "href":
                assert value.startswith("#")


def test_what_drawing_programs_write_stays_and_looks_the_same() -> None:
    found = clean_svg(LOGO)
    require_clean(found.svg)
    assert found.left_out == frozenset()
    assert "secret" not in found.svg
    assert "Generator" not in found.svg
    plain = LOGO.decode().replace('width="210mm" height="210mm"', 'width="600" height="600"')
    assert render_png(found.svg, 200) == render_png(plain, 200)


def test_a_clean_drawing_stays_as_it_is() -> None:
    once = clean_svg(LOGO).svg
    assert clean_svg(once.encode()).svg == once


@pytest.mark.parametrize("template", ["compass", "milestone"])
def test_our_own_drawings_pass(template: str) -> None:
    from dataclasses import replace

    svg = render_svg(replace(CHOICE, template=template), "Feedback", "advanced", "Alder")
    found = clean_svg(svg.encode())
    assert found.left_out == frozenset()
    assert render_png(found.svg, 200) == render_png(svg, 200)


@pytest.mark.parametrize(
    ("body", "left_out"),
    [
        ("<script>alert(1)</script>", "script"),
        ('<script href="https://evil.example/x.js"/>', "script"),
        ('<rect onload="alert(1)" width="1" height="1"/>', "script"),
        ('<rect ONCLICK="alert(1)" width="1" height="1"/>', "script"),
        ('<a href="javascript:alert(1)"><rect width="1" height="1"/></a>', None),
        ('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>', "pages"),
        ('<image href="https://evil.example/x.png"/>', "pictures"),
        ('<image href="data:image/png;base64,AAAA"/>', "pictures"),
        ('<use href="https://evil.example/x.svg#a"/>', "links"),
        ('<use href="data:image/svg+xml;base64,AAAA#a"/>', "links"),
        ('<rect fill="url(https://evil.example/x#a)"/>', "links"),
        ('<rect style="fill:url(//evil.example/x)"/>', "links"),
        ('<rect style="fill:u\\72l(//evil.example/x)"/>', "links"),
        ('<rect style="background:url(//evil.example)"/>', None),
        ("<style>@import url(https://evil.example/x.css);</style>", "styles"),
        ("<style>@font-face{src:url(//evil.example)}</style>", "styles"),
        ("<style>rect{fill:url(//evil.example/x)}</style><rect/>", "links"),
        ('<filter id="f"><feImage href="//evil.example"/></filter><g filter="url(#f)"/>',
         "effects"),
        ('<pattern id="p"/><rect fill="url(#p)"/>', "effects"),
        ('<animate attributeName="href" to="javascript:alert(1)"/>', "motion"),
        ('<set attributeName="onload" to="alert(1)"/>', "motion"),
        ('<iframe src="https://evil.example" xmlns="http://www.w3.org/1999/xhtml"/>', None),
        ('<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>', None),
        ('<handler type="text/ecmascript">alert(1)</handler>', "script"),
        ("<?xml-stylesheet href='https://evil.example/x.css'?><!-- x -->", None),
        ('<metadata><rdf xmlns="x">Ada Park, 12 Elm Street</rdf></metadata>', None),
        ('<rect class="a" data-x="y" xml:base="//evil.example" href="#x"/>', None),
    ],
)  # fmt: skip
def test_what_fetches_runs_or_tells_is_left_out(body: str, left_out: str | None) -> None:
    found = clean_svg(drawing(body))
    require_clean(found.svg)
    assert not re.search("evil|alert|Ada|AAAA", found.svg)
    assert found.left_out == ({left_out} if left_out else set())


def test_what_a_link_surrounds_stays() -> None:
    root, _left_out = cleaned('<a href="https://example.org"><circle r="4"/></a>')
    assert names(root) == ["g", "circle"]


def test_the_more_particular_style_wins() -> None:
    root, _left_out = cleaned(
        "<style>#b{fill:#333} rect{fill:#111} .a{fill:#222}</style>"
        '<rect fill="#000"/><rect class="a"/><rect class="a" id="b"/>'
        '<rect class="a" id="c" style="fill:#444"/>'
    )
    fills = [element.get("fill") for element in root.iter(f"{{{SVG}}}rect")]
    assert fills == ["#111", "#222", "#333", "#444"]


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + drawing("<text>&b;</text>"),
        b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + drawing("<text>&x;</text>"),
        b'<!DOCTYPE svg [<!ENTITY % p SYSTEM "http://evil.example/x">%p;]>' + drawing(""),
    ],
)
def test_entities_are_refused(data: bytes) -> None:
    assert "declares entities" in refusal(data)


@pytest.mark.parametrize(
    "body",
    [
        '<use id="a" href="#a"/>',
        '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>',
        '<clipPath id="c"><rect clip-path="url(#c)"/></clipPath>',
        "".join(
            f'<g id="l{n}">{f"""<use href="#l{n - 1}"/>""" * 10 if n else "<rect/>"}</g>'
            for n in range(9)
        ),
        '<g id="x0"/>' + "".join(f'<g id="x{n + 1}"><use href="#x{n}"/></g>' for n in range(200)),
    ],
)
def test_what_repeats_itself_without_end_is_refused(body: str) -> None:
    assert "repeats parts" in refusal(drawing(body))


@pytest.mark.parametrize(
    "data",
    [
        drawing("<g>" * (MOST_DEPTH + 1) + "</g>" * (MOST_DEPTH + 1)),
        drawing("<g/>" * (MOST_ELEMENTS + 1)),
    ],
)
def test_too_many_shapes_are_refused(data: bytes) -> None:
    assert "too many shapes" in refusal(data)


@pytest.mark.parametrize(
    "body",
    [
        '<rect width="1e300" height="1"/>',
        '<path d="M0 0 L99999999999 1e400"/>',
        '<g transform="scale(1e99)"/>',
        '<g style="stroke-width:1e9"/>',
    ],
)
def test_numbers_nobody_draws_with_are_refused(body: str) -> None:
    assert "numbers that are too large" in refusal(drawing(body))


@pytest.mark.parametrize(
    "attribute",
    [
        f'width="{"1" * 200_000}x"',
        f'x="{"1," * 100_000}x"',
        f'transform="{("scale(1)" + " " * 5000) * 19}x"',
        f'fill="url({" " * 100_000}#a{" " * 100_000}"',
        f'style="fill:{"(" * 60_000}"',
        f'style="fill:{"(" * 900}{")" * 900};stroke:#123"',
        f'style="fill:{"[({" * 20_000}"',
        f"""style='fill:{'(")"' * 9_000}'""",
    ],
)
def test_values_made_to_take_forever_are_passed_over_at_once(attribute: str) -> None:
    root, _left_out = cleaned(f"<style>{'a{' * 9000}</style><rect {attribute}/>")
    (rect,) = root
    assert rect.attrib in ({}, {"fill": "none"})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg", "damaged"),
        (b"", "damaged"),
        (drawing("\x00"), "damaged"),
        (b'<?xml version="1.0" encoding="nonsense"?><svg/>', "damaged"),
        (b"<html><svg/></html>", "no SVG"),
        (b'<svg xmlns="http://www.w3.org/1999/xhtml"/>', "no SVG"),
        (drawing("", ""), "how large"),
        (drawing("", 'viewBox="0 0 0 5"'), "how large"),
        (drawing("<!--" + "x" * 1024 * 1024 + "-->"), "megabyte"),
    ],
)
def test_what_is_no_drawing_is_refused_in_words(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_a_drawing_in_another_encoding_is_read() -> None:
    text = f'<?xml version="1.0" encoding="UTF-16"?><svg xmlns="{SVG}" viewBox="0 0 9 9"/>'
    assert "viewBox" in clean_svg(text.encode("utf-16")).svg


_TEXT = st.text("aé0#:/.\"'<&()-,; \u202e", max_size=12) | st.sampled_from(
    ["url(#a)", "url(//evil)", "javascript:x", "#a", "1e400", "&#10;", "expression(x)", "none"]
)
_NAME = st.sampled_from(
    [*sorted(allowed.ELEMENTS), "script", "style", "image", "a", "filter", "set", "handler", "x"]
)
_KEYS = st.sampled_from(
    ["id", "href", "xlink:href", "style", "fill", "d", "transform", "onload", "class", "mask",
     "clip-path", "font-family", "width", "viewBox", "points", "filter"]
)  # fmt: skip


def _markup(item: tuple[str, dict[str, str], list[str]]) -> str:
    from xml.sax.saxutils import quoteattr

    name, attributes, children = item
    text = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{text}>{''.join(children)}</{name}>"


_TREES = st.recursive(
    st.tuples(_NAME, st.dictionaries(_KEYS, _TEXT, max_size=4), st.just([])).map(_markup),
    lambda inner: st.tuples(
        _NAME, st.dictionaries(_KEYS, _TEXT, max_size=4), st.lists(inner, max_size=4)
    ).map(_markup),
    max_leaves=8,
)


@given(st.lists(_TREES, max_size=3))
@settings(max_examples=60 * TIMES)
def test_whatever_is_drawn_comes_out_clean_or_is_refused(trees: list[str]) -> None:
    data = drawing("".join(trees), 'viewBox="0 0 9 9" xmlns:xlink="http://www.w3.org/1999/xlink"')
    try:
        found = clean_svg(data)
    except UnprocessableError:
        return
    require_clean(found.svg)
    assert clean_svg(found.svg.encode()).svg == found.svg


def test_damaged_drawings_come_out_clean_or_are_refused() -> None:
    rng, taken = Random(11), 0
    for _case in range(300 * TIMES):
        data = damaged(LOGO, rng)
        try:
            found = clean_svg(data)
        except UnprocessableError:
            continue
        taken += 1
        require_clean(found.svg)
    assert taken > 20 * TIMES


def test_a_drawing_that_holds_a_badge_comes_out_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judging, "drawn_in_time", lambda svg: render_png(svg, 64))
    baked = baking.bake_svg(LOGO.replace(b"<!DOCTYPE", b"<!--").replace(b'11.dtd">', b"-->"),
                            '{"a": "b"}')  # fmt: skip
    assert b"openbadges" not in uploads.receive(baked).picture.data


def test_a_drawing_is_drawn_once_in_a_process_of_its_own() -> None:
    assert judging.drawn_in_time(clean_svg(LOGO).svg).startswith(b"\x89PNG")


def test_a_drawing_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "WALL_SECONDS", 0.01)
    with pytest.raises(UnprocessableError, match="too long"):
        judging.drawn_in_time(clean_svg(LOGO).svg)
