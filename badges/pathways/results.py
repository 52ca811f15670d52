"""What an evaluation says: values only, worded elsewhere in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from badges.pathways.facts import FactKey


class Status(StrEnum):
    """`pending`: not met, and nothing on the cheapest way there waits for the learner."""

    MET = "met"
    PENDING = "pending"
    UNMET = "unmet"


class Actor(StrEnum):
    """Who must act next. A role holder's role stands in the parameter `role`."""

    LEARNER = "learner"
    REVIEWER = "reviewer"
    COACH = "coach"
    ROLE_HOLDER = "role_holder"
    NOBODY = "nobody"


class MissingKind(StrEnum):
    """What is missing; the parameters that come with each are named here.

    submit_evidence: again (a decision exists, but too old for its `within`).
    revise_evidence: criteria {id: {have, need}}. wait_for_reviewers: have, need, roles,
    independent (none while a first decision is awaited). earn_badge: again. renew_badge: since.
    wait_until: until. log_hours: have, need (minutes), activities. ask_attestation: role,
    different_people (each such line needs somebody else). add_evidence_kinds: have, need,
    present, kinds.
    """

    SUBMIT_EVIDENCE = "submit_evidence"
    REVISE_EVIDENCE = "revise_evidence"
    WAIT_FOR_REVIEWERS = "wait_for_reviewers"
    EARN_BADGE = "earn_badge"
    RENEW_BADGE = "renew_badge"
    WAIT_UNTIL = "wait_until"
    LOG_HOURS = "log_hours"
    ASK_ATTESTATION = "ask_attestation"
    ADD_EVIDENCE_KINDS = "add_evidence_kinds"


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing still to happen. `subject` is its task, achievement or statement."""

    node: str
    kind: MissingKind
    who: Actor
    subject: str | None = None
    params: Mapping[str, object] = field(default_factory=dict, hash=False)

    def apart(self) -> Missing:
        """Return the line as an exclusive node says it: one attestation does not serve twice."""
        if self.kind is not MissingKind.ASK_ATTESTATION:
            return self
        return replace(self, params={**self.params, "different_people": True})

    def covers(self, other: Missing) -> bool:
        """Whether this line already says everything that the other would."""
        if (self.kind, self.who, self.subject) != (other.kind, other.who, other.subject):
            return False
        if "different_people" in self.params and "different_people" in other.params:
            return self.node == other.node
        return all(
            name in self.params and self.params[name] == value
            for name, value in other.params.items()
        )

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "node": self.node,
            "kind": str(self.kind),
            "who": str(self.who),
            "subject": self.subject,
            "params": {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in self.params.items()
            },
        }


class NodeResult(NamedTuple):
    """How one node stands. `progress` runs from 0 to 1 and is 1 exactly when it is met."""

    status: Status
    progress: float


@dataclass(frozen=True, slots=True)
class Result:
    """How the facts stand against the rule.

    `missing` is the cheapest way left, empty exactly when the rule is met. `used` is a smallest
    set of facts that meets it (none can be left out), sorted, and empty unless it is met.
    Nothing here changes before `next_eval_at` unless a fact arrives; None: only by a fact.
    """

    status: Status
    progress: float
    nodes: Mapping[str, NodeResult] = field(hash=False)
    missing: tuple[Missing, ...]
    used: tuple[FactKey, ...]
    next_eval_at: datetime | None

    @property
    def met(self) -> bool:
        """Whether the rule is met."""
        return self.status is Status.MET
