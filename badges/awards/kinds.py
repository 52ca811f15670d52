"""Kinds of evidence in the reader's words, as badges and pages name them."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

_NAMES = {
    "observation": lazy_gettext("Classroom observation"),
    "student_work": lazy_gettext("Student work"),
    "lesson_plan": lazy_gettext("Lesson plan"),
    "video": lazy_gettext("Video of teaching"),
    "audio": lazy_gettext("Audio recording"),
    "reflection": lazy_gettext("Reflection"),
    "self_assessment": lazy_gettext("Self-assessment"),
    "data_summary": lazy_gettext("Summary of data"),
    "link": lazy_gettext("Link"),
    "other": lazy_gettext("Other evidence"),
}


def kind_name(kind: str) -> str:
    """The name of an evidence kind; one that is not known here reads as other evidence."""
    return str(_NAMES[kind]) if kind in _NAMES else gettext("Other evidence")
