"""Facts and rules for tests of pathways: short builders and Hypothesis strategies."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from badges.pathways.facts import (
    AttestationFact,
    BadgeFact,
    DecisionFact,
    Fact,
    HoursFact,
    ReviewGivenFact,
    ReviewRef,
)
from badges.pathways.rules import Rule, RuleError, parse

DAY0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
Json = dict[str, Any]


def day(n: int) -> datetime:
    return DAY0 + timedelta(days=n)


def rule(root: Json) -> Rule:
    return parse({"schema": 1, "root": root})


def reviews(*people: str, role: str = "peer", independent: bool = True) -> tuple[ReviewRef, ...]:
    return tuple(ReviewRef(f"review-{who}", who, role, independent) for who in people)


def decision(
    task: str = "t1",
    levels: dict[str, int] | None = None,
    *,
    outcome: str = "met",
    by: tuple[ReviewRef, ...] = (),
    kinds: tuple[str, ...] = (),
    source_id: str | None = None,
    revision: int = 1,
    at: datetime = DAY0,
    withdrawn: bool = False,
) -> DecisionFact:
    return DecisionFact(
        "submission",
        source_id or f"submission-{task}",
        revision,
        at,
        task,
        "v1",
        outcome,
        {"c1": 3, "c2": 3} if levels is None else levels,
        by,
        frozenset(kinds),
        withdrawn=withdrawn,
    )


def badge(
    achievement: str,
    *,
    copy: int = 0,
    start: datetime = DAY0,
    end: datetime | None = None,
    revoked: bool = False,
    revision: int = 1,
    at: datetime = DAY0,
) -> BadgeFact:
    credential = f"credential-{achievement}-{copy}"
    return BadgeFact(
        "badge", credential, revision, at, achievement, credential, start, end, revoked
    )


def hours(
    minutes: int, *, n: int = 0, activity: str = "planning", at: datetime = DAY0
) -> HoursFact:
    return HoursFact("hours", f"entry-{n}", 1, at, minutes, activity)


def attestation(
    statement: str = "s1", role: str = "coach", by: str = "ann", at: datetime = DAY0
) -> AttestationFact:
    return AttestationFact("attestation", f"{statement}-{role}-{by}", 1, at, statement, role, by)


def review_given(minutes: int, n: int = 0) -> ReviewGivenFact:
    return ReviewGivenFact("review", f"given-{n}", 1, DAY0, f"review-{n}", "t1", minutes)


ACHIEVEMENTS = ("a", "b", "c", "d")
TASKS = ("a", "t1", "t2")
STATEMENTS = ("s1", "s2")
KINDS = ("video", "plan", "reflection")

moments = st.integers(-40, 60).map(day)


def fact_lists(max_size: int = 12) -> st.SearchStrategy[list[Fact]]:
    """Facts of every kind over a few names, with revisions, ends and revocations; keys unique."""
    return st.lists(_facts(), max_size=max_size, unique_by=lambda fact: fact.key)


def _facts() -> st.SearchStrategy[Fact]:
    return st.one_of(
        st.builds(
            decision,
            st.sampled_from(TASKS),
            st.dictionaries(st.sampled_from(("c1", "c2")), st.integers(1, 4)),
            outcome=st.sampled_from(("met", "met", "not_yet")),
            by=st.lists(st.sampled_from("xyz"), unique=True).map(lambda who: reviews(*who)),
            kinds=st.lists(st.sampled_from(KINDS), unique=True).map(tuple),
            source_id=st.sampled_from((None, "second")),
            revision=st.integers(1, 3),
            at=moments,
            withdrawn=st.sampled_from((False, False, False, True)),
        ),
        st.builds(
            badge,
            st.sampled_from(ACHIEVEMENTS),
            copy=st.integers(0, 1),
            start=moments,
            end=st.none() | moments,
            revoked=st.sampled_from((False, False, False, True)),
            revision=st.integers(1, 2),
            at=moments,
        ),
        st.builds(
            hours,
            st.sampled_from((0, 30, 60, 90)),
            n=st.integers(0, 4),
            activity=st.sampled_from(("planning", "coaching")),
            at=moments,
        ),
        st.builds(
            attestation,
            st.sampled_from(STATEMENTS),
            st.sampled_from(("coach", "principal")),
            st.sampled_from(("ann", "bo")),
            moments,
        ),
    )


def leaves(*, exclusive: bool = False) -> st.SearchStrategy[Json]:
    options = [
        st.sampled_from(ACHIEVEMENTS).map(lambda a: {"op": "badge", "achievement": a}),
        st.builds(
            lambda task, low: {"op": "rubric", "task": task, "min": low},
            st.sampled_from(TASKS),
            st.dictionaries(st.sampled_from(("c1", "*")), st.integers(1, 3)),
        ),
        st.builds(
            lambda task, k: {"op": "reviews", "task": task, "k": k, "independent": True},
            st.sampled_from(TASKS),
            st.integers(1, 2),
        ),
        st.builds(
            lambda role, statement: {"op": "attest", "role": role, "statement": statement},
            st.sampled_from(("coach", "principal")),
            st.sampled_from(STATEMENTS) | st.none(),
        ),
        st.builds(
            lambda n, task: {"op": "evidence_kinds", "n": n, "task": task},
            st.integers(1, 3),
            st.sampled_from(TASKS) if exclusive else st.none() | st.sampled_from(TASKS),
        ),
        st.sampled_from((0.5, 1, 2)).map(lambda n: {"op": "hours", "min": n}),
    ]
    return st.one_of(options)


def _groups(children: st.SearchStrategy[Json], ops: tuple[str, ...]) -> st.SearchStrategy[Json]:
    several = st.lists(children, min_size=1, max_size=4)
    made = {
        "all": several.map(lambda of: {"op": "all", "of": of}),
        "any": several.map(lambda of: {"op": "any", "of": of}),
        "within": several.map(lambda of: {"op": "within", "period": "P1M", "of": of}),
        "at_least": several.flatmap(
            lambda of: st.integers(1, len(of)).map(lambda n: {"op": "at_least", "n": n, "of": of})
        ),
        "points": st.lists(
            st.tuples(st.integers(1, 4), st.booleans(), children), min_size=1, max_size=4
        ).flatmap(
            lambda of: st.integers(1, sum(weight for weight, _, _ in of)).map(
                lambda low: {
                    "op": "points",
                    "min": low,
                    "of": [{"weight": w, "required": r, "node": n} for w, r, n in of],
                }
            )
        ),
    }
    return st.one_of([made[op] for op in ops])


ALL_GROUPS = ("all", "any", "at_least", "points", "within")


def trees(ops: tuple[str, ...] = ALL_GROUPS, max_leaves: int = 8) -> st.SearchStrategy[Json]:
    """Trees without exclusive nodes; some cannot be reached and are refused by `parse`."""
    return st.recursive(leaves(), lambda below: _groups(below, ops), max_leaves=max_leaves).map(
        numbered
    )


def exclusive_trees() -> st.SearchStrategy[Json]:
    """An exclusive group over small groups over leaves; `parse` refuses some."""
    leaf = leaves(exclusive=True)
    inner = st.one_of(leaf, leaf, _groups(leaf, ("all", "any", "at_least", "within")))
    return _groups(inner, ALL_GROUPS).map(lambda group: numbered({**group, "exclusive": True}))


def soft(root: Json) -> Json:
    """Return the tree with counts, points and exclusive flags that everybody could meet."""
    found: Json = {key: value for key, value in root.items() if key != "exclusive"}
    found |= {
        key: 1 for key in ("n", "min") if root["op"] in ("at_least", "points") and key in root
    }
    if root["op"] == "points":
        found["of"] = [{**entry, "node": soft(entry["node"])} for entry in root["of"]]
    elif "of" in root:
        found["of"] = [soft(child) for child in root["of"]]
    return found


def rules(source: st.SearchStrategy[Json] | None = None) -> st.SearchStrategy[Rule]:
    """Rules from trees; a tree that cannot be reached is softened instead of thrown away."""

    def parsed(tree: Json) -> Rule:
        try:
            return rule(tree)
        except RuleError:
            return rule(soft(tree))

    return (trees() | exclusive_trees() if source is None else source).map(parsed)


def numbered(root: Json) -> Json:
    """Give every node an id of its own."""
    count = itertools.count()

    def visit(node: Json) -> Json:
        found: Json = {"id": f"n{next(count)}", **node}
        if node["op"] == "points":
            found["of"] = [{**entry, "node": visit(entry["node"])} for entry in node["of"]]
        elif "of" in node:
            found["of"] = [visit(child) for child in node["of"]]
        return found

    return visit(root)
