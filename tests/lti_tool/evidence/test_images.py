"""Images are drawn anew: upright, smaller, and without what a camera wrote into them."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from lti_tool.evidence import images


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


def bomb(side: int) -> bytes:
    """A PNG that says it has side × side pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("data", [bomb(9_500), bomb(60_000), b"\x89PNG\r\n\x1a\n", b"", b"GIF89a"])
def test_bombs_and_broken_images_are_refused(data: bytes) -> None:
    with pytest.raises(images.UnreadableImageError):
        images.preview(io.BytesIO(data))
