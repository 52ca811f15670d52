"""Whether a badge that somebody brought was earned by them (Open Badges 3.0, 8.2; 2.0, recipient).

Compared with what is proved to be theirs: addresses that they or an LMS we trust have confirmed,
and the DIDs of wallets that have shown they hold the key (a badge of ours is bound to no other).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from badges.awards.models import Credential
from badges.openbadges.recipients import identity_matches, matches
from badges.openbadges.report import Report
from core.addresses import OwnAddress
from core.identity import Person
from core.scope import unscoped

_OWN = "a person's own addresses and badges, whichever school they came in through"


def identities(session: Session, person_id: uuid.UUID) -> list[str]:
    """Every address and DID that is proved to be this person's."""
    with unscoped(session, _OWN):
        person = session.get_one(Person, person_id)
        own = session.scalars(
            select(OwnAddress.address)
            .where(OwnAddress.person_id == person_id, OwnAddress.state == "verified")
            .order_by(OwnAddress.verified_at)
        ).all()
        held = session.scalars(
            select(Credential)
            .where(Credential.person_id == person_id, Credential.state == "signed")
            .options(undefer(Credential.unsigned))
        ).unique()
        subjects = [credential.unsigned.get("credentialSubject") for credential in held]
    found = [person.verified_email] if person.verified_email else []
    found += list(own)
    for subject in subjects:
        holder = subject.get("id") if isinstance(subject, Mapping) else None
        if isinstance(holder, str) and holder.startswith("did:"):
            found.append(holder)
    return list(dict.fromkeys(found))


def belongs(report: Report, known: list[str]) -> bool | None:
    """Whether one of the `known` identities earned the badge; None where it names nobody."""
    credential: Mapping[str, Any] = report.credential or {}
    answers = [_earned_by(credential, identity, report.version) for identity in known]
    told = [answer for answer in answers if answer is not None]
    if told:
        return any(told)
    # Without an identity to compare: does the badge name anybody at all?
    return None if _earned_by(credential, "nobody@example.org", report.version) is None else False


def _earned_by(credential: Mapping[str, Any], identity: str, version: int | None) -> bool | None:
    if version == 2:
        named = credential.get("recipient")
        named = named if isinstance(named, Mapping) else {}
        return identity_matches(
            named.get("identity"), identity, named.get("hashed"), named.get("salt")
        )
    subject = credential.get("credentialSubject")
    return matches(subject, identity) if isinstance(subject, Mapping) else None
