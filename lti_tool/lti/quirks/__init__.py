"""What each LMS does in its own way, one module each; `quirks_of` chooses by a platform's family.

Services ask these for what differs and hold no condition on a family themselves.
"""

from __future__ import annotations

from typing import Final

from lti_tool.lti.quirks import canvas, generic, moodle, sandbox, schoology
from lti_tool.lti.quirks.kinds import Quirks

_BY_FAMILY: Final = {
    "moodle": moodle.QUIRKS,
    "canvas": canvas.QUIRKS,
    "schoology": schoology.QUIRKS,
    "sandbox": sandbox.QUIRKS,
}


def quirks_of(family: str) -> Quirks:
    """The ways of the LMS family; those of the standard for one that nobody has described."""
    return _BY_FAMILY.get(family, generic.QUIRKS)


__all__ = ["Quirks", "quirks_of"]
