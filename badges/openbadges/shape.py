"""The shape of an Open Badges 3.0 credential: what 1EdTech's JSON schema asks, and its text.

Used both ways: to judge strangers' badges and to refuse signing a bad one of our own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from badges.openbadges import shape_tables as tables
from badges.openbadges.contexts import CREDENTIALS_V1, CREDENTIALS_V2
from badges.openbadges.documents import as_list
from badges.openbadges.jsonld import is_absolute
from badges.openbadges.messages import N_, Problem, child, problem
from badges.openbadges.moments import parse_moment

_OB_CONTEXT = re.compile(
    r"https://purl\.imsglobal\.org/spec/ob/v3p0/context(?:-3\.\d\.\d)*\.json\Z"
)
_LANGUAGE = re.compile(r"[a-z]{2,4}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?\Z")
_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\Z")
# VCDM 1.1 named its dates otherwise; badges made before 2024 carry them.
_OLD_NAMES = {"validFrom": "issuanceDate", "validUntil": "expirationDate"}

_EXPECTED = {
    tables.TEXT: N_("text is expected here"),
    tables.URI: N_("an absolute address or identifier is expected here"),
    tables.MOMENT: N_("a date and time with its zone is expected here"),
    tables.DATE: N_("a date is expected here"),
    tables.NUMBER: N_("a number is expected here"),
    tables.BOOLEAN: N_("true or false is expected here"),
    tables.LANGUAGE: N_("a language code is expected here"),
    tables.JWS: N_("a signed endorsement in compact form is expected here"),
}


def check_shape(
    document: Mapping[str, Any], *, kind: str = "AchievementCredential", strict: bool = False
) -> list[Problem]:
    """Everything that is wrong with a credential's shape, with JSON pointers.

    Args:
        document: the credential as parsed JSON.
        kind: `AchievementCredential`, `EndorsementCredential` or
            `BitstringStatusListCredential`.
        strict: ask what we ask of our own: VCDM 2.0, and an achieved level that belongs to
            the very description that its result names (R14).

    Returns:
        The problems in document order; empty when the shape is right.
    """
    return list(_Checker(document, strict).credential(document, "", kind))


class _Checker:
    def __init__(self, document: Mapping[str, Any], strict: bool) -> None:
        self._strict = strict
        contexts = as_list(document.get("@context"))
        self._old = bool(contexts) and contexts[0] == CREDENTIALS_V1

    def credential(self, value: Mapping[str, Any], pointer: str, kind: str) -> Iterator[Problem]:
        """A credential: its contexts, its members, and what hangs together in it."""
        yield from self._contexts(value, pointer, kind)
        yield from self._object(value, pointer, kind)
        subject = value.get("credentialSubject")
        if kind == "AchievementCredential" and isinstance(subject, dict):
            yield from self._subject(subject, child(pointer, "credentialSubject"))
        yield from self._status_entry(value, pointer)

    def _contexts(self, value: Mapping[str, Any], pointer: str, kind: str) -> Iterator[Problem]:
        contexts = value.get("@context")
        pointer = child(pointer, "@context")
        first = (CREDENTIALS_V2,) if self._strict else (CREDENTIALS_V2, CREDENTIALS_V1)
        if not isinstance(contexts, list) or not contexts or contexts[0] not in first:
            yield problem(
                pointer,
                "shape.context",
                N_("the first context must be %(url)s"),
                url=CREDENTIALS_V2,
            )
        elif kind != "BitstringStatusListCredential" and not (
            len(contexts) > 1 and isinstance(contexts[1], str) and _OB_CONTEXT.match(contexts[1])
        ):
            yield problem(
                pointer, "shape.context", N_("the second context must be that of Open Badges 3.0")
            )
        elif not all(isinstance(item, str | dict) for item in contexts):
            yield problem(pointer, "shape.context", N_("a context is an address or an object"))

    def _object(self, value: Any, pointer: str, name: str) -> Iterator[Problem]:
        if not isinstance(value, Mapping):
            yield problem(pointer, "shape.object", N_("an object is expected here"))
            return
        definition = tables.CLASSES[name]
        yield from self._types(value, pointer, definition)
        for key, member in definition.members.items():
            present = key
            if self._old and key in _OLD_NAMES and key not in value:
                present = _OLD_NAMES[key]
            if present in value:
                yield from self._member(value[present], child(pointer, present), member)
            elif member.required:
                yield _missing(pointer, key)
        for key, inner in value.items():
            if inner is None and key not in definition.members:
                yield problem(child(pointer, key), "shape.null", N_("null may not stand here"))
            if definition.closed and key not in definition.members and key != "type":
                yield problem(
                    child(pointer, key),
                    "shape.unexpected",
                    N_("“%(name)s” may not stand here"),
                    name=key,
                )

    def _types(
        self, value: Mapping[str, Any], pointer: str, definition: tables.Class
    ) -> Iterator[Problem]:
        if definition.untyped:
            return
        if "type" not in value:
            yield _missing(pointer, "type")
            return
        given = value["type"]
        pointer = child(pointer, "type")
        if definition.single_type and not isinstance(given, str):
            yield problem(pointer, "shape.text", _EXPECTED[tables.TEXT])
            return
        names = as_list(given)
        if not names or not all(isinstance(name, str) for name in names):
            yield problem(pointer, "shape.type", N_("one or more type names are expected here"))
            return
        for wanted in definition.types:
            if not wanted.intersection(names):
                yield problem(
                    pointer,
                    "shape.type",
                    N_("the type must include %(type)s"),
                    type=" / ".join(sorted(wanted)),
                )

    def _member(self, value: Any, pointer: str, member: tables.Member) -> Iterator[Problem]:
        if not member.many and not (member.compactable and isinstance(value, list)):
            yield from self._value(value, pointer, member.kind)
        elif not isinstance(value, list):
            yield problem(pointer, "shape.array", N_("an array is expected here"))
        elif not value:
            yield problem(pointer, "shape.empty", N_("an empty array may not stand here"))
        else:
            for index, item in enumerate(value):
                yield from self._value(item, f"{pointer}/{index}", member.kind)

    def _value(self, value: Any, pointer: str, kind: str) -> Iterator[Problem]:
        if kind == "EndorsementCredential":
            if isinstance(value, Mapping):
                yield from self.credential(value, pointer, kind)
            else:
                yield problem(pointer, "shape.object", N_("an object is expected here"))
        elif kind in tables.CLASSES:
            yield from self._object(value, pointer, kind)
        elif kind in ("ProfileRef", "ProfileOrThing"):
            if isinstance(value, str):
                yield from self._value(value, pointer, tables.URI)
            elif kind == "ProfileRef":
                yield from self._object(value, pointer, "Profile")
            elif not isinstance(value, Mapping) or not is_absolute(value.get("id")):
                yield problem(pointer, "shape.uri", _EXPECTED[tables.URI])
        elif kind.startswith("enum:"):
            yield from _enumerated(value, pointer, kind.removeprefix("enum:"))
        elif not _SCALARS[kind](value):
            yield problem(pointer, f"shape.{kind}", _EXPECTED[kind])

    def _subject(self, subject: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
        """R4: the learner is named somehow. R13, R14: results and levels hang together."""
        if "id" not in subject and "identifier" not in subject:
            yield problem(pointer, "shape.recipient", N_("nothing says who earned the badge"))
        achievement = subject.get("achievement")
        if not isinstance(achievement, Mapping):
            return
        criteria = achievement.get("criteria")
        at = child(pointer, "achievement")
        if isinstance(criteria, Mapping) and not ("id" in criteria or "narrative" in criteria):
            yield problem(
                child(at, "criteria"), "shape.criteria", N_("the criteria say nothing at all")
            )
        descriptions = _objects(achievement.get("resultDescription"))
        for index, description in enumerate(descriptions):
            required = description.get("requiredLevel")
            if isinstance(required, str) and required not in _level_ids([description]):
                yield problem(
                    f"{at}/resultDescription/{index}/requiredLevel",
                    "shape.level",
                    N_("the required level is not one of the levels"),
                )
        for index, result in enumerate(_objects(subject.get("result"))):
            yield from self._result(result, f"{pointer}/result/{index}", descriptions)

    def _result(
        self, result: Mapping[str, Any], pointer: str, descriptions: Sequence[Mapping[str, Any]]
    ) -> Iterator[Problem]:
        named = result.get("resultDescription")
        described = [item for item in descriptions if item.get("id") == named]
        if named is not None and not described:
            yield problem(
                child(pointer, "resultDescription"),
                "shape.description",
                N_("the achievement does not describe this result"),
            )
        level = result.get("achievedLevel")
        known = _level_ids(described if self._strict else descriptions)
        if isinstance(level, str) and level not in known:
            yield problem(
                child(pointer, "achievedLevel"),
                "shape.level",
                N_("the level reached is not one of the levels"),
            )
        if any(item.get("resultType") == "Status" for item in described) and (
            "status" not in result
        ):
            yield problem(pointer, "shape.missing", _MISSING, name="status")

    def _status_entry(self, value: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
        """R29: a Bitstring entry names its list, its index and its purpose."""
        entry = value.get("credentialStatus")
        if not isinstance(entry, Mapping) or entry.get("type") != "BitstringStatusListEntry":
            return
        pointer = child(pointer, "credentialStatus")
        for name in ("statusPurpose", "statusListIndex", "statusListCredential"):
            if name not in entry:
                yield _missing(pointer, name)
            elif not isinstance(entry[name], str):
                yield problem(child(pointer, name), "shape.text", _EXPECTED[tables.TEXT])
        index = entry.get("statusListIndex")
        if isinstance(index, str) and not (index.isascii() and index.isdigit() and len(index) < 12):
            yield problem(
                child(pointer, "statusListIndex"),
                "shape.index",
                N_("a whole number, written as text, is expected here"),
            )


_MISSING = N_("“%(name)s” is missing")


def _missing(pointer: str, name: str) -> Problem:
    return problem(pointer, "shape.missing", _MISSING, name=name)


def scalar_test(kind: str) -> Callable[[Any], bool]:
    """What tells whether a value is of a scalar kind or an enumeration of the tables."""
    if kind.startswith("enum:"):
        return partial(_is_enumerated, kind.removeprefix("enum:"))
    return _SCALARS[kind]


def _is_enumerated(name: str, value: Any) -> bool:
    return isinstance(value, str) and (
        value in tables.ENUMERATIONS[name]
        or (name not in tables.CLOSED and tables.EXTENSION.fullmatch(value) is not None)
    )


def _enumerated(value: Any, pointer: str, name: str) -> Iterator[Problem]:
    if not _is_enumerated(name, value):
        yield problem(pointer, "shape.enum", N_("the value is not one that the standard lists"))


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in as_list(value) if isinstance(item, Mapping)]


def _level_ids(descriptions: Sequence[Mapping[str, Any]]) -> set[str]:
    return {
        level["id"]
        for description in descriptions
        for level in _objects(description.get("rubricCriterionLevel"))
        if isinstance(level.get("id"), str)
    }


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


_SCALARS: Mapping[str, Callable[[Any], bool]] = {
    tables.TEXT: lambda value: isinstance(value, str),
    tables.URI: is_absolute,
    tables.MOMENT: lambda value: parse_moment(value) is not None,
    tables.DATE: _is_date,
    tables.NUMBER: lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    tables.BOOLEAN: lambda value: isinstance(value, bool),
    tables.LANGUAGE: lambda value: isinstance(value, str) and bool(_LANGUAGE.match(value)),
    tables.JWS: lambda value: isinstance(value, str) and bool(_JWS.match(value)),
}
