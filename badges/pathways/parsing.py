"""From JSON to a rule, with every fault named by its place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from badges.pathways.criteria import RULE_SCHEMA, Rule
from badges.pathways.facts import REVIEW_ROLES
from badges.pathways.faults import Fault, RuleError
from badges.pathways.fields import LIST_LIMIT, NUMBER_LIMIT, Fields, is_whole
from badges.pathways.nodes import (
    All,
    AnyOf,
    AtLeast,
    Attest,
    Badge,
    EvidenceKinds,
    Group,
    Hours,
    Node,
    Points,
    Reviews,
    Rubric,
    Within,
    canonical_json,
    task_of,
    walk,
)
from badges.pathways.reach import exclusive_reachable, most_counted, most_points
from badges.pathways.shapes import is_matching
from badges.period import Period

DEPTH_LIMIT = 8
NODE_LIMIT = 200
SIZE_LIMIT = 64 * 1024
TITLE_LIMIT = 200

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)


def parse(document: object) -> Rule:
    """Read a rule from its JSON text (str or bytes) or from the object that the text holds.

    Raises RuleError with every fault that can be seen in the document alone: unknown operators
    and fields, wrong types, repeated ids, an empty `of`, counts and points out of reach,
    exclusive nodes that are no matching problem, and the limits on depth, nodes and size.
    """
    faults: list[Fault] = []
    data = _load(document, faults)
    if data is None:
        raise RuleError(faults)
    fields = Fields(data, "", faults)
    fields.whole("schema", low=RULE_SCHEMA, high=RULE_SCHEMA)
    root_data = fields.raw("root", required=True)
    fields.finish()
    root = None if root_data is None else _Parser(faults).root(root_data)
    if faults or root is None:
        raise RuleError(faults)
    return Rule(root)


def _load(document: object, faults: list[Fault]) -> Mapping[str, object] | None:
    try:
        text = document if isinstance(document, str | bytes) else canonical_json(document)
        text = text if isinstance(text, bytes) else text.encode()
        if len(text) > SIZE_LIMIT:
            message = f"is larger than {SIZE_LIMIT // 1024} KB"
            params = {"limit": SIZE_LIMIT, "size": len(text)}
            faults.append(Fault("rule", "too_large", message, params))
            return None
        data = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        faults.append(Fault("rule", "too_deep", f"is nested deeper than {DEPTH_LIMIT} nodes"))
        return None
    except (TypeError, ValueError) as error:
        faults.append(Fault("rule", "not_json", f"is not JSON: {str(error)[:120]}"))
        return None
    if not isinstance(data, Mapping):
        faults.append(Fault("rule", "not_an_object", "must be an object"))
        return None
    return data


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names a field twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")


class _Parser:
    """Walks a document once; keeps the ids seen, the count of nodes and the faults."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.ids: set[str] = set()
        self.count = 0

    def root(self, data: object) -> Node | None:
        """Read the whole tree."""
        root = self.node(data, "root", 1)
        if self.count > NODE_LIMIT:
            message = f"has more than {NODE_LIMIT} nodes"
            self.faults.append(Fault("root", "too_many_nodes", message, {"limit": NODE_LIMIT}))
        return self._with_tasks(root) if root is not None and not self.faults else None

    def node(self, data: object, path: str, depth: int) -> Node | None:
        """Read a node and all below it; None after noting what is wrong with it."""
        self.count += 1
        if self.count > NODE_LIMIT:
            return None
        if depth > DEPTH_LIMIT:
            message = f"is nested deeper than {DEPTH_LIMIT} nodes"
            self.faults.append(Fault(path, "too_deep", message, {"limit": DEPTH_LIMIT}))
            return None
        if not isinstance(data, Mapping):
            self.faults.append(Fault(path, "not_an_object", "must be an object"))
            return None
        before = len(self.faults)
        fields = Fields(data, path, self.faults)
        node_id = self._id(fields)
        title = fields.optional_text("title", limit=TITLE_LIMIT)
        op = fields.text("op")
        if op not in _OPERATORS:
            if op:
                fields.fault("op", "unknown_op", f"{op[:40]!r} is not an operator", op=op[:40])
            return None
        node = _OPERATORS[op](self, fields, depth, node_id, title)
        fields.finish()
        return node if len(self.faults) == before else None

    def _id(self, fields: Fields) -> str:
        node_id = fields.text("id")
        if node_id and not _ID.fullmatch(node_id):
            message = "must be 1 to 64 letters, digits or . _ : -, beginning with one of the first"
            fields.fault("id", "bad_id", message)
        elif node_id in self.ids:
            fields.fault("id", "duplicate_id", f"{node_id!r} is used twice", id=node_id)
        self.ids.add(node_id)
        return node_id

    def children(self, fields: Fields, depth: int) -> tuple[Node, ...] | None:
        """Read `of` as a list of nodes; None when any of them has a fault."""
        items = self.items(fields)
        found = [
            self.node(item, f"{fields.at('of')}[{i}]", depth + 1) for i, item in enumerate(items)
        ]
        nodes = tuple(node for node in found if node is not None)
        return nodes if items and len(nodes) == len(items) else None

    def items(self, fields: Fields) -> list[object]:
        """Return the entries of `of`, which must not be empty."""
        value = fields.raw("of", required=True)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            fields.fault("of", "not_a_list", "must be a list of nodes")
            return []
        if not value:
            fields.fault("of", "empty", "must not be empty: everybody, or nobody, would meet it")
        return list(value[: NODE_LIMIT + 1])

    def _with_tasks(self, root: Node) -> Node | None:
        """Give reviews that name no task the rule's only one."""
        if all(not isinstance(node, Reviews) or node.task for node in walk(root)):
            return root
        tasks = set(filter(None, map(task_of, walk(root))))
        if len(tasks) != 1:
            for node in walk(root):
                if isinstance(node, Reviews) and not node.task:
                    message = f"reviews {node.id!r} must name a task: the rule names {len(tasks)}"
                    fault = Fault("root", "task_needed", message, {"id": node.id})
                    self.faults.append(fault)
            return None
        return _fill_task(root, tasks.pop())


def _fill_task(node: Node, task: str) -> Node:
    if isinstance(node, Reviews) and not node.task:
        return replace(node, task=task)
    if isinstance(node, Group):
        return replace(node, of=tuple(_fill_task(child, task) for child in node.of))
    return node


def _exclusive(fields: Fields, group: Group) -> Group:
    if not group.exclusive:
        return group
    if not is_matching(group):
        message = (
            "cannot be decided exactly: below an exclusive node, choose between single facts, "
            "not between branches that need several"
        )
        fields.fault("exclusive", "exclusive_shape", message)
    elif not exclusive_reachable(group):
        fields.fault("exclusive", "unreachable", "asks for more than its facts can ever give")
    return group


def _all(parser: _Parser, fields: Fields, depth: int, id_: str, title: str | None) -> Node | None:
    exclusive = fields.flag("exclusive")
    of = parser.children(fields, depth)
    if of is None:
        return None
    return _exclusive(fields, All(id=id_, title=title, of=of, exclusive=exclusive))


def _any(parser: _Parser, fields: Fields, depth: int, id_: str, title: str | None) -> Node | None:
    exclusive = fields.flag("exclusive")
    of = parser.children(fields, depth)
    if of is None:
        return None
    return _exclusive(fields, AnyOf(id=id_, title=title, of=of, exclusive=exclusive))


def _at_least(
    parser: _Parser, fields: Fields, depth: int, id_: str, title: str | None
) -> Node | None:
    exclusive = fields.flag("exclusive")
    n = fields.whole("n")
    of = parser.children(fields, depth)
    if of is None:
        return None
    group = AtLeast(id=id_, title=title, of=of, exclusive=exclusive, n=n)
    if n > len(of):
        fields.fault("n", "n_too_large", f"asks for {n} of {len(of)}", n=n, of=len(of))
    elif not exclusive and n > (most := most_counted(group)):
        message = f"asks for {n}, and at most {most} different achievements can count"
        fields.fault("n", "unreachable", message, n=n, most=most)
    return _exclusive(fields, group) if n <= len(of) else group


def _within(
    parser: _Parser, fields: Fields, depth: int, id_: str, title: str | None
) -> Node | None:
    exclusive = fields.flag("exclusive")
    text = fields.text("period", limit=40)
    of = parser.children(fields, depth)
    if not text:
        return None
    try:
        period = Period.parse(text)
    except ValueError as error:
        fields.fault("period", "bad_period", str(error))
        return None
    if of is None:
        return None
    group = Within(id=id_, title=title, of=of, exclusive=exclusive, period=period)
    return _exclusive(fields, group)


def _points(
    parser: _Parser, fields: Fields, depth: int, id_: str, title: str | None
) -> Node | None:
    exclusive = fields.flag("exclusive")
    goal = fields.whole("min")
    weights, required, nodes = [], [], []
    items = parser.items(fields)
    for i, item in enumerate(items):
        path = f"{fields.at('of')}[{i}]"
        if not isinstance(item, Mapping):
            parser.faults.append(Fault(path, "not_an_object", "must be an object"))
            continue
        entry = Fields(item, path, parser.faults)
        weights.append(entry.whole("weight"))
        required.append(entry.flag("required"))
        inner = entry.raw("node", required=True)
        node = None if inner is None else parser.node(inner, f"{path}.node", depth + 1)
        nodes += [] if node is None else [node]
        entry.finish()
    if not items or len(nodes) < len(items):
        return None
    group = Points(
        id=id_,
        title=title,
        of=tuple(nodes),
        exclusive=exclusive,
        min=goal,
        weights=tuple(weights),
        required=tuple(required),
    )
    if not exclusive and goal > (most := most_points(group)):
        message = f"asks for {goal} points, and at most {most} can be reached"
        fields.fault("min", "unreachable", message, min=goal, most=most)
        return None
    return _exclusive(fields, group)


def _rubric(_: _Parser, fields: Fields, __: int, id_: str, title: str | None) -> Node | None:
    task = fields.text("task")
    return Rubric(id=id_, title=title, task=task, min=fields.levels("min"))


def _reviews(_: _Parser, fields: Fields, __: int, id_: str, title: str | None) -> Node | None:
    return Reviews(
        id=id_,
        title=title,
        k=fields.whole("k", high=LIST_LIMIT),
        roles=fields.texts("roles", allowed=REVIEW_ROLES) or tuple(sorted(REVIEW_ROLES)),
        independent=fields.flag("independent"),
        task=fields.optional_text("task") or "",
    )


def _badge(_: _Parser, fields: Fields, __: int, id_: str, title: str | None) -> Node | None:
    # Only "valid": a test for a badge once held would ignore that it has expired.
    fields.optional_text("status", allowed=("valid",))
    achievement, issuers = fields.text("achievement"), fields.texts("issuers") or ()
    return Badge(id=id_, title=title, achievement=achievement, issuers=issuers)


def _hours(_: _Parser, fields: Fields, __: int, id_: str, title: str | None) -> Node | None:
    value = fields.raw("min", required=True)
    minutes = Decimal(0)
    if is_whole(value) or isinstance(value, float):
        minutes = Decimal(str(value)) * 60
    if value is not None and (not 0 < minutes <= NUMBER_LIMIT or minutes % 1):
        fields.fault("min", "not_hours", "must be hours above 0, to the minute")
        return None
    activities = fields.texts("activities") or ()
    return Hours(id=id_, title=title, minutes=int(minutes), activities=activities)


def _evidence_kinds(_: _Parser, fields: Fields, __: int, id_: str, title: str | None) -> Node:
    n = fields.whole("n", high=LIST_LIMIT)
    kinds = fields.texts("kinds") or ()
    if kinds and n > len(kinds):
        fields.fault("n", "n_too_large", f"asks for {n} of {len(kinds)}", n=n, of=len(kinds))
    task = fields.optional_text("task")
    return EvidenceKinds(id=id_, title=title, n=n, task=task, kinds=kinds)


def _attest(_: _Parser, fields: Fields, __: int, id_: str, title: str | None) -> Node | None:
    role = fields.text("role")
    return Attest(id=id_, title=title, role=role, statement=fields.optional_text("statement"))


_Reader = Callable[[_Parser, Fields, int, str, str | None], Node | None]

_OPERATORS: Mapping[str, _Reader] = {
    All.op: _all,
    AnyOf.op: _any,
    AtLeast.op: _at_least,
    Points.op: _points,
    Within.op: _within,
    Rubric.op: _rubric,
    Reviews.op: _reviews,
    Badge.op: _badge,
    Hours.op: _hours,
    EvidenceKinds.op: _evidence_kinds,
    Attest.op: _attest,
}
