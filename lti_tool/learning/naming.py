"""Which name stands on a badge: full, first, one's own words, none; and which address it hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from badges.awards.hashed import AddressChoice
from core.errors import UnprocessableError
from core.identity import Person

KINDS = ("full", "given", "own", "none")


@dataclass(frozen=True)
class NameChoice:
    """What the learner chose, and what they typed for a name of their own."""

    kind: str
    own: str = ""

    def name(self, person: Person) -> str | None:
        """The name for the badge, None for none. Raises UnprocessableError where it is missing."""
        if self.kind == "none":
            return None
        found = {"full": person.name, "given": given_name(person), "own": self.own}.get(self.kind)
        if not (found or "").strip():
            raise UnprocessableError(
                _("The badge needs a name, or none on purpose."),
                code="name_missing",
                fields={"own": _("Write the name that should stand on the badge.")},
            )
        return found


def given_name(person: Person) -> str | None:
    """The first name: as the LMS gave it, else the first word of the full one."""
    if person.given_name:
        return person.given_name
    words = (person.name or "").split()
    return words[0] if len(words) > 1 else None


def options(person: Person) -> list[tuple[str, str]]:
    """The choices that this person has, as (value, label)."""
    found = []
    if person.name:
        found.append(("full", _("Your full name: %(name)s", name=person.name)))
    first = given_name(person)
    if first and first != person.name:
        found.append(("given", _("Your first name: %(name)s", name=first)))
    below = _("The name that you write below")
    found.append(("own", _("Another name, such as a pen name") if person.name else below))
    found.append(("none", _("No name: the badge says only that its holder earned it")))
    return found


def first_choice(person: Person) -> NameChoice:
    """What is chosen before anybody has chosen."""
    return NameChoice("full" if person.name else "own")


def address_options(
    known: Mapping[AddressChoice, str], *, invited: bool = False
) -> list[tuple[str, str]]:
    """The addresses that a badge may carry as a hash, as (value, label); none is always among.

    `invited` says that the first one is where an invitation found them, who confirmed it by it.
    """
    first = known.get("school", "")
    words = {
        "school": _("The one that you were invited by: %(address)s", address=first)
        if invited
        else _("The one that your school gave: %(address)s", address=first),
        "own": _("Your own: %(address)s", address=known.get("own", "")),
    }
    found = [(choice, words[choice]) for choice in ("school", "own") if choice in known]
    return [*found, ("none", _("None"))]
