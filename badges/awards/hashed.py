"""Which address of its holder a badge carries as a hash: the school's, their own, or none.

Only one that was verified: where there is none, no hash is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from badges.openbadges.documents import as_list
from badges.openbadges.recipients import matches
from core import addresses
from core.errors import UnprocessableError
from core.identity import Person

AddressChoice = Literal["school", "own", "none"]
CHOICES: Final[tuple[AddressChoice, ...]] = ("school", "own", "none")


def verified_addresses(session: Session, person: Person) -> dict[AddressChoice, str]:
    """The addresses that somebody we trust has verified, by whose they are."""
    found: dict[AddressChoice, str] = {}
    if person.verified_email is not None:
        found["school"] = person.verified_email
    own = addresses.current(session, person.id)
    if own is not None:
        found["own"] = own.address
    return found


def chosen_address(session: Session, person: Person, choice: AddressChoice) -> str | None:
    """The address that goes into the badge; None for none.

    The school's may be missing: then there is none. Raises UnprocessableError for one's own where
    it was not verified, or was removed meanwhile.
    """
    if choice == "none":
        return None
    if choice == "school":
        return person.verified_email
    own = addresses.current(session, person.id)
    if own is None:
        raise UnprocessableError(
            _("You have no confirmed address of your own any more."),
            code="address_missing",
            fields={"address": _("Choose again which address the badge should carry.")},
        )
    return own.address


def carried_address(
    document: Mapping[str, Any], known: Mapping[AddressChoice, str]
) -> AddressChoice | Literal["other"]:
    """Which of the `known` addresses a badge carries; `other` for one that is not among them."""
    hashed = hashed_addresses(document)
    if not hashed:
        return "none"
    for choice, address in known.items():
        if matches({"identifier": hashed}, address):
            return choice
    return "other"


def hashed_addresses(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The identity objects of a badge that hold the hash of an e-mail address (R18)."""
    subject = document.get("credentialSubject")
    entries = as_list(subject.get("identifier")) if isinstance(subject, Mapping) else []
    return [
        entry
        for entry in entries
        if isinstance(entry, Mapping)
        and entry.get("hashed")
        and entry.get("identityType") == "emailAddress"
    ]


def choice_of(text: str) -> AddressChoice | None:
    """The choice that a form names; None for anything else."""
    return next((choice for choice in CHOICES if choice == text), None)


__all__ = [
    "CHOICES", "AddressChoice", "carried_address", "choice_of", "chosen_address",
    "hashed_addresses", "verified_addresses",
]  # fmt: skip
