"""The criteria language: parse a rule, check it for publication, evaluate it.

A rule is a tree of operators, stored as JSON:

    {"schema": 1, "root": {"id": "r", "op": "all", "of": [...]}}

Groups: `all`, `any`, `at_least` (n), `points` (min, weights, required), `within` (period).
Leaves: `rubric`, `reviews`, `badge`, `hours`, `evidence_kinds`, `attest`. There is no `not`: with
the same facts only time can take something away, through validity and `within`.

Everything reachable from here is pure: the standard library alone, no clock, no database.
"""

from badges.pathways.criteria import RULE_SCHEMA, Rule
from badges.pathways.evaluation import evaluate
from badges.pathways.faults import FactError, Fault, RuleError
from badges.pathways.parsing import DEPTH_LIMIT, NODE_LIMIT, SIZE_LIMIT, parse
from badges.pathways.publishing import check, require_publishable
from badges.pathways.results import Actor, Missing, MissingKind, NodeResult, Result, Status

__all__ = [
    "DEPTH_LIMIT",
    "NODE_LIMIT",
    "RULE_SCHEMA",
    "SIZE_LIMIT",
    "Actor",
    "FactError",
    "Fault",
    "Missing",
    "MissingKind",
    "NodeResult",
    "Result",
    "Rule",
    "RuleError",
    "Status",
    "check",
    "evaluate",
    "parse",
    "require_publishable",
]
