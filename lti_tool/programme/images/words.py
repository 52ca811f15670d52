"""What templates, icons and pairs of colours are called."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _l

TEMPLATES: Final[dict[str, object]] = {
    "milestone": _l("Milestone"),
    "compass": _l("Compass"),
    "lantern": _l("Lantern"),
    "summit": _l("Summit"),
    "dialogue": _l("Dialogue"),
    "grove": _l("Grove"),
}
ICONS: Final[dict[str, object]] = {
    "book": _l("Book"),
    "speech": _l("Conversation"),
    "bulb": _l("Idea"),
    "sprout": _l("Growth"),
    "star": _l("Star"),
    "heart": _l("Heart"),
    "people": _l("People"),
    "puzzle": _l("Puzzle"),
    "lens": _l("Magnifying glass"),
    "chart": _l("Chart"),
    "pencil": _l("Pencil"),
    "checklist": _l("Checklist"),
    "globe": _l("Globe"),
    "clock": _l("Clock"),
    "key": _l("Door key"),
    "signpost": _l("Signpost"),
    "laptop": _l("Laptop"),
    "flask": _l("Experiment"),
    "music": _l("Music"),
    "palette": _l("Palette"),
    "eye": _l("Eye"),
    "bridge": _l("Bridge"),
    "school": _l("School"),
    "shield": _l("Shield"),
}
# Main colour and second colour; every pair is readable and told apart easily.
PAIRS: Final[tuple[tuple[object, str, str], ...]] = (
    (_l("Lake and sun"), "#0f5a63", "#f3b61f"),
    (_l("Night and copper"), "#2f3f7c", "#f08a4b"),
    (_l("Berry and gold"), "#7a2e4f", "#f5c451"),
    (_l("Clay and honey"), "#8a3b22", "#f2c14e"),
    (_l("Plum and mint"), "#5b2f7a", "#6fd0b5"),
    (_l("Forest and maize"), "#2f6b45", "#f2c14e"),
    (_l("Slate and sky"), "#34424d", "#8fc7e8"),
    (_l("Ink and rose"), "#26263f", "#f09aa8"),
)
