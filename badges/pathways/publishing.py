"""Whether a rule may be published: what the document alone cannot show.

The document's own faults are `parsing`'s; here come the other rules (cycles among badges), the
rubrics it speaks of, and the examples its author gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from badges.pathways.criteria import Rule
from badges.pathways.evaluation import evaluate
from badges.pathways.fact_json import read_fact
from badges.pathways.faults import FactError, Fault, RuleError
from badges.pathways.fields import Fields
from badges.pathways.nodes import ANY_CRITERION, Rubric
from badges.pathways.parsing import parse
from badges.pathways.results import Status

EXAMPLE_LIMIT = 100

RuleOf = Callable[[str], Rule | None]
RubricOf = Callable[[str], Mapping[str, int] | None]


def check(
    document: object,
    *,
    achievement: str | None = None,
    rule_of: RuleOf | None = None,
    rubric_of: RubricOf | None = None,
    examples: object = (),
) -> tuple[Fault, ...]:
    """Return every reason why a rule may not be published; none means that it may.

    `document` is a rule or anything `parse` takes. `achievement` is what the rule awards and
    `rule_of` gives the live rule that awards an achievement (None: there is none); together
    they find cycles among badges. `rubric_of` gives a task's criteria with their number of
    levels (None: unknown task). `examples` is a list of {"facts": [...], "now": time,
    "expect": "met" | "pending" | "unmet", "in_review": [tasks]}, the last one optional.
    """
    try:
        rule = document if isinstance(document, Rule) else parse(document)
    except RuleError as error:
        return error.faults
    faults: list[Fault] = []
    if achievement is not None:
        _check_cycles(rule, achievement, rule_of, faults)
    if rubric_of is not None:
        _check_rubrics(rule, rubric_of, faults)
    _check_examples(rule, examples, faults)
    return tuple(faults)


def require_publishable(
    document: object,
    *,
    achievement: str | None = None,
    rule_of: RuleOf | None = None,
    rubric_of: RubricOf | None = None,
    examples: object = (),
) -> Rule:
    """Return the rule, or raise RuleError with every fault that `check` finds."""
    faults = check(
        document,
        achievement=achievement,
        rule_of=rule_of,
        rubric_of=rubric_of,
        examples=examples,
    )
    if faults:
        raise RuleError(faults)
    return document if isinstance(document, Rule) else parse(document)


def _check_cycles(
    rule: Rule, achievement: str, rule_of: RuleOf | None, faults: list[Fault]
) -> None:
    """Follow badges asked for, to badges that their rules ask for, back to this one."""
    came_from: dict[str, str] = {}
    waiting = sorted(rule.achievements)
    while waiting:
        current = waiting.pop()
        if current == achievement:
            break
        further = rule_of(current) if rule_of is not None else None
        for needed in sorted(further.achievements) if further is not None else ():
            if needed not in came_from and needed not in rule.achievements:
                came_from[needed] = current
                waiting.append(needed)
    else:
        return
    trail = [achievement]
    while trail[-1] in came_from:
        trail.append(came_from[trail[-1]])
    trail = [achievement, *reversed(trail)]
    message = "asks, in the end, for the badge that it awards"
    faults.append(Fault("root", "cycle", message, {"achievements": trail}))


def _check_rubrics(rule: Rule, rubric_of: RubricOf, faults: list[Fault]) -> None:
    for task in sorted(rule.tasks):
        if rubric_of(task) is None:
            message = f"speaks of the task {task!r}, which is not known"
            faults.append(Fault("root", "unknown_task", message, {"task": task}))
    for node in rule.nodes:
        criteria = rubric_of(node.task) if isinstance(node, Rubric) else None
        if not isinstance(node, Rubric) or criteria is None:
            continue
        for name, need in sorted(node.min.items()):
            params = {"id": node.id, "criterion": name, "level": need}
            if name != ANY_CRITERION and name not in criteria:
                message = f"rubric {node.id!r}: the task has no criterion {name!r}"
                faults.append(Fault("root", "unknown_criterion", message, params))
                continue
            rest = [levels for other, levels in criteria.items() if other not in node.min]
            most = min(rest, default=need) if name == ANY_CRITERION else criteria[name]
            if need > most:
                message = f"rubric {node.id!r}: {name!r} has {most} levels, {need} is asked"
                faults.append(Fault("root", "unreachable", message, params))


def _check_examples(rule: Rule, examples: object, faults: list[Fault]) -> None:
    if not isinstance(examples, Sequence) or isinstance(examples, str | bytes):
        faults.append(Fault("examples", "not_a_list", "must be a list of examples"))
        return
    if len(examples) > EXAMPLE_LIMIT:
        faults.append(Fault("examples", "too_many", f"must be {EXAMPLE_LIMIT} at most"))
        return
    for i, example in enumerate(examples):
        path = f"examples[{i}]"
        if isinstance(example, Mapping):
            _check_example(rule, Fields(example, path, faults), path)
        else:
            faults.append(Fault(path, "not_an_object", "must be an object"))


def _check_example(rule: Rule, fields: Fields, path: str) -> None:
    before = len(fields.faults)
    now = fields.moment("now")
    expect = fields.text("expect", allowed=[str(status) for status in Status])
    in_review = fields.texts("in_review") or ()
    listed = fields.raw("facts", required=True)
    facts = []
    if isinstance(listed, list | tuple):
        for i, item in enumerate(listed):
            fact = read_fact(item, f"{path}.facts[{i}]", fields.faults)
            facts += [] if fact is None else [fact]
    elif listed is not None:
        fields.fault("facts", "not_a_list", "must be a list of facts")
    fields.finish()
    if len(fields.faults) > before:
        return
    try:
        got = evaluate(rule, facts, now, in_review=in_review).status
    except FactError as error:
        fields.faults.extend(
            Fault(f"{path}.facts", fault.code, str(fault), fault.params) for fault in error.faults
        )
        return
    if got != expect:
        message = f"was expected to be {expect} and is {got}"
        params = {"expect": expect, "got": str(got)}
        fields.faults.append(Fault(path, "example_failed", message, params))
