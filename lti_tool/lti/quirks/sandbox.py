"""The practice LMS: the standards to the letter, and Moodle's care for progress states."""

from __future__ import annotations

from lti_tool.lti.quirks.kinds import Quirks

QUIRKS = Quirks()
