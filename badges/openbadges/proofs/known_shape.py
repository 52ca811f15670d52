"""Badges of our own shape, brought into canonical form without JSON-LD processing.

`read` knows exactly what the model writes: the contexts, the types and the members of
`known_terms`, each in one form. What it accepts has the shape that `check_shape` asks for in its
strict form, passes safe mode, and has the canonical form that the full algorithm gives, byte for
byte; the tests hold it to that. Everything else is None, and the full algorithm decides.

Most lines of a badge belong to its achievement and its issuer. They are kept ready, by the content
that they were made from.
"""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from badges.openbadges.contexts import CREDENTIALS_V2, OPEN_BADGES, OPEN_BADGES_EXTENSIONS
from badges.openbadges.proofs import known_terms as terms
from badges.openbadges.proofs.known_lines import (
    Blank,
    Lines,
    UnknownShapeError,
    canonical_nquads,
    iri_of,
    number_of,
    text_of,
)
from badges.openbadges.shape import check_shape, scalar_test
from badges.openbadges.shape_tables import MOMENT

_CONTEXTS = [CREDENTIALS_V2, OPEN_BADGES]
_EXTENDED = [*_CONTEXTS, OPEN_BADGES_EXTENSIONS]
MAX_KEPT = 256
_MAX_KEPT_LENGTH = 16 * 1024
_JSON = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Part:
    """An achievement or issuer: its lines and JSON, and its result descriptions' levels.

    `levels` are by the description's id; `statuses` are the descriptions that ask for a status.
    """

    lines: Lines
    json: str
    levels: Mapping[str, frozenset[str]]
    statuses: frozenset[str]
    extension: bool


@dataclass(slots=True)
class Known:
    """A badge of known shape: its issuer's id, its own lines, and the parts it shares."""

    issuer: str
    lines: Lines
    parts: Mapping[str, Part]

    def nquads(self) -> str:
        """The canonical N-Quads."""
        return canonical_nquads((*(part.lines for part in self.parts.values()), self.lines))

    def to_json(self, document: Mapping[str, Any]) -> str:
        """The badge as compact JSON, with parts as they are kept, and so in another order.

        Args:
            document: what was read; it may have further members.
        """
        subject = {**document["credentialSubject"]}
        del subject["achievement"]
        badge = {**document}
        del badge["issuer"], badge["credentialSubject"]
        badge["credentialSubject"] = subject
        # The subject stands last and is not empty, so both end here.
        text = _JSON.encode(badge).removesuffix("}}")
        achievement, issuer = self.parts["achievement"].json, self.parts["issuer"].json
        return f'{text},"achievement":{achievement}}},"issuer":{issuer}}}'


class Shelf:
    """What is kept ready, by name and content; the oldest goes first. Safe with threads.

    Args:
        limit: the most that is kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: dict[tuple[str, bytes], Part] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def get(self, key: tuple[str, bytes]) -> Part | None:
        """The part of that content, if it is kept."""
        return self._parts.get(key)

    def put(self, parts: Mapping[tuple[str, bytes], Part]) -> None:
        """Keep sound parts."""
        while self._parts and len(self._parts) + len(parts) > self._limit:
            # A copy, because another thread may be adding one.
            self._parts.pop(next(iter(tuple(self._parts))), None)
        self._parts.update(parts)

    def clear(self) -> None:
        """Drop everything; it is made again where needed."""
        self._parts.clear()


SHELF = Shelf(MAX_KEPT)


def read(document: Mapping[str, Any]) -> Known | None:
    """A document without a proof as a badge of known shape, or None where it is not one."""
    try:
        return _Reading(document).known()
    except (UnknownShapeError, RecursionError):
        return None


def proof_options(verification_method: str, created: str) -> str | None:
    """The canonical N-Quads of the options of an eddsa-rdfc-2022 proof in a badge of known shape.

    Args:
        verification_method: the address of the key.
        created: the moment as `model.timestamp` writes it.

    Returns:
        None where the address is not plain.
    """
    try:
        return _OPTIONS % {"created": created, "method": iri_of(verification_method)}
    except UnknownShapeError:
        return None


_OPTION_LINES = (
    "<http://purl.org/dc/terms/created> "
    '"%(created)s"^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n',
    f"<{terms.RDF}type> <https://w3id.org/security#DataIntegrityProof> .\n",
    "<https://w3id.org/security#cryptosuite> "
    '"eddsa-rdfc-2022"^^<https://w3id.org/security#cryptosuiteString> .\n',
    "<https://w3id.org/security#proofPurpose> <https://w3id.org/security#assertionMethod> .\n",
    "<https://w3id.org/security#verificationMethod> %(method)s .\n",
)
_OPTIONS = "".join(f"_:c14n0 {line}" for line in _OPTION_LINES)
_PROOF_LINES = (
    *_OPTION_LINES,
    '<https://w3id.org/security#proofValue> "%(value)s"^^<https://w3id.org/security#multibase> .\n',
)
_PROOF_WORDS = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-rdfc-2022",
    "proofPurpose": "assertionMethod",
}
_PROOF_MEMBERS = {*_PROOF_WORDS, "created", "verificationMethod", "proofValue"}
_PROOF_VALUE = re.compile(r"z[1-9A-HJ-NP-Za-km-z]{1,200}")
_MOMENT = scalar_test(MOMENT)


# A subject: how its lines begin, where they go, and its blank node if it is one.
_Node = tuple[str, Callable[[str], None], Blank | None]


class _Reading:
    """One pass over one document."""

    __slots__ = ("_document", "_extension", "_found", "_fresh", "_lines", "_unchecked")

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._lines = Lines()
        self._found: dict[str, Part] = {}
        self._unchecked = False
        self._fresh: dict[tuple[str, bytes], Part] = {}
        self._extension = False

    def known(self) -> Known:
        """The badge; raises UnknownShapeError."""
        document = dict(self._document)
        contexts = document.pop("@context", None)
        if contexts not in (_CONTEXTS, _EXTENDED):
            raise UnknownShapeError
        self._object(document, terms.achievement_credential(), None, "")
        if self._extension and contexts != _EXTENDED:
            raise UnknownShapeError
        subject = document["credentialSubject"]
        if "id" not in subject:
            raise UnknownShapeError
        self._check_results(subject.get("result", ()))
        if self._unchecked:
            self._check_parts()
        return Known(document["issuer"]["id"], self._lines, self._found)

    def _object(self, value: Any, known: terms.Class, parent: _Node | None, predicate: str) -> None:
        """The lines of an object, and the one that leads to it."""
        if type(value) is not dict or not known.required <= value.keys():
            raise UnknownShapeError
        node = self._node(value, parent, predicate)
        prefix, append, _blank = node
        if known.extension:
            self._extension = True
        if known.types:
            for line in _type_lines(known, value["type"]):
                append(prefix + line)
        members = known.members
        for name, given in value.items():
            member = members.get(name)
            if member is None:
                if name not in known.beside:
                    raise UnknownShapeError
            elif member.single_text:
                if type(given) is not str or not (member.fits is None or member.fits(given)):
                    raise UnknownShapeError
                append(f"{prefix}{member.predicate}{text_of(given)}{member.tail}")
            elif member.many or (member.compactable and type(given) is list):
                self._many(given, member, node)
            elif member.target is None:
                append(prefix + member.predicate + _scalar(given, member))
            elif member.kept:
                self._kept(name, given, member, node)
            else:
                self._object(given, member.target, node, member.predicate)

    def _node(self, value: dict[str, Any], parent: _Node | None, predicate: str) -> _Node:
        """The subject of an object's lines, once the line that leads to it is written."""
        lines = self._lines
        if "id" in value:
            iri = iri_of(value["id"])
            if parent is not None:
                prefix, append, _blank = parent
                append(f"{prefix}{predicate}{iri} .\n")
            return f"{iri} ", lines.ground.append, None
        if parent is None:
            raise UnknownShapeError
        prefix, _append, outer = parent
        blank = lines.blank(outer, prefix + predicate)
        return "", blank.rests.append, blank

    def _many(self, given: Any, member: terms.Member, node: _Node) -> None:
        if type(given) is not list or not given:
            raise UnknownShapeError
        prefix, append, _blank = node
        if member.ordered:
            self._list(given, member, node)
        elif member.signed and member.target is not None:
            for item in given:
                self._signed(item, member.target, node, member.predicate)
        elif member.target is None:
            for item in given:
                append(prefix + member.predicate + _scalar(item, member))
        else:
            for item in given:
                self._object(item, member.target, node, member.predicate)

    def _signed(self, value: Any, known: terms.Class, node: _Node, predicate: str) -> None:
        """An endorsement: it stands on its own, with its contexts and its proofs (R21)."""
        if type(value) is not dict:
            raise UnknownShapeError
        body = dict(value)
        contexts, proofs = body.pop("@context", None), body.pop("proof", None)
        if contexts not in (_CONTEXTS, _EXTENDED):
            raise UnknownShapeError
        outer, self._extension = self._extension, False
        self._object(body, known, node, predicate)
        if self._extension and contexts != _EXTENDED:
            raise UnknownShapeError
        self._extension = outer
        if type(proofs) is dict:
            proofs = [proofs]
        if type(proofs) is not list or not proofs:
            raise UnknownShapeError
        for proof in proofs:
            self._proof(proof, f"<{body['id']}> {terms.PROOF}")

    def _proof(self, proof: Any, before: str) -> None:
        """An eddsa-rdfc-2022 proof, in a graph of its own (Data Integrity 1.0, section 2.1)."""
        if type(proof) is not dict or proof.keys() != _PROOF_MEMBERS:
            raise UnknownShapeError
        created, value = proof["created"], proof["proofValue"]
        for name, word in _PROOF_WORDS.items():
            if proof[name] != word:
                raise UnknownShapeError
        if type(value) is not str or not _PROOF_VALUE.fullmatch(value) or not _MOMENT(created):
            raise UnknownShapeError
        method = iri_of(proof["verificationMethod"])
        self._lines.proof(before).rests += [
            (line % {"created": created, "method": method, "value": value}) for line in _PROOF_LINES
        ]

    def _list(self, given: list[Any], member: terms.Member, node: _Node) -> None:
        """An RDF list: a blank node for each item, and each but the first at the end of a line."""
        prefix, _append, outer = node
        cell = self._lines.blank(outer, prefix + member.predicate)
        for position, item in enumerate(given):
            if position:
                cell = self._lines.blank(cell, f"<{terms.RDF}rest> ")
            cell.rests.append(f"<{terms.RDF}first> {_scalar(item, member)}")
        cell.rests.append(f"<{terms.RDF}rest> <{terms.RDF}nil> .\n")

    def _kept(self, name: str, given: Any, member: terms.Member, node: _Node) -> None:
        """An achievement or issuer: from what is kept, or else now."""
        if member.target is None or type(given) is not dict or "id" not in given:
            raise UnknownShapeError
        try:
            # Version 2 writes no references: equal content, and only that, gives equal bytes.
            content = marshal.dumps(given, 2)
        except ValueError as error:
            raise UnknownShapeError from error
        part = SHELF.get((name, content))
        if part is None:
            part = _made(given, member.target)
            self._unchecked = True
            if len(content) <= _MAX_KEPT_LENGTH:
                self._fresh[name, content] = part
        self._found[name] = part
        self._extension |= part.extension
        prefix, append, _blank = node
        append(f"{prefix}{member.predicate}<{given['id']}> .\n")

    def _check_parts(self) -> None:
        """Keep new parts, once the whole document has shown that they are sound."""
        if check_shape(self._document, strict=True):
            raise UnknownShapeError
        SHELF.put(self._fresh)

    def _check_results(self, results: Any) -> None:
        """R14: a result's description is the achievement's, and its level is one of that."""
        part = self._found["achievement"]
        for result in results:
            named = result.get("resultDescription")
            if named is not None and named not in part.levels:
                raise UnknownShapeError
            level = result.get("achievedLevel")
            if level is not None and level not in part.levels.get(named, ()):
                raise UnknownShapeError
            if named in part.statuses and "status" not in result:
                raise UnknownShapeError


def _made(value: dict[str, Any], known: terms.Class) -> Part:
    """The lines of an object by themselves."""
    reading = _Reading({})
    reading._object(value, known, None, "")
    reading._lines.seal()
    levels: dict[str, frozenset[str]] = {}
    for described in value.get("resultDescription", ()):
        own = frozenset(level["id"] for level in described.get("rubricCriterionLevel", ()))
        levels[described["id"]] = levels.get(described["id"], frozenset()) | own
    statuses = frozenset(
        described["id"]
        for described in value.get("resultDescription", ())
        if described["resultType"] == "Status"
    )
    return Part(reading._lines, _JSON.encode(value), levels, statuses, reading._extension)


def _type_lines(known: terms.Class, given: Any) -> tuple[str, ...]:
    for written, lines in known.types:
        if given == written:
            return lines
    raise UnknownShapeError


def _scalar(given: Any, member: terms.Member) -> str:
    """A scalar from its quote to the end of its line."""
    if member.form == terms.TEXT:
        if type(given) is not str or not (member.fits is None or member.fits(given)):
            raise UnknownShapeError
        return text_of(given) + member.tail
    if member.form == terms.REFERENCE:
        return f"{iri_of(given)} .\n"
    if member.form == terms.BOOLEAN and type(given) is bool:
        return f'"{"true" if given else "false"}{member.tail}'
    if member.form == terms.NUMBER and type(given) in (int, float):
        return number_of(given, member.tails)
    raise UnknownShapeError
