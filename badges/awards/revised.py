"""What a credential says after a change: the document that it had, with a few members replaced.

Everything that nobody asked to change stays byte for byte as it was signed before, even where the
achievement, the issuer's profile or a text of ours reads otherwise today (Open Badges 3.0, R9).
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal

from badges.achievements.addresses import achievement_url, status_list_url
from badges.achievements.models import AchievementVersion
from badges.achievements.service import micro_credential
from badges.awards.beside import other_results
from badges.awards.building import Fixed, achievement, results
from badges.openbadges import model as ob
from badges.openbadges.documents import as_list

Reason = Literal["corrected", "recipient", "holder", "renewed", "key", "evidence", "endorsed"]

# After these the earlier copies must not pass any more: they say what is wrong, or anybody could
# have signed them.
REVOKING: Final = frozenset({"corrected", "key"})

_ORDER: Final = (
    "@context", "id", "type", "name", "issuer", "validFrom", "credentialSubject", "description",
    "image", "validUntil", "awardedDate", "endorsement", "evidence", "credentialSchema",
    "credentialStatus", "refreshService", "termsOfUse",
)  # fmt: skip


class Unset(Enum):
    """What a change does not speak of stays as it is."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True)
class Change:
    """What is to be different in the next version of a credential, and why.

    Attributes:
        reason: `corrected` and `key` end the earlier copies; after the others they stay valid.
        name: the earner's name on the badge; None takes it off.
        email: a verified address, written as a salted hash; None takes it off.
        holder: the DID that the badge is bound to (`credentialSubject.id`); None binds it to
            nobody again.
        version_id: another version of the same achievement.
        levels: what was reached, criterion id to level number from 1; criteria left out carry no
            result.
        valid_until: None is for ever.
        evidence: Evidence objects (Open Badges 3.0, B.1.11) instead of those there were.
        endorsement: signed endorsements of the badge itself instead of those there were.
        note: what was wrong or why, in words for its holder; never part of the document.
    """

    reason: Reason
    name: str | Unset | None = UNSET
    email: str | Unset | None = UNSET
    holder: str | Unset | None = UNSET
    version_id: uuid.UUID | Unset = UNSET
    levels: Mapping[str, int] | Unset = UNSET
    valid_until: datetime | Unset | None = UNSET
    evidence: Sequence[Mapping[str, Any]] | Unset = UNSET
    endorsement: Sequence[Mapping[str, Any]] | Unset = UNSET
    note: str = ""


def revised(
    document: Mapping[str, Any],
    change: Change,
    *,
    before: AchievementVersion,
    after: AchievementVersion,
    subject_id: str,
    salt: str,
    badge_url: str,
    endorsed: Sequence[Mapping[str, Any]] = (),
    signed: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The unsigned `document` with `change` made, before it gets its new date and status.

    Args:
        before: the version of the achievement that `document` speaks of.
        after: the one that it is to speak of; the same where `change` does not say otherwise.
        subject_id: a fresh identifier, used where the badge is bound to nobody again.
        salt: a fresh salt, used with an address.
        badge_url: the origin of all badge addresses.
        endorsed: signed endorsements of the version `after`, for a badge that changes to it.
        signed: endorsements as they are signed now, by their id: those in the document may have
            been signed with a key that was withdrawn since.
    """
    made = copy.deepcopy(dict(document))
    subject = made["credentialSubject"]
    if not isinstance(change.holder, Unset):
        bound = not str(subject.get("id", "")).startswith("urn:uuid:")
        if change.holder or bound:
            subject["id"] = change.holder or subject_id
    _identify(subject, change, salt)
    if after.id != before.id:
        named = micro_credential(after)
        made["name"], made["description"] = named.name, named.description
        spoken_of = achievement(after, badge_url, endorsed).to_dict()
        subject["achievement"] = spoken_of
        _set(subject, "creditsEarned", spoken_of.get("creditsAvailable"))
    if not isinstance(change.levels, Unset) or after.id != before.id:
        reached = levels_of(document, before, badge_url)
        if not isinstance(change.levels, Unset):
            reached = dict(change.levels)
        given = _values(document, before, badge_url)
        beside = other_results(after, given, badge_url, reached)
        found = [*_results(after, reached, badge_url), *(item.to_dict() for item in beside)]
        _set(subject, "result", found)
    if not isinstance(change.valid_until, Unset):
        until = change.valid_until
        _set(made, "validUntil", None if until is None else ob.timestamp(until))
    if not isinstance(change.evidence, Unset):
        _set(made, "evidence", [dict(item) for item in change.evidence])
    if not isinstance(change.endorsement, Unset):
        _set(made, "endorsement", [dict(item) for item in change.endorsement])
    for node in _endorsable(made):
        present = as_list(node.get("endorsement"))
        _set(node, "endorsement", [dict((signed or {}).get(_id(item), item)) for item in present])
    return _in_order(made)


def dated(document: Mapping[str, Any], fixed: Fixed, badge_url: str) -> dict[str, Any]:
    """`document` from `fixed.valid_from` on, with a status entry of its own; else unchanged."""
    made = copy.deepcopy(dict(document))
    made["validFrom"] = ob.timestamp(fixed.valid_from)
    address = status_list_url(badge_url, fixed.status_list_id)
    made["credentialStatus"] = ob.BitstringStatusListEntry(
        id=f"{address}#{fixed.status_index}",
        status_list_credential=address,
        status_list_index=str(fixed.status_index),
    ).to_dict()
    return _in_order(made)


def levels_of(
    document: Mapping[str, Any], version: AchievementVersion, badge_url: str
) -> dict[str, int]:
    """The level that each criterion of `version` has in the document's results, from 1."""
    address = achievement_url(badge_url, version.id)
    given = {
        item.get("resultDescription"): item.get("achievedLevel")
        for item in as_list(document["credentialSubject"].get("result"))
    }
    found: dict[str, int] = {}
    for criterion in micro_credential(version).rubric.criteria:
        achieved = given.get(f"{address}#{criterion.id}")
        for number, level in enumerate(criterion.levels, 1):
            if achieved == f"{address}#{criterion.id}.{level.id}":
                found[criterion.id] = number
    return found


def endorsement_ids(document: Mapping[str, Any]) -> list[str]:
    """The ids of all endorsements that stand in a document."""
    return [
        _id(item) for node in _endorsable(document) for item in as_list(node.get("endorsement"))
    ]


def _endorsable(document: Mapping[str, Any]) -> list[Any]:
    """Where a document may hold endorsements: of itself, of its issuer and of its achievement."""
    return [document, document["issuer"], document["credentialSubject"]["achievement"]]


def _id(item: Mapping[str, Any]) -> str:
    return str(item.get("id", ""))


def _values(
    document: Mapping[str, Any], version: AchievementVersion, badge_url: str
) -> dict[str, str]:
    """The results beside the rubric, by the id that they have in the micro-credential."""
    address = f"{achievement_url(badge_url, version.id)}#"
    asked = {item.id for item in micro_credential(version).results}
    return {
        name: item.get("value") or item.get("status")
        for item in as_list(document["credentialSubject"].get("result"))
        if (name := str(item.get("resultDescription", "")).removeprefix(address)) in asked
    }


def _results(
    version: AchievementVersion, reached: Mapping[str, int], badge_url: str
) -> list[dict[str, Any]]:
    """Results for the criteria and levels that this version has too."""
    criteria = micro_credential(version).rubric.criteria
    kept = {
        criterion.id: reached[criterion.id]
        for criterion in criteria
        if 1 <= reached.get(criterion.id, 0) <= len(criterion.levels)
    }
    return [item.to_dict() for item in results(version, kept, badge_url)]


def _identify(subject: dict[str, Any], change: Change, salt: str) -> None:
    entries = list(as_list(subject.get("identifier")))
    if not isinstance(change.email, Unset):
        written = [item for item in entries if item.get("identityType") == "emailAddress"]
        entries = [item for item in entries if item not in written]
        if change.email and any(_hashes(item, change.email) for item in written):
            entries = written + entries
        elif change.email:
            hashed = ob.IdentityObject.hashed_email(change.email, salt=salt)
            entries.insert(0, hashed.to_dict())
    if not isinstance(change.name, Unset):
        entries = [item for item in entries if item.get("identityType") != "name"]
        if change.name:
            named = ob.IdentityObject(hashed=False, identity_hash=change.name, identity_type="name")
            entries.append(named.to_dict())
    _set(subject, "identifier", entries)


def _hashes(entry: Mapping[str, Any], email: str) -> bool:
    salt = entry.get("salt", "")
    return bool(entry.get("identityHash") == ob.identity_hash(email, salt))


def _set(node: dict[str, Any], member: str, value: Any) -> None:
    """Write a member, or leave it out where there is nothing to say (R6)."""
    if value is None or value == []:
        node.pop(member, None)
    else:
        node[member] = value


def _in_order(document: dict[str, Any]) -> dict[str, Any]:
    """Members in the order in which a new credential has them: people read it."""
    places = {name: place for place, name in enumerate(_ORDER)}
    last = len(places)
    return dict(sorted(document.items(), key=lambda item: places.get(item[0], last)))
