"""Kinds of evidence in the reader's words, as badges and pages name them."""

from __future__ import annotations

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

_NAMES = {
    "observation": _l("Classroom observation"),
    "student_work": _l("Student work"),
    "lesson_plan": _l("Lesson plan"),
    "video": _l("Video of teaching"),
    "audio": _l("Audio recording"),
    "reflection": _l("Reflection"),
    "self_assessment": _l("Self-assessment"),
    "data_summary": _l("Summary of data"),
    "link": _l("Link"),
    "other": _l("Other evidence"),
}


def kind_name(kind: str) -> str:
    """The name of an evidence kind; one that is not known here reads as other evidence."""
    return str(_NAMES[kind]) if kind in _NAMES else gettext("Other evidence")
