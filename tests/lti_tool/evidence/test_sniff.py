"""Files are what their content says, and nothing else."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.evidence import sniff
from tests.lti_tool.review.world import docx, png


def archive(*names: str, first: tuple[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        if first:
            made.writestr(*first)
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


CASES = [
    (png(), sniff.PNG),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", sniff.JPEG),
    (b"GIF89a" + bytes(20), sniff.GIF),
    (b"RIFF\x10\0\0\0WEBPVP8 ", sniff.WEBP),
    (b"RIFF\x10\0\0\0WAVEfmt ", sniff.WAV),
    (b"RIFF\x10\0\0\0AVI LIST", None),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", sniff.HEIC),
    (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", sniff.MP4),
    (b"\0\0\0\x14ftypqt  \0\0\0\0", sniff.MOV),
    (b"\0\0\0\x18ftypM4A \0\0\0\0", sniff.M4A),
    (b"\0\0\0\x18ftypjunk\0\0\0\0", None),
    (b"\x1aE\xdf\xa3\x9fB\x82\x84webm", sniff.WEBM),
    (b"\x1aE\xdf\xa3\x9fB\x82\x88matroska", None),
    (b"ID3\x03\0\0\0", sniff.MP3),
    (b"\xff\xfb\x90\x64" + bytes(20), sniff.MP3),
    (b"OggS\0\x02" + bytes(20), sniff.OGG),
    (b"%PDF-1.7\n%\xe2\xe3", sniff.PDF),
    (b"{\\rtf1\\ansi}", sniff.RTF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", sniff.OLE),
    (docx(), sniff.DOCX),
    (archive("[Content_Types].xml", "ppt/presentation.xml"), sniff.PPTX),
    (archive("[Content_Types].xml", "xl/workbook.xml"), sniff.XLSX),
    (archive("content.xml", first=("mimetype", sniff.ODT.media_type)), sniff.ODT),
    (archive("x", first=("mimetype", "application/x-evil")), sniff.ZIP),
    (archive("notes.txt"), sniff.ZIP),
    (b"PK\x03\x04 broken", None),
    (b"<!DOCTYPE html><p>x", sniff.HTML),
    (b"\n<!-- x --><script>alert(1)</script>", sniff.HTML),
    (b"\xef\xbb\xbf<?xml version='1.0'?><svg xmlns='x'/>", sniff.SVG),
    (b"a,b\n1,2\n", sniff.TEXT),
    ("Grüße".encode("utf-16"), sniff.TEXT),
    (b"MZ\x90\0", None),
    (b"\x7fELF\x02\x01", None),
    (b"#!/bin/sh\nrm -rf /", None),
    (b"<?php echo 1;", None),
    (b"", None),
    (b"   \n", None),
    (b"text with \x00 in it", None),
    (b"\xe4\xf6\xfc latin", None),
]


@pytest.mark.parametrize(("data", "kind"), CASES)
def test_content_decides(data: bytes, kind: sniff.FileType | None) -> None:
    assert sniff.from_bytes(data) == kind


@given(st.binary(max_size=600))
def test_any_bytes_are_judged_without_an_error_and_left_at_the_beginning(data: bytes) -> None:
    stream = io.BytesIO(data)
    sniff.sniff(stream)
    assert stream.tell() == 0


@given(
    st.sampled_from([b"PK\x03\x04", b"\0\0\0\x18ftyp", b"RIFF", b"<svg"]), st.binary(max_size=300)
)
def test_marks_with_anything_after_them_are_judged_without_an_error(
    mark: bytes, rest: bytes
) -> None:
    sniff.from_bytes(mark + rest)


def test_text_over_its_limit_is_not_accepted() -> None:
    assert sniff.from_bytes(b"a" * (5 * 1024 * 1024 + 1)) is None


@pytest.mark.parametrize(
    ("name", "kind", "fits"),
    [
        ("a.JPG", sniff.JPEG, True),
        ("a.jpeg", sniff.JPEG, True),
        ("a.png", sniff.JPEG, False),
        ("a.pdf.exe", sniff.PDF, False),
        ("noending", sniff.PDF, False),
        ("a.html", sniff.TEXT, False),
    ],
)
def test_the_ending_must_be_one_of_the_types_own(
    name: str, kind: sniff.FileType, fits: bool
) -> None:
    assert sniff.fits(name, kind) is fits
