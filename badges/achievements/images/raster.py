"""From SVG to PNG with resvg, in a font that is there on every machine.

A Palatino of the system is used where one is found (P052, TeX Gyre Pagella, Palatino Linotype,
Palatino); else Source Serif, which comes with the package font-source-serif-pro (SIL OFL 1.1).
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import resvg_py

SIZES = (64, 200, 600)
_FALLBACK = ("SourceSerifPro-Bold.otf", "Source Serif Pro")
_PALATINOS = {
    "P052-Bold.otf": "P052",
    "texgyrepagella-bold.otf": "TeX Gyre Pagella",
    "palab.ttf": "Palatino Linotype",
    "Palatino.ttc": "Palatino",
}
_LATIN_END = "\u024f"


@dataclass(frozen=True)
class Font:
    """A font file, the family it holds, and the files it is used with."""

    family: str
    paths: tuple[str, ...]


def render_png(svg: str, size: int) -> bytes:
    """`svg`, ours or one that `cleaning` built, as a square PNG of `size` pixels (one of SIZES).

    Raises ValueError for another size, or where `svg` cannot be drawn.
    """
    if size not in SIZES:
        raise ValueError(f"badges are drawn at {SIZES}, not at {size}")
    return bytes(resvg_py.svg_to_bytes(**arguments(svg, size)))


def arguments(svg: str, size: int) -> dict[str, Any]:
    """What the renderer is called with; JSON holds all of it."""
    font = serif()
    return {
        "svg_string": svg,
        "width": size,
        "height": size,
        # Reading all the system's fonts takes 0.2 s; other scripts than Latin need them.
        "skip_system_fonts": _is_latin(svg),
        "font_files": list(font.paths),
        "serif_family": font.family,
        "resources_dir": None,
    }


def renderer_id() -> str:
    """What, beside the drawing, decides the pixels: the renderer and the font."""
    return f"resvg {resvg_py.__resvg_version__}, {serif().family}"


@cache
def serif() -> Font:
    """The font that titles are set in on this machine."""
    own = files("font_source_serif_pro") / "files" / _FALLBACK[0]
    fallback = str(own)
    for folder in _font_folders():
        for root, _folders, names in os.walk(folder):
            for name in sorted(names):
                if name in _PALATINOS:
                    return Font(_PALATINOS[name], (str(Path(root) / name), fallback))
    return Font(_FALLBACK[1], (fallback,))


def _font_folders() -> list[Path]:
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts")]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts")]


def _is_latin(text: str) -> bool:
    return all(c <= _LATIN_END or "\u2000" <= c <= "\u206f" for c in text)
