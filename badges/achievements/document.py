"""The document of a micro-credential: what it asks, how it is judged, how its badge looks.

Pure values, versioned as a whole. `MicroCredential.from_dict` reads and checks the JSON form and
lists every fault; `to_dict` writes it; `sha256` is over the canonical form (RFC 8785 style: sorted
names, no spaces, UTF-8), which is what a version pins.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, get_args

SCHEMA = 1

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
WRITTEN_KINDS = frozenset({"reflection", "self_assessment"})


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


@dataclass(frozen=True)
class Criterion:
    """One line of the rubric. `required_level` counts from 1 over `levels`."""

    id: str
    name: str
    description: str
    required_level: int
    levels: tuple[Level, ...]

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

    Without `lines` the title is broken by the renderer.
    """

    template: str
    primary: str
    accent: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alignment:
    """A standard that the achievement answers to (Open Badges 3.0, class Alignment)."""

    name: str
    url: str
    code: str | None = None
    framework: str | None = None


@dataclass(frozen=True)
class MicroCredential:
    """The whole document. `minutes` is the expected work; `validity` an ISO 8601 period or None."""

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
        return {"schema": SCHEMA, **json.loads(json.dumps(asdict(self)))}

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
