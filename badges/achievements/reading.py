"""From JSON to a `MicroCredential`, strictly: every fault by its place, unknown fields refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from badges.achievements.document import (
    BLINDNESS,
    EVIDENCE_KINDS,
    LEVELS,
    REVIEWER_KINDS,
    SCHEMA,
    TEMPLATES,
    WRITTEN_KINDS,
    Alignment,
    Citation,
    Criterion,
    EvidenceAsked,
    ImageChoice,
    Level,
    MicroCredential,
    ReviewPolicy,
    Rubric,
)
from badges.achievements.fields import Fields
from badges.period import Period
from core.errors import UnprocessableError

MOST_PIECES, MOST_WORDS = 50, 20_000
MOST_MINUTES = 60 * 1000


def read_micro_credential(data: Mapping[str, Any]) -> MicroCredential:
    """See `MicroCredential.from_dict`."""
    faults: dict[str, Any] = {}
    fields = Fields(data, "", faults)
    fields.whole("schema", SCHEMA, SCHEMA, default=SCHEMA)
    value = MicroCredential(
        name=fields.text("name", 120),
        competency=fields.text("competency", 500, one_line=False),
        description=fields.text("description", 2000, one_line=False),
        method=fields.text("method", 6000, one_line=False),
        research=tuple(_citation(item) for item in fields.objects("research", 0, 20)),
        minutes=fields.whole("minutes", 1, MOST_MINUTES),
        level=fields.choice("level", LEVELS),
        evidence_asked=_evidence_asked(fields),
        rubric=_rubric(fields.object("rubric")),
        review=_review(fields.object("review")),
        image=_image(fields.object("image")),
        criteria_narrative=fields.text("criteria_narrative", 4000, one_line=False),
        tags=_tags(fields),
        alignment=tuple(_alignment(item) for item in fields.objects("alignment", 0, 30)),
        validity=_validity(fields),
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
    )
    fields.finish()
    return criterion


def _level(fields: Fields) -> Level:
    level = Level(
        fields.identifier(),
        fields.text("name", 80),
        fields.text("description", 1000, one_line=False),
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


def _image(fields: Fields) -> ImageChoice:
    lines = []
    for index, line in enumerate(fields.items("lines", 0, 2)):
        if isinstance(line, str) and 0 < len(line.strip()) <= 40 and line.isprintable():
            lines.append(line.strip())
        else:
            fields.fault(f"lines[{index}]", _("A line must be 1 to 40 characters of text."))
    image = ImageChoice(
        fields.choice("template", TEMPLATES),
        fields.colour("primary"),
        fields.colour("accent"),
        tuple(lines),
    )
    fields.finish()
    return image


def _tags(fields: Fields) -> tuple[str, ...]:
    tags: list[str] = []
    for index, tag in enumerate(fields.items("tags", 0, 20)):
        if not isinstance(tag, str) or not 0 < len(tag.strip()) <= 60 or not tag.isprintable():
            fields.fault(f"tags[{index}]", _("A tag must be 1 to 60 characters of text."))
        elif tag.strip() not in tags:
            tags.append(tag.strip())
    return tuple(tags)


def _alignment(fields: Fields) -> Alignment:
    alignment = Alignment(
        name=fields.text("name", 200),
        url=fields.url("url", required=True) or "",
        code=fields.optional_text("code", 80),
        framework=fields.optional_text("framework", 200),
    )
    fields.finish()
    return alignment


def _validity(fields: Fields) -> str | None:
    text = fields.optional_text("validity", 20)
    if text is None:
        return None
    try:
        return str(Period.parse(text))
    except ValueError:
        fields.fault("validity", _("This must be a period such as P3Y (three years) or P18M."))
        return text
