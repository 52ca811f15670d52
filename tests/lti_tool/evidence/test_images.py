"""Images are drawn anew: upright, smaller, and without what a camera wrote into them."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lti_tool.evidence import images
from tests.lti_tool.review.world import huge_png


def saved(image: Image.Image, kind: str, **more: object) -> io.BytesIO:
    out = io.BytesIO()
    image.save(out, kind, **more)
    out.seek(0)
    return out


def test_metadata_is_gone_and_the_picture_stands_upright() -> None:
    image = Image.new("RGB", (40, 20), "red")
    exif = Image.Exif()
    exif[0x010E] = "Wren Samplewood, room 4"
    exif[0x0112] = 6  # turned by a quarter
    drawn = images.preview(saved(image, "JPEG", exif=exif))
    assert b"Samplewood" not in drawn.data
    again = Image.open(io.BytesIO(drawn.data))
    assert again.size == (20, 40)
    assert not again.getexif()


def test_text_chunks_of_a_png_are_gone_and_transparency_stays() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", "Wren Samplewood")
    drawn = images.preview(saved(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), "PNG", pnginfo=info))
    assert drawn.media_type == "image/png"
    assert b"Samplewood" not in drawn.data


def test_large_pictures_become_smaller() -> None:
    drawn = images.preview(saved(Image.new("L", (3000, 1500)), "PNG"))
    assert Image.open(io.BytesIO(drawn.data)).size == (2000, 1000)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "JPEG"])
def test_every_accepted_kind_can_be_drawn(kind: str) -> None:
    assert images.preview(saved(Image.new("RGB", (5, 5)), kind)).data


def zeros(width: int, height: int) -> bytes:
    """A PNG of a few hundred kilobytes at most that really holds width × height pixels."""
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(1 + 3 * width)) for _row in range(height)) + rows.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


MEASURE = """
import io, resource, sys
from lti_tool.evidence import images
with open(sys.argv[1], "rb") as file:
    data = io.BytesIO(file.read())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print(len(images.preview(data).data) and "drawn")
except images.TooManyPixelsError:
    print("too many")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    ("make", "answer"),
    [
        (lambda: zeros(9_900, 8_000), "too many"),
        (lambda: zeros(5_000, 5_000), "drawn"),
        pytest.param(
            lambda: saved(Image.new("RGBA", (5_000, 5_000)), "PNG").getvalue(),
            "drawn",
            marks=pytest.mark.soak,
        ),
        (lambda: saved(Image.new("P", (5_000, 5_000)), "GIF").getvalue(), "drawn"),
        pytest.param(
            lambda: saved(Image.new("RGBA", (4_000, 4_000)), "WEBP").getvalue(),
            "drawn",
            marks=pytest.mark.soak,
        ),
        (lambda: saved(Image.new("L", (12_000, 10_000)), "JPEG").getvalue(), "drawn"),
        (
            lambda: saved(Image.new("L", (5_100, 5_000)), "JPEG", progressive=True).getvalue(),
            "too many",
        ),
        pytest.param(
            lambda: saved(Image.new("L", (65_000, 500)), "JPEG").getvalue(),
            "too many",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_no_picture_costs_more_than_400_megabytes(
    make: Callable[[], bytes], answer: str, tmp_path: Path
) -> None:
    path = tmp_path / "picture"
    path.write_bytes(make())
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    said, megabytes = ran.stdout.split("\n", 1)
    assert said == answer
    assert int(megabytes) < 400


def test_one_picture_is_drawn_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing, most = 0, 0
    draw = images._draw

    def counted(image: Image.Image) -> images.Preview:
        nonlocal drawing, most
        drawing += 1
        most = max(most, drawing)
        try:
            return draw(image)
        finally:
            drawing -= 1

    monkeypatch.setattr(images, "_draw", counted)
    data = saved(Image.new("RGB", (900, 900)), "PNG").getvalue()
    threads = [threading.Thread(target=lambda: images.preview(io.BytesIO(data))) for _n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_what_is_clear_in_a_large_picture_with_a_palette_stays_clear() -> None:
    image = Image.new("P", (3000, 10), 1)
    drawn = images.preview(saved(image, "GIF", transparency=1))
    assert drawn.media_type == "image/png"
    assert Image.open(io.BytesIO(drawn.data)).getpixel((5, 1))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    "data", [huge_png(9_500), huge_png(60_000), b"\x89PNG\r\n\x1a\n", b"", b"GIF89a"]
)
def test_bombs_and_broken_images_are_refused(data: bytes) -> None:
    with pytest.raises(images.UnreadableImageError):
        images.preview(io.BytesIO(data))
