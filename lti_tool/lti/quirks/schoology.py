"""Schoology: pages of at most 100 people, and scores as the standard has them."""

from __future__ import annotations

from lti_tool.lti.quirks.kinds import Quirks
from lti_tool.lti.quirks.links import mended_link_header

QUIRKS = Quirks(
    comments_in_results=False,
    link_header=mended_link_header,
    hints={
        400: "Schoology takes grades only for students of the course.",
        404: "The grade item may have been deleted in Schoology.",
    },
)
