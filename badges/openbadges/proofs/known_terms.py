"""The words that our own badges use, read once from the published contexts and the shape tables.

A known shape needs no JSON-LD processing: its contexts are a fixed list, each of its objects has
its model's type, and a type's own words reach no further than the object (JSON-LD 1.1, section
4.1.9). So a member of a class is always one predicate, one datatype and one form. What is defined
in any other way than these is left out here, and a badge that uses it goes the long way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from badges.openbadges import shape_tables as tables
from badges.openbadges.contexts import (
    CREDENTIALS_V2,
    OPEN_BADGES,
    OPEN_BADGES_EXTENSIONS,
    load_context,
)
from badges.openbadges.model import TERMS_TYPE
from badges.openbadges.shape import scalar_test

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PROOF = "<https://w3id.org/security#proof> "
_XSD = "http://www.w3.org/2001/XMLSchema#"
_OB2_BADGE_CLASS = "https://w3id.org/openbadges#BadgeClass"

# The forms that a member's value takes in RDF.
TEXT, NUMBER, BOOLEAN, REFERENCE, NODE = "text", "number", "boolean", "reference", "node"
_FORMS = {tables.NUMBER: NUMBER, tables.BOOLEAN: BOOLEAN}


@dataclass(slots=True)
class Class:
    """A class of objects, as it is known here.

    `types` pairs each known way to write `type` with the lines that it stands for, from the
    predicate on; an object without types has none. `extension` says that the type is defined by
    the extensions' context alone (R2). `beside` are the names read apart from the members.
    """

    name: str
    types: tuple[tuple[Any, tuple[str, ...]], ...]
    required: frozenset[str]
    beside: frozenset[str]
    extension: bool = False
    members: dict[str, Member] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """A member: its predicate and the end of its line, its form, and how many it may be.

    `fits` judges a text as the shape tables ask, where not any text will do. `tail` closes a
    literal; numbers without a datatype of the context have one of two (`tails`: whole, broken).
    `ordered` is an RDF list; `signed` objects bring their own contexts and proofs; `kept` ones
    stand unchanged in many badges.
    """

    predicate: str
    form: str
    fits: Callable[[Any], bool] | None = None
    tail: str = ""
    tails: tuple[str, str] = ("", "")
    target: Class | None = None
    many: bool = False
    compactable: bool = False
    ordered: bool = False
    single_text: bool = False
    signed: bool = False
    kept: bool = False


def _members(**kinds: str) -> dict[str, tables.Member]:
    return {name: tables.Member(kind, required=True) for name, kind in kinds.items()}


# The shape tables leave these open; ours have exactly what the model writes.
_STATUS, _SCHEMA, _REFRESH, _TERMS = (
    "BitstringStatusListEntry",
    "1EdTechJsonSchemaValidator2019",
    "1EdTechCredentialRefresh",
    TERMS_TYPE,
)
_OWN: Mapping[str, tables.Class] = {
    _STATUS: tables.Class(
        (frozenset({_STATUS}),),
        _members(
            id=tables.URI,
            statusPurpose=tables.TEXT,
            statusListIndex="index",
            statusListCredential=tables.URI,
        ),
        single_type=True,
    ),
    _SCHEMA: tables.Class((frozenset({_SCHEMA}),), _members(id=tables.URI), single_type=True),
    _REFRESH: tables.Class((frozenset({_REFRESH}),), _members(id=tables.URI), single_type=True),
    _TERMS: tables.Class((frozenset({_TERMS}),), _members(id=tables.URI), single_type=True),
}
# What the model writes beyond the tables.
_FURTHER = {"Evidence": {"digestMultibase": tables.Member(tables.TEXT)}}
_INSTEAD = {
    "ProfileRef": "Profile",
    "CredentialStatus": _STATUS,
    "CredentialSchema": _SCHEMA,
    "RefreshService": _REFRESH,
    "TermsOfUse": _TERMS,
}
_KEPT = frozenset({("AchievementSubject", "achievement"), ("AchievementCredential", "issuer")})
SIGNED = "EndorsementCredential"
# Proofs are read on their own; tokens are defined differently by two versions of the context (R22).
_LEFT_OUT = frozenset({"Proof", tables.JWS, tables.ANY})
_INDEX = re.compile(r"[0-9]{1,11}\Z")


@cache
def achievement_credential() -> Class:
    """The class of a whole badge, with all that it may hold."""
    return _Reader().known("AchievementCredential")


class _Reader:
    """Reads classes; each once, because a Profile may stand within a Profile."""

    def __init__(self) -> None:
        self._plain: dict[str, Any] = {}
        for url in (CREDENTIALS_V2, OPEN_BADGES):
            self._plain |= load_context(url)["@context"]
        extensions = load_context(OPEN_BADGES_EXTENSIONS)["@context"]
        self._extensions = extensions.keys() - self._plain.keys()
        self._words = self._plain | extensions
        self._classes: dict[str, Class] = {}

    def known(self, name: str) -> Class:
        """The class called `name` in the shape tables or here."""
        if name in self._classes:
            return self._classes[name]
        shape = _OWN.get(name) or tables.CLASSES[name]
        names = _type_names(name, shape)
        required = frozenset(key for key, member in shape.members.items() if member.required)
        known = self._classes[name] = Class(
            name,
            tuple((written, self._type_lines(written)) for written in names),
            required if shape.untyped else required | {"type"},
            frozenset({"id"} if shape.untyped else {"id", "type"}),
            not self._extensions.isdisjoint(_listed(names[0])) if names else False,
        )
        words = dict(self._words)
        for each in _listed(names[0]) if names else ():
            definition = self._words.get(each)
            words |= definition.get("@context", {}) if isinstance(definition, dict) else {}
        for key, member in {**shape.members, **_FURTHER.get(name, {})}.items():
            found = self._member(words, key, member, kept=(name, key) in _KEPT)
            if found is not None:
                known.members[key] = found
        return known

    def _type_lines(self, written: str | list[str]) -> tuple[str, ...]:
        found = []
        for name in _listed(written):
            definition = self._words.get(name, name)
            iri = definition["@id"] if isinstance(definition, dict) else definition
            found.append(f"<{RDF}type> <{iri}> .\n")
        return tuple(found)

    def _member(
        self, words: Mapping[str, Any], key: str, shape: tables.Member, *, kept: bool
    ) -> Member | None:
        kind = _INSTEAD.get(shape.kind, shape.kind)
        term = _term(words, key)
        if term is None or kind in _LEFT_OUT:
            return None
        iri, coerced, container = term
        ordered = container == "@list"
        many, predicate = shape.many, f"<{iri}> "
        if kind in _OWN or kind in tables.CLASSES:
            return None if ordered else Member(
                predicate, NODE, target=self.known(kind), many=many,
                compactable=shape.compactable, signed=kind == SIGNED, kept=kept,
            )  # fmt: skip
        test = None if kind == tables.TEXT else _test(kind)
        if coerced == "@id":
            return None if kind != tables.URI or ordered else Member(
                predicate, REFERENCE, test, many=many
            )  # fmt: skip
        form = _FORMS.get(kind, TEXT)
        if ordered and form != TEXT:
            return None
        bare = f"{_XSD}boolean" if form == BOOLEAN else ""
        whole, broken = (_tail(coerced or f"{_XSD}{name}") for name in ("integer", "double"))
        return Member(
            predicate, form, test, _tail(coerced or bare), (whole, broken), None, many,
            ordered=ordered, single_text=form == TEXT and not many,
        )  # fmt: skip


def _type_names(name: str, shape: tables.Class) -> tuple[Any, ...]:
    """Every way in which ours write the type of a class."""
    if name == "AchievementCredential":
        return (["VerifiableCredential", "OpenBadgeCredential"],)
    if name == SIGNED:
        return (["VerifiableCredential", SIGNED],)
    if shape.untyped:
        return ()
    (only,) = shape.types[0]
    if name == "Related":
        # R55: an Open Badges 2.0 class is related by its address.
        return ([only], [only, _OB2_BADGE_CLASS])
    return (only,) if shape.single_type else ([only],)


def _term(words: Mapping[str, Any], key: str) -> tuple[str, str | None, str | None] | None:
    """Predicate, datatype or `@id`, and container of a word; None unless it is plainly defined."""
    definition = words.get(key)
    if isinstance(definition, str):
        definition = {"@id": definition}
    if not isinstance(definition, dict) or not definition.keys() <= {"@id", "@type", "@container"}:
        return None
    iri, coerced, container = (definition.get(name) for name in ("@id", "@type", "@container"))
    if not _is_full(words, iri) or container not in (None, "@set", "@list"):
        return None
    if coerced not in (None, "@id") and not _is_full(words, coerced):
        return None
    return str(iri), coerced, container


def _is_full(words: Mapping[str, Any], iri: object) -> bool:
    """Whether an identifier of a context is complete: no word of it stands before its colon."""
    return isinstance(iri, str) and ":" in iri and iri.partition(":")[0] not in words


def _tail(datatype: str) -> str:
    return f'"^^<{datatype}> .\n' if datatype else '" .\n'


def _listed(written: str | list[str]) -> list[str]:
    return [written] if isinstance(written, str) else written


def _test(kind: str) -> Callable[[Any], bool]:
    return _is_index if kind == "index" else scalar_test(kind)


def _is_index(value: Any) -> bool:
    return isinstance(value, str) and _INDEX.match(value) is not None
