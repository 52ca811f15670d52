"""PNGs that people bring: drawn anew from their pixels, whatever the file was."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from random import Random

import pytest
from PIL import Image, PngImagePlugin

from badges.achievements.document import ICONS, TEMPLATES, ImageChoice
from badges.achievements.images import ImageStore, icon_svg, judging, pictures, receive, render_svg
from badges.achievements.images.pictures import Picture
from badges.achievements.images.raster import render_png
from badges.openbadges import baking
from core.errors import UnprocessableError
from core.files import FileStore
from tests.support.mutators import damaged
from tests.support.ob3 import png_chunk

TIMES = 10 if os.environ.get("MILEPOST_SOAK") else 1
INKS = {"LA": (200, 255), "RGBA": (9, 99, 9, 255)}


def png(size: tuple[int, int] = (320, 320), mode: str = "RGB", **more: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, INKS.get(mode, 1)).save(out, "PNG", **more)
    return out.getvalue()


def noise(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    pixels = Random(3).randbytes(size[0] * size[1] * 3)
    Image.frombytes("RGB", size, pixels).save(out, "PNG")
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(receive(data).picture.data))


def refusal(data: bytes, **more: int) -> str:
    with pytest.raises(UnprocessableError) as caught:
        receive(data, **more)  # type: ignore[arg-type]
    return str(caught.value.fields["picture"])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_taken(mode: str) -> None:
    assert opened(png(mode=mode)).size == (320, 320)


def test_large_ones_become_600_by_600_and_others_get_clear_sides() -> None:
    assert opened(png((1600, 1200))).size == (600, 600)
    assert opened(png((1600, 1200))).convert("RGBA").getpixel((300, 10))[3] == 0  # type: ignore[index]
    whole = receive(png((1600, 1200)), square=False).picture.data
    assert Image.open(io.BytesIO(whole)).size == (600, 450)


def test_nothing_but_pixels_is_kept() -> None:
    note = PngImagePlugin.PngInfo()
    note.add_itxt("XML:com.adobe.xmp", "<x>Ada Park</x>")
    exif = Image.Exif()
    exif[0x013B] = "Ada Park"
    data = png(pnginfo=note, exif=exif, icc_profile=b"Ada Park profile") + b"Ada Park trailing"
    made = receive(data).picture.data
    assert b"Ada Park" in data
    assert b"Ada" not in made
    kinds = set()
    at = 8
    while at < len(made):
        (length,) = struct.unpack_from(">I", made, at)
        kinds.add(made[at + 4 : at + 8])
        at += 12 + length
    assert kinds <= {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def test_a_badge_inside_the_picture_does_not_come_along() -> None:
    baked = baking.bake_png(png(), '{"a": "b"}')
    assert b"openbadgecredential" in baked
    assert b"openbadgecredential" not in receive(baked).picture.data


def test_a_photograph_is_kept_at_a_bearable_size() -> None:
    assert len(receive(noise((900, 900))).picture.data) < 450_000


def bomb() -> bytes:
    """Some 5 KB that would unpack to 900 million pixels."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000)) + png_chunk(b"IEND", b"")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (png()[:-40], "damaged"),
        (bomb(), "far more than a badge can show"),
        (png((20_000, 900)), "far more than a badge can show"),
        (png((2000, 300)), "long strip"),
        (png((299, 299)), "would look blurred"),
        (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IDAT", b"x"), "damaged"),
        (png()[:33] + struct.pack(">I", 0x7FFFFFFF) + b"tEXt" + b"x" * 99, "damaged"),
        (png()[:33] + png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 90_000_000, 9))
         + png()[33:], "damaged"),
        (b"GIF89a" + b"\0" * 99, "neither a PNG nor an SVG"),
        (b"%PDF-1.7", "neither a PNG nor an SVG"),
        (b"\x1f\x8b\x08" + b"\0" * 99, "neither a PNG nor an SVG"),
        (png() + b"\0" * 4_000_000, "MB"),
    ],
    ids=range(14),
)  # fmt: skip
def test_what_is_no_fair_picture_is_refused_in_words(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_what_cannot_be_seen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "drawn_in_time", lambda svg: render_png(svg, 64))
    out = io.BytesIO()
    Image.new("RGBA", (400, 400)).save(out, "PNG")
    assert "transparent" in refusal(out.getvalue())
    blank = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><image href="x"/></svg>'
    assert "Nothing can be seen" in refusal(blank)


def test_logos_may_be_smaller() -> None:
    assert receive(png((80, 80)), least=64).picture.media_type == "image/png"
    assert "at least 64" in refusal(png((40, 40)), least=64)


def test_damaged_files_are_drawn_or_refused() -> None:
    rng, data, taken = Random(5), noise((310, 40 * 8)), 0
    for _case in range(100 * TIMES):
        try:
            made = receive(damaged(data, rng)).picture
        except UnprocessableError:
            continue
        taken += 1
        assert Image.open(io.BytesIO(made.data)).size[0] <= 600
    assert taken


def test_pictures_are_found_by_what_they_are(tmp_path: Path) -> None:
    files = FileStore(f"file://{tmp_path / 'files'}")
    made = receive(png()).picture
    assert pictures.keep(files, made) == pictures.keep(files, made) == made.sha256
    assert pictures.find(files, made.sha256) == made
    assert pictures.find(files, "0" * 64) is None
    assert len(list((tmp_path / "files" / "pictures").iterdir())) == 1


def test_a_png_stands_inside_a_drawing_that_looks_like_it(tmp_path: Path) -> None:
    files = FileStore(f"file://{tmp_path / 'files'}")
    out = io.BytesIO()
    Image.new("RGB", (600, 600), "#a33").save(out, "PNG")
    digest = pictures.keep(files, receive(out.getvalue()).picture)
    images = ImageStore(tmp_path / "cache", files)
    svg = images.own(digest)
    assert svg is not None
    assert images.own(digest) is svg, "read once"
    drawn = Image.open(io.BytesIO(images.png(svg, 200)))
    assert drawn.getpixel((100, 100))[:3] == (0xAA, 0x33, 0x33)
    baked = baking.bake_svg(svg.encode(), '{"a": "b"}')
    assert baking.unbake(baked).text == '{"a": "b"}'
    assert images.own("0" * 64) is None
    assert ImageStore(tmp_path / "cache").own(digest) is None
    assert Picture(svg.encode(), "image/svg+xml").as_svg() == svg


def test_every_icon_stands_in_every_template_in_the_chosen_colours() -> None:
    plain = {
        template: render_svg(ImageChoice(template, "#0f5a63", "#f3b61f"), "A", "advanced", "B")
        for template in TEMPLATES
    }
    for icon in ICONS:
        for template in TEMPLATES:
            choice = ImageChoice(template, "#0f5a63", "#f3b61f", icon=icon)
            svg = render_svg(choice, "A", "advanced", "B")
            assert "{{" not in svg
            assert "<!--" not in svg + plain[template]
            assert svg != plain[template]
        assert "{{" not in icon_svg(icon, "#f3b61f")


def test_every_icon_is_another_picture() -> None:
    drawn = {
        render_png(render_svg(ImageChoice("grove", "#0f5a63", "#f3b61f", icon=icon), "A",
                              "advanced", "B"), 64)
        for icon in ICONS
    }  # fmt: skip
    assert len(drawn) == len(ICONS)


def test_an_unknown_icon_is_refused() -> None:
    with pytest.raises(UnprocessableError):
        render_svg(ImageChoice("grove", "#0f5a63", "#f3b61f", icon="../x"), "A", "advanced", "B")
    with pytest.raises(KeyError):
        icon_svg("../x", "#f3b61f")
