"""What a lead has chosen on the page, as typed; and the picture that comes of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _

from badges.achievements.document import ImageChoice
from badges.achievements.fields import Fields
from badges.achievements.images import colour_faults, contrast, render_svg
from badges.achievements.images.colours import LIGHT
from badges.achievements.models import AchievementVersion
from badges.achievements.reading import read_image
from badges.achievements.service import micro_credential
from core.errors import UnprocessableError

NAMES = ("template", "primary", "accent", "line1", "line2", "icon")
LEAST_APART = 3.0  # WCAG 2.2, 1.4.11: the filled stones tell the level


@dataclass(frozen=True)
class Typed:
    """The fields of the drawing as they stand in the form."""

    template: str = ""
    primary: str = ""
    accent: str = ""
    line1: str = ""
    line2: str = ""
    icon: str = ""

    @classmethod
    def of(cls, choice: ImageChoice) -> Typed:
        """What is chosen now."""
        first, second = (*choice.lines, "", "")[:2]
        return cls(choice.template, choice.primary, choice.accent, first, second, choice.icon or "")

    @classmethod
    def posted(cls, form: Mapping[str, str]) -> Typed:
        """What was sent; a button with a pair of colours says both."""
        values = {name: form.get(name, "").strip()[:200] for name in NAMES}
        primary, comma, accent = form.get("pair", "").partition(",")
        if comma:
            values.update(primary=primary[:20], accent=accent[:20])
        return cls(**values)

    def read(self) -> tuple[ImageChoice, dict[str, str]]:
        """The choice, and what needs another look, by the form's names."""
        lines = [line for line in (self.line1, self.line2) if line]
        faults: dict[str, Any] = {}
        data = {
            "template": self.template, "primary": self.primary.lower(),
            "accent": self.accent.lower(), "lines": lines, "icon": self.icon or None,
        }  # fmt: skip
        choice = read_image(Fields(data, "", faults))
        faults = {**colour_faults(choice), **faults}
        typed = [name for name in ("line1", "line2") if getattr(self, name)]
        places = {f"lines[{index}]": name for index, name in enumerate(typed)}
        return choice, {places.get(name, name): str(text) for name, text in faults.items()}


@dataclass(frozen=True)
class Shown:
    """A picture for the page: an address for `img`, and what is said of its colours."""

    image: str
    note: str = ""


def shown(typed: Typed, version: AchievementVersion) -> tuple[Shown | None, dict[str, str]]:
    """The badge as it would be, or what keeps it from being drawn, by the form's names."""
    choice, faults = typed.read()
    if faults:
        return None, faults
    made = micro_credential(version)
    try:
        svg = render_svg(choice, made.name, made.level, version.achievement.issuer.name)
    except UnprocessableError as error:
        return None, {"": str(error.message)}
    return Shown(data_address(svg), colour_note(choice)), {}


def thumbnails(typed: Typed, version: AchievementVersion, names: tuple[str, ...]) -> dict[str, str]:
    """Each template in the chosen colours, or in those of the current badge if they are faulty."""
    made = micro_credential(version)
    choice, faults = typed.read()
    base = made.image if faults else choice
    issuer = version.achievement.issuer.name
    return {
        name: data_address(render_svg(replace(base, template=name), made.name, made.level, issuer))
        for name in names
    }


def data_address(svg: str) -> str:
    """A drawing as an address of its own, so that showing it asks the server for nothing."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def colour_note(choice: ImageChoice) -> str:
    """How well the title stands out, and a hint where the two colours are hard to tell apart."""
    found = f"{contrast(choice.primary, LIGHT):.1f}"
    note = _("The title stands out at %(found)s to 1; at least 4.5 to 1 is needed.", found=found)
    if contrast(choice.primary, choice.accent) < LEAST_APART:
        note += " " + _(
            "The two colours are close to each other: the filled stones, which tell the level,"
            " will be hard to see."
        )
    return str(note)
