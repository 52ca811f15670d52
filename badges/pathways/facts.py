"""The typed facts a pathway's rule reads: one frozen dataclass per kind, and their JSON form.

A fact is unique by (source, source id, revision). A higher revision of the same source id
supersedes the lower ones; a `withdrawn` revision takes the fact back. Facts are values: what
stores them is another module's work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import ClassVar, Literal, get_args

from badges.pathways.faults import FactError, Fault
from badges.pathways.fields import is_whole

SHA256 = re.compile(r"[0-9a-f]{64}")
FACT_SCHEMA = 1

FactKey = tuple[str, str, int]
Outcome = Literal["met", "not_yet"]
ReviewRole = Literal["peer", "coach", "adjudicator"]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
REVIEW_ROLES: tuple[ReviewRole, ...] = get_args(ReviewRole)
REVIEWING = "review"


@dataclass(frozen=True, slots=True)
class Fact:
    """What every fact has.

    `source` names what recorded it, `source_id` the thing there that can be decided again,
    `revision` counts from 0, `at` is when it happened (aware).
    """

    kind: ClassVar[str] = ""

    source: str
    source_id: str
    revision: int
    at: datetime
    withdrawn: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        _require_text(self, "source", "source_id")
        _require_whole(self, "revision")
        _require_aware(self, "at")

    @property
    def key(self) -> FactKey:
        """What makes the fact unique."""
        return (self.source, self.source_id, self.revision)

    @property
    def moment(self) -> datetime:
        """When the fact happened, for elapsed-time rules."""
        return self.at

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form; `fact_json.from_dict` reads it back."""
        head: dict[str, object] = {
            "schema": FACT_SCHEMA,
            "kind": self.kind,
            "source": self.source,
            "source_id": self.source_id,
            "revision": self.revision,
            "at": _iso(self.at),
        }
        if self.withdrawn:
            head["withdrawn"] = True
        return head | self._body()

    def _body(self) -> dict[str, object]:
        raise TypeError("a fact has a kind: use one of the classes below")


@dataclass(frozen=True, slots=True)
class ReviewRef:
    """One review behind a decision. `reviewer` is an opaque id; `role` is the reviewer's part."""

    review_id: str
    reviewer: str
    role: ReviewRole
    independent: bool

    def __post_init__(self) -> None:
        _require_text(self, "review_id", "reviewer")
        if self.role not in REVIEW_ROLES:
            raise _error("role", "not_allowed", f"must be one of {', '.join(REVIEW_ROLES)}")


@dataclass(frozen=True, slots=True)
class DecisionFact(Fact):
    """A decision on a submitted revision. `levels` maps criterion ids to levels counted from 1.

    `evidence_files` are the SHA-256 digests (hex) of the files that were read, by the id of what
    was asked for: which files they were, without anything of them.
    """

    kind: ClassVar[str] = "decision"

    task: str
    achievement_version: str
    outcome: Outcome
    levels: Mapping[str, int] = field(hash=False)
    reviews: tuple[ReviewRef, ...] = ()
    evidence_kinds: frozenset[str] = frozenset()
    evidence_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        _require_text(self, "task", "achievement_version")
        if self.outcome not in OUTCOMES:
            raise _error("outcome", "not_allowed", f"must be one of {', '.join(OUTCOMES)}")
        for criterion, level in self.levels.items():
            if not is_whole(level) or level < 1:
                raise _error(f"levels.{criterion}", "not_whole", "must be a level, from 1 up")
        # Copies, so that a caller's later change cannot reach a recorded fact.
        object.__setattr__(self, "levels", MappingProxyType(dict(self.levels)))
        object.__setattr__(self, "reviews", tuple(self.reviews))
        object.__setattr__(self, "evidence_kinds", frozenset(self.evidence_kinds))
        files = {asked: tuple(found) for asked, found in self.evidence_files.items() if found}
        for asked, found in files.items():
            if not all(SHA256.fullmatch(digest) for digest in found):
                raise _error(f"evidence_files.{asked}", "not_digests", "must be SHA-256 digests")
        object.__setattr__(self, "evidence_files", MappingProxyType(files))

    def _body(self) -> dict[str, object]:
        files = {asked: list(found) for asked, found in sorted(self.evidence_files.items())}
        return {
            "task": self.task,
            "achievement_version": self.achievement_version,
            "outcome": self.outcome,
            "levels": dict(sorted(self.levels.items())),
            "reviews": [
                {
                    "review_id": ref.review_id,
                    "reviewer": ref.reviewer,
                    "role": ref.role,
                    "independent": ref.independent,
                }
                for ref in self.reviews
            ],
            "evidence_kinds": sorted(self.evidence_kinds),
            # Facts that were recorded before there were digests keep their form.
            **({"evidence_files": files} if files else {}),
        }


@dataclass(frozen=True, slots=True)
class BadgeFact(Fact):
    """A credential held. Valid from `valid_from` until just before `valid_until` (None: always).

    `issuer` names another issuer whose badge was brought and accepted; None for our own.
    """

    kind: ClassVar[str] = "badge"

    achievement: str
    credential: str
    valid_from: datetime
    valid_until: datetime | None = None
    revoked: bool = False
    issuer: str | None = None

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        _require_text(self, "achievement", "credential")
        if self.issuer is not None:
            _require_text(self, "issuer")
        _require_aware(self, "valid_from")
        if self.valid_until is not None:
            _require_aware(self, "valid_until")

    @property
    def moment(self) -> datetime:
        """When the credential began, whatever was recorded about it later."""
        return self.valid_from

    def _body(self) -> dict[str, object]:
        body: dict[str, object] = {
            "achievement": self.achievement,
            "credential": self.credential,
            "valid_from": _iso(self.valid_from),
            "valid_until": None if self.valid_until is None else _iso(self.valid_until),
            "revoked": self.revoked,
        }
        return body if self.issuer is None else body | {"issuer": self.issuer}


@dataclass(frozen=True, slots=True)
class HoursFact(Fact):
    """Approved time, in minutes, spent on a kind of activity."""

    kind: ClassVar[str] = "hours"

    minutes: int
    activity: str

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        _require_whole(self, "minutes")
        _require_text(self, "activity")

    def _body(self) -> dict[str, object]:
        return {"minutes": self.minutes, "activity": self.activity}


@dataclass(frozen=True, slots=True)
class AttestationFact(Fact):
    """A statement confirmed by a person (`by`, an opaque id) in a named role."""

    kind: ClassVar[str] = "attestation"

    statement: str
    role: str
    by: str

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        _require_text(self, "statement", "role", "by")

    def _body(self) -> dict[str, object]:
        return {"statement": self.statement, "role": self.role, "by": self.by}


@dataclass(frozen=True, slots=True)
class ReviewGivenFact(Fact):
    """A released review that its author found helpful; its credited minutes count as hours."""

    kind: ClassVar[str] = "review_given"

    review: str
    task: str
    minutes: int = 0

    def __post_init__(self) -> None:
        Fact.__post_init__(self)
        _require_text(self, "review", "task")
        _require_whole(self, "minutes")

    @property
    def activity(self) -> str:
        """The activity its minutes count under."""
        return REVIEWING

    def _body(self) -> dict[str, object]:
        return {"review": self.review, "task": self.task, "minutes": self.minutes}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _error(name: str, code: str, message: str) -> FactError:
    return FactError([Fault(name, code, message)])


def _require_text(fact: object, *names: str) -> None:
    for name in names:
        value = getattr(fact, name)
        if not isinstance(value, str) or not value:
            raise _error(name, "not_text", "must be text, not empty")


def _require_whole(fact: object, name: str) -> None:
    value = getattr(fact, name)
    if not is_whole(value) or value < 0:
        raise _error(name, "not_whole", "must be a whole number, 0 or more")


def _require_aware(fact: object, name: str) -> None:
    value = getattr(fact, name)
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise _error(name, "not_a_time", "must be a time with its offset")
