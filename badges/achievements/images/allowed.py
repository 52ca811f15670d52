"""What an SVG of somebody's own may hold: elements, attributes and the form of their values.

SVG 1.1 (Second edition) as far as it draws; nothing here fetches, runs, moves or filters. Whatever
is not named is left out, so that what is new to SVG is out until somebody thinks of it.
"""

from __future__ import annotations

import re
from typing import Final

MOST_NUMBER: Final = 1_000_000.0

# Elements with the attributes that are their own, beside PAINT and COMMON.
ELEMENTS: Final[dict[str, frozenset[str]]] = {
    name: frozenset(own.split())
    for name, own in {
        "svg": "x y width height viewBox preserveAspectRatio",
        "g": "",
        "defs": "",
        "symbol": "viewBox preserveAspectRatio",
        "use": "x y width height href",
        "path": "d",
        "rect": "x y width height rx ry",
        "circle": "cx cy r",
        "ellipse": "cx cy rx ry",
        "line": "x1 y1 x2 y2",
        "polyline": "points",
        "polygon": "points",
        "text": "x y dx dy rotate textLength lengthAdjust",
        "tspan": "x y dx dy rotate textLength lengthAdjust",
        "textPath": "href startOffset method spacing",
        "title": "",
        "desc": "",
        "clipPath": "clipPathUnits",
        "mask": "maskUnits maskContentUnits x y width height",
        "linearGradient": "x1 y1 x2 y2 gradientUnits gradientTransform spreadMethod href",
        "radialGradient": "cx cy r fx fy fr gradientUnits gradientTransform spreadMethod href",
        "stop": "offset",
    }.items()
}
# Their children are kept, they themselves are not.
UNWRAPPED: Final = frozenset({"a", "switch"})
WITH_TEXT: Final = frozenset({"text", "tspan", "textPath", "title", "desc"})
COMMON: Final = frozenset({"id", "transform"})
# Presentation attributes, which may also stand in `style`.
PAINT: Final = frozenset(
    [
        "fill",
        "fill-opacity",
        "fill-rule",
        "stroke",
        "stroke-width",
        "stroke-opacity",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-miterlimit",
        "stroke-dasharray",
        "stroke-dashoffset",
        "opacity",
        "color",
        "display",
        "visibility",
        "clip-path",
        "clip-rule",
        "mask",
        "stop-color",
        "stop-opacity",
        "font-family",
        "font-size",
        "font-style",
        "font-weight",
        "font-stretch",
        "letter-spacing",
        "word-spacing",
        "text-anchor",
        "text-decoration",
        "dominant-baseline",
        "paint-order",
        "vector-effect",
        "overflow",
        "shape-rendering",
        "mask-type",
    ]
)
# What leaving them out does to the picture, by the word that says so to people.
LEFT_OUT: Final[dict[str, str]] = {
    "script": "script", "handler": "script",
    "foreignObject": "pages", "iframe": "pages", "audio": "pages", "video": "pages",
    "image": "pictures", "feImage": "pictures",
    "filter": "effects", "pattern": "effects", "marker": "effects", "mesh": "effects",
    "animate": "motion", "animateTransform": "motion", "animateMotion": "motion", "set": "motion",
    "font": "fonts", "font-face": "fonts",
}  # fmt: skip

NAME: Final = re.compile(r"[A-Za-z_][\w.-]{0,99}", re.ASCII)
LOCAL: Final = re.compile(r"url\(\s*(['\"]?)#([^'\")\s]+)\1\s*\)(?:\s+([a-z]+|#[0-9a-fA-F]{3,8}))?")
_NUMBER: Final = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_LENGTHS: Final = re.compile(
    r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?:px|pt|pc|mm|cm|in|em|ex|%)?"
    r"(?:[\s,]+[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?:px|pt|pc|mm|cm|in|em|ex|%)?)*",
    re.ASCII,
)
_COLOUR: Final = re.compile(
    r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,24}|(?:rgb|hsl)a?\([\d\s.,%/deg-]{1,60}\)", re.ASCII
)
_WORDS: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}(?: [A-Za-z][A-Za-z0-9-]{0,30}){0,3}")
_PATH: Final = re.compile(r"[MmZzLlHhVvCcSsQqTtAa0-9eE+\-.,\s]*", re.ASCII)
_TRANSFORM: Final = re.compile(
    r"(?:(?:matrix|translate|scale|rotate|skewX|skewY)\s?\([\d\s.,eE+-]{1,200}\)[\s,]*){1,20}",
    re.ASCII,
)
_FAMILY: Final = re.compile(r"[\w\s,'\"-]{1,200}")
_SIZES: Final = frozenset(
    [
        "x",
        "y",
        "width",
        "height",
        "rx",
        "ry",
        "cx",
        "cy",
        "r",
        "x1",
        "y1",
        "x2",
        "y2",
        "fx",
        "fy",
        "fr",
        "dx",
        "dy",
        "rotate",
        "points",
        "viewBox",
        "textLength",
        "startOffset",
        "offset",
        "fill-opacity",
        "stroke-width",
        "stroke-opacity",
        "stroke-miterlimit",
        "stroke-dasharray",
        "stroke-dashoffset",
        "opacity",
        "stop-opacity",
        "font-size",
        "letter-spacing",
        "word-spacing",
    ]
)
_COLOURS: Final = frozenset({"fill", "stroke", "color", "stop-color"})


def is_allowed(name: str, value: str) -> bool:
    """Whether `value` has a form that the attribute `name` may have; references are not looked at.

    Numbers are bounded by `too_large`, not here.
    """
    if name in ("d",):
        return _PATH.fullmatch(value) is not None
    if name in ("transform", "gradientTransform"):
        return _TRANSFORM.fullmatch(value) is not None
    if name == "id":
        return NAME.fullmatch(value) is not None
    if name == "font-family":
        return _FAMILY.fullmatch(value) is not None
    if name in _COLOURS and _COLOUR.fullmatch(value):
        return True
    if name in _SIZES and _LENGTHS.fullmatch(value):
        return True
    return name not in ("viewBox", "points") and _WORDS.fullmatch(value) is not None


def too_large(value: str) -> bool:
    """Whether a number in `value` is beyond what anybody draws with."""
    return any(abs(float(number)) > MOST_NUMBER for number in _NUMBER.findall(value))
