"""Moodle, observed on 4.5.

Any progress but FullyGraded with a number wipes grade and comment. A locked or overridden grade
answers 200 and stays as it was. Names come HTML-encoded, paging links with curly quotation marks
and `&amp;`, and forget the role filter. A non-editing teacher launches as Instructor and is a
Learner on the roster.
"""

from __future__ import annotations

import html

from lti_tool.lti.quirks.kinds import Quirks
from lti_tool.lti.quirks.links import mended_link_header

QUIRKS = Quirks(
    reads_back=True,
    roster_roles_count=False,
    keeps_role_filter=False,
    text=html.unescape,
    link_header=mended_link_header,
    hints={
        400: "Moodle takes grades only for people who are enrolled in the course as students.",
        404: "The activity or its grade item may have been deleted in Moodle.",
        500: "Moodle answers so where the grade item is locked; unlock it in the gradebook setup.",
    },
)
