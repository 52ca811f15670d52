"""N-Quads lines of a tree of objects, and the labels of its blank nodes (RDFC-1.0).

RDFC-1.0 labels blank nodes in the order of their first-degree hashes wherever those are all
different (section 4.4.3, steps 3 to 5). In a tree each blank node stands in the lines about itself,
in the one line that leads to it and in those that lead on, so its hash needs no other node's, and
lines that never change can be kept together with their hashes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import pyoxigraph as ox

# An identifier that neither JSON-LD resolves nor RDF refuses (a part of RFC 3987): complete, with
# a scheme that no context uses as a prefix. Anything else goes the long way.
_LETTERS = r"A-Za-z0-9._~!$&'()*+,;=:@/\u00a1-\u167f\u3041-\ud7ff-"
_PATH = rf"[{_LETTERS}]*(?:%[0-9A-Fa-f]{{2}}[{_LETTERS}]*)*"
_REST = rf"[{_LETTERS}?]*(?:%[0-9A-Fa-f]{{2}}[{_LETTERS}?]*)*"
PLAIN_IRI = re.compile(
    rf"(?:https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{{1,5}})?(?=[/?#]|\Z)"
    rf"|urn:[A-Za-z0-9][A-Za-z0-9-]{{1,30}}:(?=[A-Za-z0-9])|did:[a-z0-9]+:(?=[A-Za-z0-9]))"
    rf"{_PATH}(?:\?{_REST})?(?:\#{_REST})?\Z"
)
# Canonical N-Quads (RDFC-1.0, section 5): these and no others are escaped.
_ESCAPES = {code: f"\\u{code:04X}" for code in (*range(0x20), 0x7F)} | {
    ord(letter): f"\\{short}" for letter, short in zip('\b\t\n\f\r"\\', 'btnfr"\\', strict=True)
}
# Halves of surrogate pairs; and two characters that versions of N-Quads write differently.
_REFUSED = re.compile(r"[\ud800-\udfff\ufffe\uffff]")
# Beyond these, shortest forms of numbers differ between implementations.
_LARGEST = 10.0**15


class UnknownShapeError(Exception):
    """Not a shape that is known here; the full algorithm decides."""


def iri_of(value: object) -> str:
    """An identifier as it stands in a line; raises UnknownShapeError unless it is plain."""
    if type(value) is not str or PLAIN_IRI.match(value) is None:
        raise UnknownShapeError
    return f"<{value}>"


def text_of(value: str) -> str:
    """A text as it stands in a line, from its quote on and without the closing one.

    Raises:
        UnknownShapeError: half of a surrogate pair, or a character written in two ways.
    """
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}'
    if _REFUSED.search(value):
        raise UnknownShapeError
    return f'"{value.translate(_ESCAPES)}'


def number_of(value: float, tails: tuple[str, str]) -> str:
    """A number with the tail of a whole or of a broken one (JSON-LD 1.1 API, section 8.2.2).

    Raises:
        UnknownShapeError: not finite, or beyond 15 digits.
    """
    if not -_LARGEST < value < _LARGEST:
        raise UnknownShapeError
    if value == int(value):
        return f'"{int(value)}{tails[0]}'
    mantissa, exponent = f"{value:1.15E}".split("E")
    whole, digits = mantissa.split(".")
    return f'"{whole}.{digits.rstrip("0") or "0"}E{int(exponent)}{tails[1]}'


class Blank:
    """A blank node: the lines about it without their beginning, and the line that leads to it.

    A proof stands in a graph of its own: `graph` is the blank node that names it, whose `within`
    is the proof; the line that leads there leads to the graph alone.
    """

    __slots__ = ("before", "graph", "hash", "onward", "parent", "rests", "within")

    def __init__(self, parent: Blank | None, before: str, graph: Blank | None = None) -> None:
        self.parent = parent
        self.graph = graph
        self.within: Blank | None = None
        # From the line's start, or where the parent is blank too, from the predicate on.
        self.before = before
        self.rests: list[str] = []
        self.onward: list[str] = []
        self.hash = ""
        if parent is not None:
            parent.onward.append(before)
        if graph is not None:
            graph.within = self

    def seal(self) -> None:
        """Work out the first-degree hash (section 4.6.3); all lines about it are there."""
        # A dataset holds a quad once; lines to several blank nodes are several quads.
        self.rests = list(dict.fromkeys(self.rests))
        if self.graph is not None:
            lines = [f"_:a {named(rest, '_:z')}" for rest in self.rests]
            lines.sort()
            self.hash = hashlib.sha256("".join(lines).encode()).hexdigest()
            return
        lines = [f"_:a {rest}" for rest in self.rests]
        if self.within is not None:
            lines += [f"_:z {named(rest, '_:a')}" for rest in dict.fromkeys(self.within.rests)]
        lines += [f"_:a {predicate}_:z .\n" for predicate in self.onward]
        lines.append(f"{self.before if self.parent is None else '_:z ' + self.before}_:a .\n")
        lines.sort()
        self.hash = hashlib.sha256("".join(lines).encode()).hexdigest()


def named(line: str, graph: str) -> str:
    """A line, or its end, in a graph."""
    return f"{line[:-2]}{graph} .\n"


class Lines:
    """The lines of a part of a document: those without blank nodes, and the blank nodes."""

    __slots__ = ("_sealed", "blanks", "ground")

    def __init__(self) -> None:
        self._sealed = False
        self.ground: list[str] = []
        self.blanks: list[Blank] = []

    def blank(self, parent: Blank | None, before: str) -> Blank:
        """A new blank node at the end of a line."""
        node = Blank(parent, before)
        self.blanks.append(node)
        return node

    def proof(self, before: str) -> Blank:
        """A new blank node in a graph of its own, at the end of a line."""
        graph = self.blank(None, before)
        node = Blank(None, "", graph)
        self.blanks.append(node)
        return node

    def seal(self) -> None:
        """Settle the hashes and order the lines, once; nothing may be added afterwards."""
        if self._sealed:
            return
        self._sealed = True
        self.ground = sorted(set(self.ground))
        for node in self.blanks:
            node.seal()


def canonical_nquads(parts: Iterable[Lines]) -> str:
    """The canonical N-Quads of the parts of one document; seals those that are not yet.

    Where two blank nodes have one hash, pyoxigraph runs the rest of the algorithm.
    """
    ground: dict[str, None] = {}
    blanks: list[Blank] = []
    for part in parts:
        part.seal()
        ground.update(dict.fromkeys(part.ground))
        blanks += part.blanks
    settled = len({node.hash for node in blanks}) == len(blanks)
    labels = {
        node: f"_:c14n{number}"
        for number, node in enumerate(sorted(blanks, key=lambda node: node.hash))
    }
    lines = list(ground)
    for node, label in labels.items():
        if node.graph is not None:
            lines += [f"{label} {named(rest, labels[node.graph])}" for rest in node.rests]
            continue
        lines += [f"{label} {rest}" for rest in node.rests]
        start = "" if node.parent is None else f"{labels[node.parent]} "
        lines.append(f"{start}{node.before}{label} .\n")
    if not settled:
        return _canonicalized("".join(lines))
    lines.sort()
    return "".join(lines)


def _canonicalized(nquads: str) -> str:
    quads = ox.Dataset(ox.parse(nquads.encode(), format=ox.RdfFormat.N_QUADS))
    quads.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return "".join(sorted(f"{quad} .\n" for quad in quads))
