"""What others say, as it stands in a signed badge or in our own records, for people to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from badges.achievements.addresses import endorsement_url
from badges.endorsements.models import Endorsement
from badges.openbadges.documents import as_list, id_of
from badges.public.reading import domain_of


@dataclass(frozen=True)
class Praise:
    """One endorsement: who gives it, under which domain, for what, in which words, and its page."""

    issuer: str
    domain: str
    about: str
    comment: str
    page: str


def praise_in(document: Mapping[str, Any]) -> tuple[Praise, ...]:
    """The endorsements that stand in one of our own signed badges."""
    subject = _object(document.get("credentialSubject"))
    places = (
        ("credential", document),
        ("achievement", _object(subject.get("achievement"))),
        ("issuer", _object(document.get("issuer"))),
    )
    return tuple(
        Praise(
            str(_object(said.get("issuer")).get("name") or ""),
            domain_of(id_of(said.get("issuer")) or ""),
            about,
            str(_object(said.get("credentialSubject")).get("endorsementComment") or ""),
            id_of(said) or "",
        )
        for about, place in places
        for said in map(_object, as_list(place.get("endorsement")))
    )


def praise_of(found: Iterable[Endorsement], badge_url: str) -> tuple[Praise, ...]:
    """Endorsements as our own records have them at this moment."""
    return tuple(
        Praise(
            one.issuer.name,
            domain_of(one.issuer.did),
            one.kind,
            one.comment,
            endorsement_url(badge_url, one.id),
        )
        for one in found
    )


def terms_in(document: Mapping[str, Any]) -> str:
    """The address of the terms that a badge of ours was given under; empty for none."""
    for item in as_list(document.get("termsOfUse")):
        return id_of(item) or ""
    return ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
