"""What a signed badge says, picked out for people. Nothing is taken for granted: anybody's badge
may come here, so every member may be absent or of another kind than it should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from badges.openbadges.documents import as_list, id_of
from badges.openbadges.moments import parse_moment


@dataclass(frozen=True)
class ShownResult:
    """One criterion: its name, the level reached as a number and of how many, and its name.

    `description` is what that level means, `needed` the name of the level that is asked for.
    """

    criterion: str
    reached: int | None
    levels: int
    level: str
    description: str = ""
    needed: str = ""


@dataclass(frozen=True)
class ShownEvidence:
    """A piece of evidence that strangers may open: what it is called, and where it stands."""

    name: str
    url: str

    @property
    def host(self) -> str:
        """The site that the address is of."""
        return domain_of(self.url)


@dataclass(frozen=True)
class ShownBadge:
    """The words of a badge. What it does not say is empty or None.

    `evidence` names what nobody may open, `open_evidence` what the badge gives an address of.
    """

    name: str
    description: str
    criteria: str
    earner: str
    issuer_id: str
    issuer_name: str
    issuer_url: str
    issued_at: datetime | None
    valid_from: datetime | None
    valid_until: datetime | None
    narrative: str
    achievement_id: str
    results: tuple[ShownResult, ...]
    evidence: tuple[str, ...]
    hashed: bool = False  # it carries the hash of an address
    open_evidence: tuple[ShownEvidence, ...] = ()

    @property
    def domain(self) -> str:
        """The host that answers for the issuer: what nobody else can write into a badge."""
        return domain_of(self.issuer_id)


def read_badge(document: Mapping[str, Any]) -> ShownBadge:
    """The words of an Open Badges 3.0 credential."""
    subject = _object(document.get("credentialSubject"))
    achievement = _object(subject.get("achievement"))
    issuer = _object(document.get("issuer"))
    begins = parse_moment(document.get("validFrom", document.get("issuanceDate")))
    return ShownBadge(
        name=_text(achievement.get("name")) or _text(document.get("name")),
        description=_text(document.get("description")) or _text(achievement.get("description")),
        criteria=_text(_object(achievement.get("criteria")).get("narrative")),
        earner=_earner(subject),
        issuer_id=id_of(document.get("issuer")) or "",
        issuer_name=_text(issuer.get("name")),
        issuer_url=_web(issuer.get("url")),
        issued_at=parse_moment(document.get("awardedDate")) or begins,
        valid_from=begins,
        valid_until=parse_moment(document.get("validUntil", document.get("expirationDate"))),
        narrative=_text(subject.get("narrative")),
        achievement_id=_text(achievement.get("id")),
        results=tuple(_results(subject, achievement)),
        # Several files of one kind share its name.
        evidence=tuple(
            dict.fromkeys(
                name
                for item in map(_object, as_list(document.get("evidence")))
                if (name := _text(item.get("name"))) and not _web(item.get("id"))
            )
        ),
        hashed=any(
            entry.get("identityType") == "emailAddress" and bool(entry.get("hashed"))
            for entry in map(_object, as_list(subject.get("identifier")))
        ),
        open_evidence=tuple(_open_evidence(document)),
    )


def _open_evidence(document: Mapping[str, Any]) -> Iterable[ShownEvidence]:
    """Pieces with an address; those of one name are told apart by their number."""
    seen: dict[str, int] = {}
    for item in map(_object, as_list(document.get("evidence"))):
        if url := _web(item.get("id")):
            name = _text(item.get("name")) or domain_of(url)
            seen[name] = seen.get(name, 0) + 1
            yield ShownEvidence(name if seen[name] == 1 else f"{name} ({seen[name]})", url)


def domain_of(identifier: str) -> str:
    """The host in a `did:web` or a web address; empty for anything else."""
    if identifier.startswith("did:web:"):
        return unquote(identifier.split(":")[2]) if identifier.count(":") >= 2 else ""
    try:
        return urlsplit(identifier).netloc.rsplit("@", 1)[-1]
    except ValueError:
        return ""


def _earner(subject: Mapping[str, Any]) -> str:
    for item in as_list(subject.get("identifier")):
        entry = _object(item)
        if entry.get("identityType") == "name" and not entry.get("hashed"):
            return _text(entry.get("identityHash"))
    return _text(subject.get("name"))


def _results(subject: Mapping[str, Any], achievement: Mapping[str, Any]) -> Iterable[ShownResult]:
    described = {
        _text(item.get("id")): item
        for item in map(_object, as_list(achievement.get("resultDescription")))
    }
    for result in map(_object, as_list(subject.get("result"))):
        description = described.get(_text(result.get("resultDescription")), {})
        levels = [_object(item) for item in as_list(description.get("rubricCriterionLevel"))]
        ids = [level.get("id") for level in levels]
        achieved = result.get("achievedLevel")
        place = ids.index(achieved) if achieved in ids else None
        name = _text(description.get("name"))
        words = _text(result.get("value")) or _text(result.get("status"))
        if place is not None:
            words = _text(levels[place].get("name"))
        if name and words:
            yield ShownResult(
                name,
                None if place is None else place + 1,
                len(levels),
                words,
                "" if place is None else _text(levels[place].get("description")),
                _named(levels, description.get("requiredLevel")),
            )


def _named(levels: list[Mapping[str, Any]], wanted: Any) -> str:
    return next((_text(level.get("name")) for level in levels if level.get("id") == wanted), "")


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _web(value: Any) -> str:
    text = _text(value)
    return text if text.startswith(("https://", "http://")) else ""


def read_hosted_badge(assertion: Mapping[str, Any], details: Mapping[str, Any]) -> ShownBadge:
    """The words of an Open Badges 2.0 assertion, with its class and issuer as they were fetched."""
    badge, issuer = _object(details.get("badge")), _object(details.get("issuer"))
    recipient = _object(assertion.get("recipient"))
    earner = "" if recipient.get("hashed") else _text(recipient.get("identity"))
    issued = parse_moment(assertion.get("issuedOn"))
    return ShownBadge(
        name=_text(badge.get("name")),
        description=_text(badge.get("description")),
        criteria=_text(_object(badge.get("criteria")).get("narrative")),
        earner=earner,
        issuer_id=id_of(issuer) or "",
        issuer_name=_text(issuer.get("name")),
        issuer_url=_web(issuer.get("url")),
        issued_at=issued,
        valid_from=issued,
        valid_until=parse_moment(assertion.get("expires")),
        narrative=_text(assertion.get("narrative")),
        achievement_id=id_of(badge) or "",
        results=(),
        evidence=(),
    )
