"""From JSON to a `MicroCredential`, strictly: every fault by its place, unknown fields refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from badges.achievements.document import (
    BLINDNESS,
    EVIDENCE_KINDS,
    ICONS,
    LEVELS,
    RESULT_STATUSES,
    RESULT_TYPES,
    REVIEWER_KINDS,
    SCHEMA,
    SCHEMA_WITH_ADDED,
    TEMPLATES,
    WRITTEN_KINDS,
    Alignment,
    Citation,
    Criterion,
    EvidenceAsked,
    Identifier,
    ImageChoice,
    Level,
    MicroCredential,
    RelatedAchievement,
    ResultAsked,
    ReviewPolicy,
    Rubric,
)
from badges.achievements.fields import Fields, is_number
from badges.period import Period
from core import plain_text
from core.errors import UnprocessableError

NAME_LIMIT = 120
MOST_PIECES, MOST_WORDS = 50, 20_000
MOST_MINUTES = 60 * 1000
MOST_ALIGNMENTS, MOST_RESULTS = 30, 10


def read_micro_credential(data: Mapping[str, Any]) -> MicroCredential:
    """See `MicroCredential.from_dict`."""
    faults: dict[str, Any] = {}
    fields = Fields(data, "", faults)
    fields.whole("schema", SCHEMA, SCHEMA_WITH_ADDED, default=SCHEMA)
    value = MicroCredential(
        name=fields.text("name", NAME_LIMIT),
        competency=fields.text("competency", 500, one_line=False),
        description=fields.text("description", 2000, one_line=False),
        method=fields.text("method", 6000, one_line=False),
        research=tuple(_citation(item) for item in fields.objects("research", 0, 20)),
        minutes=fields.whole("minutes", 1, MOST_MINUTES),
        level=fields.choice("level", LEVELS),
        evidence_asked=_evidence_asked(fields),
        rubric=_rubric(fields.object("rubric")),
        review=_review(fields.object("review")),
        image=read_image(fields.object("image")),
        criteria_narrative=fields.text("criteria_narrative", 4000, one_line=False),
        tags=_tags(fields),
        alignment=_alignments(fields, MOST_ALIGNMENTS),
        validity=_validity(fields),
        achievement_type=fields.term("achievement_type", "achievementType", "MicroCredential")
        or "MicroCredential",
        credits=_credits(fields),
        language=fields.language("language"),
        field_of_study=fields.optional_text("field_of_study", 120),
        specialization=fields.optional_text("specialization", 120),
        human_code=fields.optional_text("human_code", 80),
        related=tuple(_related(item) for item in fields.objects("related", 0, 20)),
        identifiers=tuple(read_identifier(item) for item in fields.objects("identifiers", 0, 10)),
        results=_results(fields),
    )
    fields.finish()
    if faults:
        raise UnprocessableError(
            _(
                "This micro-credential cannot be saved as it is."
                " Each place that needs a change is named."
            ),
            code="micro_credential_invalid",
            fields=faults,
        )
    return value


def _citation(fields: Fields) -> Citation:
    citation = Citation(fields.text("title", 500), fields.url("url", required=False))
    fields.finish()
    return citation


def _evidence_asked(fields: Fields) -> tuple[EvidenceAsked, ...]:
    asked = [_evidence(item) for item in fields.objects("evidence_asked", 1, 12)]
    fields.distinct("evidence_asked", [item.id for item in asked])
    if asked and not any(item.required for item in asked):
        fields.fault("evidence_asked", _("At least one kind of evidence must be required."))
    return tuple(asked)


def _evidence(fields: Fields) -> EvidenceAsked:
    kind = fields.choice("kind", EVIDENCE_KINDS)
    most = MOST_WORDS if kind in WRITTEN_KINDS else MOST_PIECES
    required = fields.flag("required", True)
    minimum = fields.whole("minimum", 1 if required else 0, most, default=1)
    maximum = fields.whole("maximum", 1, most, default=max(minimum, 1))
    if maximum < minimum:
        fields.fault("maximum", _("The most must not be less than the least."))
    asked = EvidenceAsked(
        id=fields.identifier(),
        kind=kind,
        title=fields.text("title", 120),
        help=fields.text("help", 1000, required=False, one_line=False),
        minimum=minimum,
        maximum=maximum,
        required=required,
    )
    fields.finish()
    return asked


def _rubric(fields: Fields) -> Rubric:
    criteria = tuple(_criterion(item) for item in fields.objects("criteria", 1, 12))
    fields.distinct("criteria", [criterion.id for criterion in criteria])
    fields.finish()
    return Rubric(criteria)


def _criterion(fields: Fields) -> Criterion:
    levels = tuple(_level(item) for item in fields.objects("levels", 2, 8))
    fields.distinct("levels", [level.id for level in levels])
    criterion = Criterion(
        id=fields.identifier(),
        name=fields.text("name", 120),
        description=fields.text("description", 1000, required=False, one_line=False),
        required_level=fields.whole("required_level", 1, max(len(levels), 1)),
        levels=levels,
        alignment=_alignments(fields, 10),
    )
    fields.finish()
    return criterion


def _level(fields: Fields) -> Level:
    level = Level(
        fields.identifier(),
        fields.text("name", 80),
        fields.text("description", 1000, one_line=False),
        fields.number_text("points"),
    )
    fields.finish()
    return level


def _review(fields: Fields) -> ReviewPolicy:
    policy = ReviewPolicy(
        fields.choice("kind", REVIEWER_KINDS),
        fields.whole("k", 1, 9),
        fields.choice("blindness", BLINDNESS),
    )
    fields.finish()
    return policy


def read_image(fields: Fields) -> ImageChoice:
    """How the badge looks, on its own."""
    lines = []
    for index, line in enumerate(fields.items("lines", 0, 2)):
        fault = _("A line must be 1 to 40 characters of text.")
        if isinstance(line, str) and 0 < len(line.strip()) <= 40:
            fault = plain_text.line_fault(line.strip(), 40)
        if fault is None:
            lines.append(line.strip())
        else:
            fields.fault(f"lines[{index}]", fault)
    image = ImageChoice(
        fields.choice("template", TEMPLATES),
        fields.colour("primary"),
        fields.colour("accent"),
        tuple(lines),
        fields.digest("upload"),
        fields.choice("icon", ICONS) if fields.raw("icon") is not None else None,
    )
    fields.finish()
    return image


def _tags(fields: Fields) -> tuple[str, ...]:
    tags: list[str] = []
    for index, tag in enumerate(fields.items("tags", 0, 20)):
        if not isinstance(tag, str) or not 0 < len(tag.strip()) <= 60 or not _shows(tag):
            fields.fault(f"tags[{index}]", _("A tag must be 1 to 60 characters of text."))
        elif tag.strip() not in tags:
            tags.append(tag.strip())
    return tuple(tags)


def _shows(text: str) -> bool:
    return plain_text.is_line(text) and not plain_text.turns(text)


def _alignments(fields: Fields, most: int) -> tuple[Alignment, ...]:
    return tuple(_alignment(item) for item in fields.objects("alignment", 0, most))


def _alignment(fields: Fields) -> Alignment:
    alignment = Alignment(
        name=fields.text("name", 200),
        url=fields.url("url", required=True) or "",
        code=fields.optional_text("code", 80),
        framework=fields.optional_text("framework", 200),
        description=fields.text("description", 2000, required=False, one_line=False) or None,
        target_type=fields.term("target_type", "targetType"),
    )
    fields.finish()
    return alignment


def _credits(fields: Fields) -> str | None:
    value = fields.number_text("credits")
    if value is not None and not 0 < float(value) <= 1000:
        fields.fault("credits", _("This must be a number of credits above 0, at most 1,000."))
    return value


def _related(fields: Fields) -> RelatedAchievement:
    related = RelatedAchievement(
        fields.url("url", required=True) or "",
        fields.language("language"),
        fields.optional_text("version", 40),
    )
    fields.finish()
    return related


def read_identifier(fields: Fields) -> Identifier:
    """What another system calls it, of a micro-credential or an issuer."""
    identifier = Identifier(
        fields.text("identifier", 300), fields.term("type", "identifierType", "identifier") or ""
    )
    fields.finish()
    return identifier


def _results(fields: Fields) -> tuple[ResultAsked, ...]:
    results = [_result(item) for item in fields.objects("results", 0, MOST_RESULTS)]
    fields.distinct("results", [result.id for result in results])
    taken = fields.data.get("rubric")
    criteria = taken.get("criteria") if isinstance(taken, Mapping) else None
    known = [item.get("id") for item in criteria or [] if isinstance(item, Mapping)]
    for index, result in enumerate(results):
        if result.id in known:
            # Both become fragments of one address.
            fields.fault(f"results[{index}].id", _("A line of the rubric has this name already."))
    return tuple(results)


def _result(fields: Fields) -> ResultAsked:
    result = ResultAsked(
        id=fields.identifier(),
        name=fields.text("name", 120),
        type=fields.choice("type", sorted(RESULT_TYPES)),
        allowed=_allowed(fields),
        minimum=fields.number_text("minimum"),
        maximum=fields.number_text("maximum"),
        required=fields.optional_text("required", 60),
    )
    low, high = result.minimum, result.maximum
    if low is not None and high is not None and float(low) >= float(high):
        fields.fault("maximum", _("The most must be more than the least."))
    if result.required is not None and result_fault(result, result.required):
        fields.fault("required", result_fault(result, result.required))
    fields.finish()
    return result


def _allowed(fields: Fields) -> tuple[str, ...]:
    allowed: list[str] = []
    for index, value in enumerate(fields.items("allowed", 0, 30)):
        if not isinstance(value, str) or not 0 < len(value.strip()) <= 60 or not _shows(value):
            fields.fault(f"allowed[{index}]", _("A value must be 1 to 60 characters of text."))
        elif value.strip() not in allowed:
            allowed.append(value.strip())
    return tuple(allowed)


def result_fault(result: ResultAsked, value: str) -> Any:
    """Why `value` is no value of `result`, in words; None where it is one."""
    if result.type == "Status":
        if value not in RESULT_STATUSES:
            return _(
                "This must be one of: %(choices)s.", choices=", ".join(sorted(RESULT_STATUSES))
            )
        return None
    if result.allowed:
        if value not in result.allowed:
            return _("This must be one of: %(choices)s.", choices=", ".join(result.allowed))
        return None
    if result.minimum is None and result.maximum is None:
        return None if 0 < len(value) <= 60 else _("A value must be 1 to 60 characters of text.")
    if not is_number(value):
        return _("This must be a number such as 3 or 1.5.")
    below = result.minimum is not None and float(value) < float(result.minimum)
    above = result.maximum is not None and float(value) > float(result.maximum)
    return _("This lies outside what the result allows.") if below or above else None


def _validity(fields: Fields) -> str | None:
    text = fields.optional_text("validity", 20)
    if text is None:
        return None
    try:
        return str(Period.parse(text))
    except ValueError:
        fields.fault("validity", _("This must be a period such as P3Y (three years) or P18M."))
        return text
