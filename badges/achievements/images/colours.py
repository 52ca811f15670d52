"""Colours of a badge: two are chosen, the others follow, and text keeps 4.5:1 (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

from flask_babel import lazy_gettext as _

from core.errors import UnprocessableError

LIGHT = "#faf6ee"
LEAST_CONTRAST = 4.5
_DARKER = 0.58
_INKS = ("#1a1408", "#ffffff", "#000000")
_HEX = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)


class Choice(Protocol):
    """What an issuer chooses; `badges.achievements.document.ImageChoice` is one."""

    @property
    def template(self) -> str:
        """The name of a template."""

    @property
    def primary(self) -> str:
        """The main colour, as #rrggbb."""

    @property
    def accent(self) -> str:
        """The second colour, as #rrggbb."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Up to two lines of title; empty means that the title is broken by rule."""

    @property
    def icon(self) -> str | None:
        """The name of an icon, or None for the template's own scene."""


@dataclass(frozen=True)
class Palette:
    """Every colour a template needs, as #rrggbb."""

    primary: str
    accent: str
    dark: str
    light: str
    on_accent: str


def palette(choice: Choice) -> Palette:
    """The colours that follow from the two chosen ones. Raises as `require_readable`."""
    require_readable(choice)
    dark = _scaled(choice.primary, _DARKER)
    # Black or white reaches 4.5:1 on any colour, so one of these always does.
    on_accent = next(
        tone for tone in (dark, *_INKS) if contrast(tone, choice.accent) >= LEAST_CONTRAST
    )
    return Palette(choice.primary.lower(), choice.accent.lower(), dark, LIGHT, on_accent)


def colour_faults(choice: Choice) -> dict[str, Any]:
    """What keeps the colours from being used, by field; empty where nothing does."""
    faults: dict[str, Any] = {
        name: _("This must be a colour such as #1f6f78.")
        for name in ("primary", "accent")
        if not _HEX.fullmatch(getattr(choice, name))
    }
    if "primary" not in faults and contrast(choice.primary, LIGHT) < LEAST_CONTRAST:
        faults["primary"] = _(
            "The title would be hard to read on this colour: the contrast is %(found)s to 1, and"
            " at least 4.5 to 1 is needed. Choose a darker one.",
            found=f"{contrast(choice.primary, LIGHT):.1f}",
        )
    return faults


def require_readable(choice: Choice) -> None:
    """Raise UnprocessableError, naming each colour, where text would be hard to read."""
    faults = colour_faults(choice)
    if faults:
        raise UnprocessableError(
            _("The badge’s colours need another look."), code="badge_colours", fields=faults
        )


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2, contrast ratio)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    def linear(value: int) -> float:
        part = value / 255
        return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(value) for value in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _scaled(colour: str, factor: float) -> str:
    return "#" + "".join(f"{round(value * factor):02x}" for value in _channels(colour))
