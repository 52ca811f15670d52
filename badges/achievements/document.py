"""The document of a micro-credential: what it asks, how it is judged, how its badge looks.

Pure values, versioned as a whole. `MicroCredential.from_dict` reads and checks the JSON form and
lists every fault; `to_dict` writes it; `sha256` is over the canonical form (RFC 8785 style: sorted
names, no spaces, UTF-8), which is what a version pins.

Members that came later (`ADDED`) are written only where they say something, and the form is then
called schema 2: what was published before keeps its bytes, and with them its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from badges.openbadges.shape_tables import ENUMERATIONS

SCHEMA, SCHEMA_WITH_ADDED = 1, 2
ADDED = {"added": True}

CredentialLevel = Literal["foundational", "practitioner", "advanced", "leadership"]
EvidenceKind = Literal[
    "observation",
    "student_work",
    "lesson_plan",
    "video",
    "audio",
    "reflection",
    "self_assessment",
    "data_summary",
    "link",
    "other",
]
ReviewerKind = Literal["peer", "coach"]
Blindness = Literal["open", "single", "double"]

LEVELS: tuple[CredentialLevel, ...] = get_args(CredentialLevel)
EVIDENCE_KINDS: tuple[EvidenceKind, ...] = get_args(EvidenceKind)
REVIEWER_KINDS: tuple[ReviewerKind, ...] = get_args(ReviewerKind)
BLINDNESS: tuple[Blindness, ...] = get_args(Blindness)
TEMPLATES = ("milestone", "compass", "lantern", "summit", "dialogue", "grove")
ICONS = (
    "book", "speech", "bulb", "sprout", "star", "heart", "people", "puzzle", "lens", "chart",
    "pencil", "checklist", "globe", "clock", "key", "signpost", "laptop", "flask", "music",
    "palette", "eye", "bridge", "school", "shield",
)  # fmt: skip
WRITTEN_KINDS = frozenset({"reflection", "self_assessment"})

# The rubric has result types of its own.
RESULT_TYPES = ENUMERATIONS["resultType"] - {
    "RubricCriterion", "RubricCriterionLevel", "RubricScore",
}  # fmt: skip
RESULT_STATUSES = ENUMERATIONS["status"]


@dataclass(frozen=True)
class Citation:
    """A piece of research behind the method; `url` may be absent."""

    title: str
    url: str | None = None


@dataclass(frozen=True)
class EvidenceAsked:
    """One kind of evidence that is asked for.

    `minimum` and `maximum` count pieces (files or links), or words where the kind is written in
    the page (`counts_words`).
    """

    id: str
    kind: str
    title: str
    help: str
    minimum: int
    maximum: int
    required: bool = True

    @property
    def counts_words(self) -> bool:
        """Whether the bounds are numbers of words."""
        return self.kind in WRITTEN_KINDS


@dataclass(frozen=True)
class Level:
    """One level of a criterion, with its descriptor; low to high by position."""

    id: str
    name: str
    description: str
    points: str | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True)
class Alignment:
    """A standard that something here answers to (Open Badges 3.0, class Alignment).

    `target_type` is one that the standard lists or an `ext:` term; CASE items are `CFItem`.
    """

    name: str
    url: str
    code: str | None = None
    framework: str | None = None
    description: str | None = field(default=None, metadata=ADDED)
    target_type: str | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True)
class Criterion:
    """One line of the rubric. `required_level` counts from 1 over `levels`."""

    id: str
    name: str
    description: str
    required_level: int
    levels: tuple[Level, ...]
    alignment: tuple[Alignment, ...] = field(default=(), metadata=ADDED)

    def level(self, number: int) -> Level:
        """The level with this number, from 1. Raises IndexError outside."""
        if not 1 <= number <= len(self.levels):
            raise IndexError(f"criterion {self.id} has levels 1 to {len(self.levels)}")
        return self.levels[number - 1]


@dataclass(frozen=True)
class Rubric:
    """Criteria by levels."""

    criteria: tuple[Criterion, ...]

    def criterion(self, criterion_id: str) -> Criterion:
        """The criterion with this id. Raises KeyError."""
        for criterion in self.criteria:
            if criterion.id == criterion_id:
                return criterion
        raise KeyError(criterion_id)

    @property
    def required(self) -> dict[str, int]:
        """The level each criterion asks for, by criterion id."""
        return {criterion.id: criterion.required_level for criterion in self.criteria}


@dataclass(frozen=True)
class ReviewPolicy:
    """Who reviews, how many of them, and who sees whose name."""

    kind: str
    k: int
    blindness: str


@dataclass(frozen=True)
class ImageChoice:
    """The badge's drawing: a template, two colours (#rrggbb), and up to two lines of title.

    Without `lines` the title is broken by the renderer, without `icon` (one of ICONS) the template
    shows its own scene. `upload` is the SHA-256 of a picture of
    one's own, which then stands instead of the drawing.
    """

    template: str
    primary: str
    accent: str
    lines: tuple[str, ...] = ()
    upload: str | None = field(default=None, metadata=ADDED)
    icon: str | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True)
class ResultAsked:
    """A result beside the rubric that the badge may tell (class ResultDescription).

    `type` is one of RESULT_TYPES. Bounds are numbers as text; `allowed` goes from low to high.
    """

    id: str
    name: str
    type: str
    allowed: tuple[str, ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    required: str | None = None


@dataclass(frozen=True)
class RelatedAchievement:
    """Another achievement that this one relates to, by its address (class Related)."""

    url: str
    language: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class Identifier:
    """What another system calls this (class IdentifierEntry); `type` as the standard lists them."""

    identifier: str
    type: str


@dataclass(frozen=True)
class MicroCredential:
    """The whole document. `minutes` is the expected work; `validity` an ISO 8601 period or None.

    `achievement_type` is one that the standard lists or an `ext:` term, `credits` a number as
    text, `language` a tag such as `en` or `de-AT` (BCP 47).
    """

    name: str
    competency: str
    description: str
    method: str
    research: tuple[Citation, ...]
    minutes: int
    level: str
    evidence_asked: tuple[EvidenceAsked, ...]
    rubric: Rubric
    review: ReviewPolicy
    image: ImageChoice
    criteria_narrative: str
    tags: tuple[str, ...] = ()
    alignment: tuple[Alignment, ...] = ()
    validity: str | None = None
    achievement_type: str = field(default="MicroCredential", metadata=ADDED)
    credits: str | None = field(default=None, metadata=ADDED)
    language: str | None = field(default=None, metadata=ADDED)
    field_of_study: str | None = field(default=None, metadata=ADDED)
    specialization: str | None = field(default=None, metadata=ADDED)
    human_code: str | None = field(default=None, metadata=ADDED)
    related: tuple[RelatedAchievement, ...] = field(default=(), metadata=ADDED)
    identifiers: tuple[Identifier, ...] = field(default=(), metadata=ADDED)
    results: tuple[ResultAsked, ...] = field(default=(), metadata=ADDED)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MicroCredential:
        """Read and check the JSON form.

        Raises UnprocessableError whose `fields` maps every faulty place, such as
        `rubric.criteria[0].levels`, to a sentence.
        """
        from badges.achievements.reading import read_micro_credential

        return read_micro_credential(data)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: dicts, lists, strings and numbers; absent optional members are null."""
        written = _Written()
        body = written.of(self)
        return {"schema": SCHEMA_WITH_ADDED if written.added else SCHEMA, **body}

    @cached_property
    def canonical(self) -> bytes:
        """The canonical JSON that `sha256` is over."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(self.canonical).hexdigest()

    def evidence(self, evidence_id: str) -> EvidenceAsked:
        """The evidence asked for under this id. Raises KeyError."""
        for asked in self.evidence_asked:
            if asked.id == evidence_id:
                return asked
        raise KeyError(evidence_id)


class _Written:
    """Turns values into JSON, and knows afterwards whether a later member was among them."""

    def __init__(self) -> None:
        self.added = False

    def of(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return [self.of(item) for item in value]
        if not is_dataclass(value):
            return value
        body: dict[str, Any] = {}
        for member in fields(value):
            given = getattr(value, member.name)
            if member.metadata.get("added"):
                if given == member.default:
                    continue
                self.added = True
            body[member.name] = self.of(given)
        return body
