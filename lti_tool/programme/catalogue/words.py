"""What the standard's short names are called on a lead's pages."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l

from badges.achievements.document import EVIDENCE_KINDS
from badges.achievements.models import Framework
from badges.awards.kinds import kind_name
from badges.period import Period
from badges.public.words import level_word

Options = list[tuple[str, str]]

_ACHIEVEMENT_TYPES = {
    "MicroCredential": _l("Micro-credential"),
    "Badge": _l("Badge"),
    "Certificate": _l("Certificate"),
    "CertificateOfCompletion": _l("Certificate of completion"),
    "Certification": _l("Certification"),
    "Competency": _l("Competency"),
    "Course": _l("Course"),
    "Achievement": _l("Achievement"),
    "Assessment": _l("Assessment"),
    "Assignment": _l("Assignment"),
    "Award": _l("Award"),
    "CoCurricular": _l("Co-curricular activity"),
    "CommunityService": _l("Community service"),
    "Diploma": _l("Diploma"),
    "Fieldwork": _l("Fieldwork"),
    "LearningProgram": _l("Learning programme"),
    "License": _l("Licence"),
    "Membership": _l("Membership"),
}
_RESULT_TYPES = {
    "Status": _l("Completed or not"),
    "RawScore": _l("Points"),
    "Percent": _l("Percentage"),
    "LetterGrade": _l("Grade"),
    "GradePointAverage": _l("Grade average"),
    "PerformanceLevel": _l("Level of performance"),
    "ScaledScore": _l("Scaled score"),
    "PredictedScore": _l("Predicted score"),
    "Result": _l("Another result"),
}
_TARGET_TYPES = {
    "": _l("A page about a standard"),
    "CFItem": _l("An item of a framework (CASE)"),
    "CFRubric": _l("A rubric (CASE)"),
    "CFRubricCriterion": _l("A line of a rubric (CASE)"),
    "CFRubricCriterionLevel": _l("A level of a rubric line (CASE)"),
    "ceasn:Competency": _l("A competency (CTDL-ASN)"),
    "ceterms:Credential": _l("A credential (CTDL)"),
    "CTDL": _l("Something else described in CTDL"),
}
_IDENTIFIER_TYPES = {
    "identifier": _l("An identifier"),
    "name": _l("A name"),
    "sourcedId": _l("Sourced id"),
    "systemId": _l("Id in another system"),
    "sisSourcedId": _l("Id in the student information system"),
    "oneRosterSourcedId": _l("OneRoster id"),
    "nationalIdentityNumber": _l("National number"),
    "productId": _l("Product number"),
    "accountId": _l("Account number"),
    "isbn": _l("ISBN"),
    "issn": _l("ISSN"),
}
_BLINDNESS = {
    "open": _l("Everybody sees every name"),
    "single": _l("Reviewers see the author’s name, not the other way round"),
    "double": _l("Nobody sees a name"),
}
_REVIEWERS = {"peer": _l("Colleagues"), "coach": _l("Coaches")}


def _options(words: dict[str, object], given: str) -> Options:
    """The choices that people meet; one of the standard's rarer words only where it was chosen."""
    found = [(value, str(label)) for value, label in words.items()]
    return found if given in words or not given else [*found, (given, given)]


def achievement_type(value: str) -> str:
    """What an achievement type is called."""
    return str(_ACHIEVEMENT_TYPES.get(value, value))


def achievement_types(given: str) -> Options:
    """For a choice of the achievement's type."""
    return _options({**_ACHIEVEMENT_TYPES}, given)


def result_type(value: str) -> str:
    """What a result's type is called."""
    return str(_RESULT_TYPES.get(value, value))


# What a badge can tell without somebody typing a value for each of its holders.
_TOLD_ALONE = ("RawScore", "Percent", "Status")


def result_types(given: str) -> Options:
    """For a choice of a result's type: those that tell themselves, and what was chosen before."""
    kinds = [*_TOLD_ALONE, *(() if given in _TOLD_ALONE or not given else (given,))]
    return [(kind, result_type(kind)) for kind in kinds]


def target_type(value: str | None) -> str:
    """What an alignment points at."""
    return str(_TARGET_TYPES.get(value or "", value))


def target_types(given: str) -> Options:
    """For a choice of what an alignment points at."""
    return _options({**_TARGET_TYPES}, given)


def identifier_type(value: str) -> str:
    """What an identifier's type is called."""
    return str(_IDENTIFIER_TYPES.get(value, value))


def identifier_types(given: str) -> Options:
    """For a choice of an identifier's type."""
    return _options({**_IDENTIFIER_TYPES}, given or "identifier")


def blindness(value: str) -> str:
    """Who sees whose name."""
    return str(_BLINDNESS.get(value, value))


def blindnesses() -> Options:
    """For a choice of who sees whose name."""
    return _options({**_BLINDNESS}, "")


def reviewers(value: str) -> str:
    """Who reviews."""
    return str(_REVIEWERS.get(value, value))


def reviewer_kinds() -> Options:
    """For a choice of who reviews."""
    return _options({**_REVIEWERS}, "")


def levels() -> Options:
    """For a choice of the level."""
    known = ("foundational", "practitioner", "advanced", "leadership")
    return [(level, level_word(level)) for level in known]


def evidence_kinds() -> Options:
    """For a choice of the kind of evidence."""
    return [(kind, kind_name(kind)) for kind in EVIDENCE_KINDS]


_TEMPLATES = {
    "milestone": _l("Milestone"),
    "compass": _l("Compass"),
    "lantern": _l("Lantern"),
    "summit": _l("Summit"),
    "dialogue": _l("Dialogue"),
    "grove": _l("Grove"),
}


def templates() -> Options:
    """For a choice of the badge's drawing."""
    return _options({**_TEMPLATES}, "")


def framework_options(frameworks: Iterable[Framework]) -> Options:
    """For a choice of a framework of standards."""
    return [(str(one.id), one.title) for one in frameworks]


_PERIODS = {
    "": _l("For ever"),
    "P1Y": _l("One year"),
    "P18M": _l("18 months"),
    "P2Y": _l("Two years"),
    "P3Y": _l("Three years"),
    "P4Y": _l("Four years"),
    "P5Y": _l("Five years"),
    "P10Y": _l("Ten years"),
}


def period(value: str | None) -> str:
    """How long a badge holds."""
    return str(_PERIODS.get(_same(value or ""), value))


def periods(given: str) -> Options:
    """For a choice of how long a badge holds; a period of one's own stays as it is written."""
    same = _same(given)
    return _options({**_PERIODS}, given) if same == given else [
        (given if value == same else value, str(label)) for value, label in _PERIODS.items()
    ]  # fmt: skip


def _same(value: str) -> str:
    """The period of the list that is as long as `value`: `P1Y6M` is `P18M`."""
    try:
        wanted = Period.parse(value)
    except ValueError:
        return value
    return next((own for own in _PERIODS if own and Period.parse(own) == wanted), value)
