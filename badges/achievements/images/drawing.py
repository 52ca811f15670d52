"""Filling an SVG template with a title, a level, an issuer and colours."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from xml.sax.saxutils import escape

from flask_babel import lazy_gettext as _

from badges.achievements.document import ICONS, TEMPLATES
from badges.achievements.images.colours import Choice, palette
from badges.achievements.images.lettering import Lettering, set_title
from core.errors import UnprocessableError

# Three stones on the badge; leadership is past the third, and says so in its description.
_REACHED = {"foundational": 1, "practitioner": 2, "advanced": 3, "leadership": 3}
_TOKEN = re.compile(r"\{\{(\w+)\}\}")
_SCENE = re.compile(
    r"<!-- scene (?P<x>\d+) (?P<y>\d+) (?P<size>\d+) (?P<ground>light|primary) -->\n"
    r".*?\n<!-- /scene -->",
    re.DOTALL,
)
_SCENE_TOO = re.compile(r"<!-- scene-too -->\n.*?\n<!-- /scene-too -->\n", re.DOTALL)
_MARKS = re.compile(r"<!-- /?scene[^>]* -->\n")
_ICON_BOX = 120
_ROOT = re.compile(r"</?svg[^>]*>\n?")
# What an icon's three tones are on the ground it stands on.
_TONES = {
    "light": {"ink": "dark", "second": "accent", "ground": "light"},
    "primary": {"ink": "light", "second": "accent", "ground": "primary"},
}
_LINES = re.compile(
    r'<text x="300" y="(?P<first>\d+)">\{\{line1\}\}</text>\s*'
    r'<text x="300" y="(?P<second>\d+)">\{\{line2\}\}</text>'
)


def render_svg(choice: Choice, title: str, level: str, issuer: str) -> str:
    """The badge as SVG.

    `level` is one of `document.LEVELS`; `issuer` is the name that the description gives. Raises
    UnprocessableError for an unknown template or level, an empty title, or colours on which the
    title would be hard to read.
    """
    if choice.template not in TEMPLATES or level not in _REACHED:
        raise UnprocessableError(
            _("There is no such badge template or level."), code="badge_template"
        )
    if choice.icon is not None and choice.icon not in ICONS:
        raise UnprocessableError(_("There is no such icon."), code="badge_icon")
    colours = palette(choice)
    lettering = set_title(title, choice.lines)
    if not lettering.curve:
        raise UnprocessableError(_("A badge needs a title."), code="badge_title")
    reached = _REACHED[level]
    values = {
        "title": title, "level": level, "issuer": issuer,
        "size": str(lettering.size), "curve_size": str(lettering.curve_size),
        "line1": lettering.lines[0], "line2": lettering.lines[-1],
        "primary": colours.primary, "dark": colours.dark, "accent": colours.accent,
        "on_accent": colours.on_accent, "light": colours.light,
        **{f"mark{n}": colours.accent if n <= reached else "none" for n in (1, 2, 3)},
    }  # fmt: skip
    escaped = {name: escape(_xml_text(value), {'"': "&quot;"}) for name, value in values.items()}
    curve = escape(lettering.curve, {'"': "&quot;"})
    text = _placed(_template(choice.template, choice.icon), lettering).replace("{{curve}}", curve)
    return _TOKEN.sub(lambda match: escaped[match[1]], text)


@cache
def _template(name: str, icon: str | None) -> str:
    text = (files("badges.achievements.images") / f"{name}.svg").read_text("utf-8")
    if icon is not None:
        text = _SCENE.sub(lambda scene: _icon(icon, scene), _SCENE_TOO.sub("", text))
    text = _MARKS.sub("", text)
    # The words on the curve may be cut; those of the title, which is read out, never are.
    return re.sub(r"(<textPath [^>]*>)\{\{title\}\}", r"\1{{curve}}", text)


def icon_svg(name: str, second: str) -> str:
    """An icon by itself, to stand in a page: in the text's colour, filled with `second` (#rrggbb).

    Raises KeyError for a name that is not among `document.ICONS`.
    """
    if name not in ICONS:
        raise KeyError(name)
    tones = {"ink": "currentColor", "second": second, "ground": "none"}
    shapes = _TOKEN.sub(lambda token: tones[token[1]], _icon_shapes(name))
    return (
        f'<svg viewBox="-6 -6 132 132" width="44" height="44" aria-hidden="true" fill="none"'
        f' stroke="currentColor" stroke-width="6" stroke-linecap="round"'
        f' stroke-linejoin="round">{shapes}</svg>'
    )


@cache
def _icon_shapes(name: str) -> str:
    text = (files("badges.achievements.images") / "icons" / f"{name}.svg").read_text("utf-8")
    return _ROOT.sub("", text)


def _icon(name: str, scene: re.Match[str]) -> str:
    """The icon in the middle of the scene's place, in the tones that its ground asks for."""
    tones = _TONES[scene["ground"]]
    shapes = _TOKEN.sub(lambda token: f"{{{{{tones[token[1]]}}}}}", _icon_shapes(name))
    size = int(scene["size"])
    corner = [int(scene[axis]) - size // 2 for axis in "xy"]
    return (
        f'<g transform="translate({corner[0]} {corner[1]}) scale({size / _ICON_BOX:.4g})"'
        f' fill="none" stroke="{{{{{tones["ink"]}}}}}" stroke-width="6" stroke-linecap="round"'
        f' stroke-linejoin="round">\n{shapes}</g>'
    )


def _placed(text: str, lettering: Lettering) -> str:
    """A single line stands in the middle of the place for two."""
    if len(lettering.lines) > 1:
        return text

    def one_line(match: re.Match[str]) -> str:
        middle = (int(match["first"]) + int(match["second"])) // 2
        return f'<text x="300" y="{middle}">{{{{line1}}}}</text>'

    return _LINES.sub(one_line, text)


def _xml_text(text: str) -> str:
    """Without the characters that XML 1.0 does not have (section 2.2)."""
    return "".join(
        c
        for c in text
        if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )
