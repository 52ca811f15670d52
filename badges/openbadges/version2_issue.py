"""Open Badges 2.0 for older backpacks: hosted documents, made from those of Open Badges 3.0.

Nothing is signed: a hosted assertion is true because the issuer's own site serves it (Open Badges
2.0, "Hosted Badges"). Each document has an address of its own and names its counterpart of 3.0 as
`related` (R54, R55; implementation guide of 3.0, "How to support both"). What 2.0 has no word for
(results, status lists, language of levels) is left out, never bent to fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from badges.openbadges.documents import JsonObject, as_list, id_of
from badges.openbadges.version2 import CONTEXT

_VOCABULARY: Final = "https://purl.imsglobal.org/spec/vc/ob/vocab.html"
_VERSION_3: Final = "Open Badges v3p0"
_ALIGNMENT: Final = (
    "targetName", "targetUrl", "targetDescription", "targetFramework", "targetCode",
)  # fmt: skip
_EVIDENCE: Final = ("id", "name", "description", "narrative", "genre", "audience")


def issuer(profile: Mapping[str, Any], address: str, *, newer: str) -> JsonObject:
    """The Profile of an issuer.

    Args:
        profile: its Profile of Open Badges 3.0.
        address: where this document is published.
        newer: the web address of that Profile: verifiers of 2.0 know no DIDs.
    """
    return _document(
        "Profile",
        address,
        name=profile.get("name"),
        url=profile.get("url"),
        email=profile.get("email"),
        telephone=profile.get("phone"),
        description=profile.get("description"),
        image=id_of(profile.get("image")),
        related=_counterpart("Profile", {"id": newer}),
    )


def badge_class(achievement: Mapping[str, Any], address: str, *, issuer: str) -> JsonObject:
    """The BadgeClass of an achievement.

    Args:
        achievement: the Achievement of Open Badges 3.0, with an image.
        address: where this document is published.
        issuer: the address of the issuer's document of 2.0.
    """
    criteria = achievement.get("criteria")
    criteria = criteria if isinstance(criteria, Mapping) else {}
    return _document(
        "BadgeClass",
        address,
        language=achievement.get("inLanguage"),
        name=achievement.get("name"),
        description=achievement.get("description"),
        image=id_of(achievement.get("image")),
        criteria=_only(criteria, ("id", "narrative")),
        issuer=issuer,
        alignment=[
            {"type": "AlignmentObject", **_only(item, _ALIGNMENT)}
            for item in _objects(achievement.get("alignment"))
        ],
        tags=[tag for tag in as_list(achievement.get("tag")) if isinstance(tag, str)],
        version=achievement.get("version"),
        related=_counterpart("Achievement", achievement),
    )


def recipient(credential: Mapping[str, Any]) -> JsonObject | None:
    """Who earned it, as 2.0 says it; None unless the credential holds a hashed e-mail address.

    The hash is the same in both versions: SHA-256 or MD5 of the address with the salt appended.
    """
    subject = credential.get("credentialSubject")
    named = subject.get("identifier") if isinstance(subject, Mapping) else None
    for entry in _objects(named):
        salt, identity = entry.get("salt"), entry.get("identityHash")
        if entry.get("identityType") == "emailAddress" and entry.get("hashed") is True and identity:
            return {
                "type": "email",
                "hashed": True,
                **({"salt": salt} if salt else {}),
                "identity": identity,
            }
    return None


def assertion(
    credential: Mapping[str, Any], address: str, *, badge: str, image: str | None = None
) -> JsonObject | None:
    """The hosted Assertion of a credential; None where there is no `recipient` to name.

    Args:
        credential: the credential of Open Badges 3.0.
        address: where this document is published, which is its proof.
        badge: the address of the BadgeClass.
        image: the address of the picture that holds this assertion.
    """
    earner = recipient(credential)
    if earner is None:
        return None
    subject = credential["credentialSubject"]
    return _document(
        "Assertion",
        address,
        recipient=earner,
        badge=badge,
        verification={"type": "HostedBadge"},
        issuedOn=credential.get("awardedDate") or credential.get("validFrom"),
        expires=credential.get("validUntil"),
        image=image,
        narrative=subject.get("narrative"),
        evidence=[
            {"type": "Evidence", **_only(item, _EVIDENCE)}
            for item in _objects(credential.get("evidence"))
        ],
        related=_counterpart("AchievementCredential", credential),
    )


def revoked(address: str, reason: str | None) -> JsonObject:
    """What stands at an assertion's address once it was revoked; it is served with status 410."""
    return {
        "@context": CONTEXT,
        "type": "Assertion",
        "id": address,
        "revoked": True,
        **({"revocationReason": reason} if reason else {}),
    }


def _document(kind: str, address: str, *, language: object = None, **members: Any) -> JsonObject:
    """A document without its empty members (as in 3.0, R6)."""
    tongue = {"@language": language} if isinstance(language, str) and language else {}
    said = {name: value for name, value in members.items() if value not in (None, "", [], {})}
    return {"@context": CONTEXT, "type": kind, "id": address, **tongue, **said}


def _counterpart(kind: str, document: Mapping[str, Any]) -> list[JsonObject]:
    """The document of 3.0 that this one was made from, by its id."""
    identifier = id_of(dict(document))
    if identifier is None:
        return []
    return [{"type": [f"{_VOCABULARY}#{kind}"], "id": identifier, "version": _VERSION_3}]


def _objects(value: object) -> Iterable[Mapping[str, Any]]:
    return (item for item in as_list(value) if isinstance(item, Mapping))


def _only(value: Mapping[str, Any], names: Iterable[str]) -> JsonObject:
    return {name: value[name] for name in names if value.get(name)}
