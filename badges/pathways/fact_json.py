"""Reading facts from their JSON form, strictly: every fault by field, unknown fields refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from badges.pathways.facts import (
    FACT_SCHEMA,
    OUTCOMES,
    REVIEW_ROLES,
    SHA256,
    AttestationFact,
    BadgeFact,
    DecisionFact,
    Fact,
    HoursFact,
    Outcome,
    ReviewGivenFact,
    ReviewRef,
    ReviewRole,
)
from badges.pathways.faults import FactError, Fault
from badges.pathways.fields import LIST_LIMIT, Fields


def from_dict(data: object) -> Fact:
    """Read a fact from the form that `Fact.to_dict` gives.

    Raises FactError with every fault: a missing, misspelt or unknown field, a wrong type, a
    time without an offset.
    """
    faults: list[Fault] = []
    fact = read_fact(data, "", faults)
    if fact is None:
        raise FactError(faults)
    return fact


def read_fact(data: object, path: str, faults: list[Fault]) -> Fact | None:
    """Read a fact that stands at `path` in a larger document; None after noting its faults."""
    if not isinstance(data, Mapping):
        faults.append(Fault(path or "fact", "not_an_object", "must be an object"))
        return None
    before = len(faults)
    fields = Fields(data, path, faults)
    fields.whole("schema", low=FACT_SCHEMA, high=FACT_SCHEMA, default=FACT_SCHEMA)
    kind = fields.text("kind", allowed=_READERS)
    head = _Head(
        fields.text("source"),
        fields.text("source_id"),
        fields.whole("revision", low=0),
        fields.moment("at"),
        fields.flag("withdrawn"),
    )
    if kind not in _READERS:
        return None
    build = _READERS[kind](fields, head)
    fields.finish()
    return build() if len(faults) == before else None


@dataclass(frozen=True, slots=True)
class _Head:
    source: str
    source_id: str
    revision: int
    at: datetime
    withdrawn: bool


# Each reader returns the construction still to be done: with faults it would raise halfway.
_Reader = Callable[[Fields, _Head], Callable[[], Fact]]


def _decision(fields: Fields, head: _Head) -> Callable[[], Fact]:
    task = fields.text("task")
    version = fields.text("achievement_version")
    outcome = fields.text("outcome", allowed=OUTCOMES)
    levels = fields.levels("levels", required=True)
    reviews = _reviews(fields)
    kinds = _kinds(fields)
    files = _files(fields)
    return lambda: DecisionFact(
        head.source,
        head.source_id,
        head.revision,
        head.at,
        task,
        version,
        cast(Outcome, outcome),
        levels,
        reviews,
        kinds,
        files,
        withdrawn=head.withdrawn,
    )


def _reviews(fields: Fields) -> tuple[ReviewRef, ...]:
    value = fields.raw("reviews", required=True)
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or len(value) > LIST_LIMIT:
        fields.fault("reviews", "not_a_list", "must be a list of reviews")
        return ()
    found = []
    for i, item in enumerate(value):
        if not isinstance(item, Mapping):
            fields.fault(f"reviews[{i}]", "not_an_object", "must be an object")
            continue
        before = len(fields.faults)
        inner = Fields(item, fields.at(f"reviews[{i}]"), fields.faults)
        review_id = inner.text("review_id")
        reviewer = inner.text("reviewer")
        role = inner.text("role", allowed=REVIEW_ROLES)
        inner.raw("independent", required=True)
        independent = inner.flag("independent")
        inner.finish()
        if len(fields.faults) == before:
            found.append(ReviewRef(review_id, reviewer, cast(ReviewRole, role), independent))
    return tuple(found)


def _kinds(fields: Fields) -> frozenset[str]:
    if fields.raw("evidence_kinds") in ([], ()):
        return frozenset()
    return frozenset(fields.texts("evidence_kinds") or ())


def _files(fields: Fields) -> dict[str, tuple[str, ...]]:
    value = fields.raw("evidence_files")
    if value is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    if not isinstance(value, Mapping) or len(value) > LIST_LIMIT:
        fields.fault("evidence_files", "not_an_object", "must be digests by what was asked for")
        return {}
    for asked, digests in value.items():
        if (
            not isinstance(digests, list | tuple)
            or len(digests) > LIST_LIMIT
            or not all(isinstance(one, str) and SHA256.fullmatch(one) for one in digests)
        ):
            fields.fault(f"evidence_files.{asked}", "not_digests", "must be SHA-256 digests")
            continue
        found[str(asked)] = tuple(digests)
    return found


def _badge(fields: Fields, head: _Head) -> Callable[[], Fact]:
    achievement = fields.text("achievement")
    credential = fields.text("credential")
    valid_from = fields.moment("valid_from")
    valid_until = fields.optional_moment("valid_until")
    revoked = fields.flag("revoked")
    issuer = fields.optional_text("issuer")
    return lambda: BadgeFact(
        head.source,
        head.source_id,
        head.revision,
        head.at,
        achievement,
        credential,
        valid_from,
        valid_until,
        revoked,
        issuer,
        withdrawn=head.withdrawn,
    )


def _hours(fields: Fields, head: _Head) -> Callable[[], Fact]:
    minutes = fields.whole("minutes", low=0)
    activity = fields.text("activity")
    return lambda: HoursFact(
        head.source,
        head.source_id,
        head.revision,
        head.at,
        minutes,
        activity,
        withdrawn=head.withdrawn,
    )


def _attestation(fields: Fields, head: _Head) -> Callable[[], Fact]:
    statement = fields.text("statement")
    role = fields.text("role")
    by = fields.text("by")
    return lambda: AttestationFact(
        head.source,
        head.source_id,
        head.revision,
        head.at,
        statement,
        role,
        by,
        withdrawn=head.withdrawn,
    )


def _review_given(fields: Fields, head: _Head) -> Callable[[], Fact]:
    review = fields.text("review")
    task = fields.text("task")
    minutes = fields.whole("minutes", low=0, default=0)
    return lambda: ReviewGivenFact(
        head.source,
        head.source_id,
        head.revision,
        head.at,
        review,
        task,
        minutes,
        withdrawn=head.withdrawn,
    )


_READERS: dict[str, _Reader] = {
    DecisionFact.kind: _decision,
    BadgeFact.kind: _badge,
    HoursFact.kind: _hours,
    AttestationFact.kind: _attestation,
    ReviewGivenFact.kind: _review_given,
}
