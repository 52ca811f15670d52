"""An LMS that nobody has described: the standards, on the careful side."""

from __future__ import annotations

from lti_tool.lti.quirks.kinds import Quirks
from lti_tool.lti.quirks.links import mended_link_header

QUIRKS = Quirks(link_header=mended_link_header)
