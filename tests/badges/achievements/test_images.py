"""The badge's drawing: what it says, how it is coloured, and that it survives any title."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from badges.achievements.document import LEVELS, TEMPLATES, ImageChoice
from badges.achievements.images import (
    SIZES,
    ImageStore,
    colour_faults,
    contrast,
    raster,
    render_png,
    render_svg,
)
from badges.achievements.images.colours import LIGHT, palette
from badges.achievements.images.lettering import set_title
from core.errors import UnprocessableError

SVG = "{http://www.w3.org/2000/svg}"
CHOICE = ImageChoice("lantern", "#7a2e4f", "#f5c451")


def drawn(
    title: str, level: str = "practitioner", choice: ImageChoice = CHOICE
) -> ElementTree.Element:
    return fromstring(render_svg(choice, title, level, "Alder Valley Schools"))


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("level", LEVELS)
def test_every_template_is_filled_at_every_level(template: str, level: str) -> None:
    svg = render_svg(ImageChoice(template, "#0f5a63", "#f3b61f"), "Questions That Open", level, "A")
    assert "{{" not in svg
    root = fromstring(svg)
    assert root.find(f"{SVG}title").text == "Questions That Open"
    assert level in root.find(f"{SVG}desc").text
    assert " ".join(texts(root)) == "Questions That Open"


@pytest.mark.parametrize(
    ("level", "reached"),
    [("foundational", 1), ("practitioner", 2), ("advanced", 3), ("leadership", 3)],
)
def test_the_level_is_the_number_of_filled_stones(level: str, reached: int) -> None:
    fills = re.findall(
        r'<path fill="(#f5c451|none)" d="M\d+\.\d \d', render_svg(CHOICE, "A", level, "B")
    )
    assert fills.count("#f5c451") == reached
    assert len(fills) == 3


def test_a_short_title_stands_on_one_line_in_the_middle() -> None:
    root = drawn("Feedback")
    (line,) = root.iter(f"{SVG}text")
    assert (line.text, line.get("y")) == ("Feedback", "418")


def test_a_long_title_breaks_at_the_most_even_gap() -> None:
    assert set_title("Coaching Colleagues with Evidence").lines == (
        "Coaching Colleagues",
        "with Evidence",
    )


@pytest.mark.parametrize(
    ("title", "size", "curve"),
    [
        ("Feedback", 48, 52),
        ("Coaching Colleagues with Evidence", 32, 40),
        ("Reading Aloud", 40, 52),
        ("Reading aloud in class", 40, 52),
    ],
)
def test_the_size_follows_from_the_longest_line(title: str, size: int, curve: int) -> None:
    found = set_title(title)
    assert (found.size, found.curve_size) == (size, curve)


def test_lines_that_were_chosen_are_kept_and_the_whole_title_is_still_read_out() -> None:
    choice = ImageChoice("grove", "#2f6b45", "#f2c14e", ("Growing", "together"))
    root = drawn("Growing a Teaching Community", choice=choice)
    assert texts(root) == ["Growing", "together"]
    assert root.find(f"{SVG}title").text == "Growing a Teaching Community"


def test_an_endless_title_is_cut_in_the_picture_and_whole_in_its_name() -> None:
    title = "A title that goes on and on " * 7
    root = drawn(title)
    assert all(len(line) <= 34 for line in texts(root))
    assert texts(root)[-1].endswith("…")
    assert root.find(f"{SVG}title").text == title


def test_scripts_without_gaps_break_in_the_middle() -> None:
    assert set_title("学習者の思考を見取る授業づくりの基礎と応用").lines[1]


@given(st.text(min_size=1, max_size=220))
@settings(max_examples=150)
def test_any_title_gives_well_formed_svg_that_says_it(title: str) -> None:
    if not set_title(title).curve:
        with pytest.raises(UnprocessableError):
            drawn(title)
        return
    root = drawn(title)
    assert list(root.iter(f"{SVG}script")) == []
    assert 1 <= len(texts(root)) <= 2


def test_markup_in_titles_and_names_stays_text() -> None:
    hostile = '"><script>alert(1)</script><text>&{{primary}}'
    root = fromstring(render_svg(CHOICE, hostile, "advanced", hostile))
    assert root.find(f"{SVG}title").text == hostile
    assert list(root.iter(f"{SVG}script")) == []


def test_an_empty_title_is_refused() -> None:
    with pytest.raises(UnprocessableError):
        render_svg(CHOICE, " \n", "advanced", "A")


def test_an_unknown_template_or_level_is_refused() -> None:
    with pytest.raises(UnprocessableError):
        render_svg(ImageChoice("../secrets", "#7a2e4f", "#f5c451"), "A", "advanced", "A")
    with pytest.raises(UnprocessableError):
        render_svg(CHOICE, "A", "grand master", "A")


def test_a_primary_on_which_the_title_cannot_be_read_is_refused_with_its_contrast() -> None:
    pale = ImageChoice("lantern", "#f5c451", "#7a2e4f")
    with pytest.raises(UnprocessableError) as caught:
        render_svg(pale, "A", "advanced", "B")
    assert set(caught.value.fields) == {"primary"}
    assert f"{contrast('#f5c451', LIGHT):.1f}" in str(caught.value.fields["primary"])


def test_colours_that_are_none_are_named() -> None:
    assert set(colour_faults(ImageChoice("lantern", "red", "url(#x)"))) == {"primary", "accent"}


@given(st.integers(0, 0xFFFFFF))
def test_text_on_any_accent_is_readable(number: int) -> None:
    accent = f"#{number:06x}"
    found = palette(ImageChoice("grove", "#2f6b45", accent))
    assert contrast(found.on_accent, accent) >= 4.5


def test_contrast_runs_from_1_to_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize("size", SIZES)
def test_a_png_has_the_size_asked_for_and_shows_letters(size: int) -> None:
    svg = render_svg(CHOICE, "Feedback", "advanced", "A")
    picture = Image.open(io.BytesIO(render_png(svg, size)))
    blank = Image.open(io.BytesIO(render_png(svg.replace(">Feedback</text>", "></text>"), size)))
    assert picture.size == (size, size)
    assert picture.tobytes() != blank.tobytes()


def test_letters_show_in_the_font_of_the_package_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any serif font."""
    monkeypatch.setattr(raster, "_font_folders", lambda: [Path("/nonexistent")])
    raster.serif.cache_clear()
    try:
        assert raster.serif().family == "Source Serif Pro"
        test_a_png_has_the_size_asked_for_and_shows_letters(600)
    finally:
        raster.serif.cache_clear()


def test_letters_on_the_curve_show() -> None:
    svg = render_svg(ImageChoice("compass", "#2f3f7c", "#f08a4b"), "Feedback", "advanced", "A")
    assert render_png(svg, 200) != render_png(
        svg.replace(">Feedback</textPath>", "></textPath>"), 200
    )


def test_the_same_badge_is_the_same_picture() -> None:
    svg = render_svg(CHOICE, "Feedback", "advanced", "A")
    assert render_png(svg, 200) == render_png(svg, 200)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="601"):
        render_png(render_svg(CHOICE, "A", "advanced", "B"), 601)


def test_a_picture_is_drawn_once_and_found_again_by_another_process(tmp_path: Path) -> None:
    made = []

    def make() -> bytes:
        made.append(1)
        return b"picture"

    assert (
        ImageStore(tmp_path).kept("x", make) == ImageStore(tmp_path).kept("x", make) == b"picture"
    )
    assert len(made) == 1


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert ImageStore(tmp_path / "file").kept("x", lambda: b"picture") == b"picture"
