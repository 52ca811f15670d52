"""Awards and credentials: preview, accept, decline, publish, revoke.

An award is offered; the learner sees exactly what the badge will say, chooses the name on it and
accepts; from then on every byte under the signature is fixed, and the worker signs it. It stays
private until its holder publishes it. Granting is in `granting`, signing in `signing`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges import reasons
from badges.awards.accepting import SIGN, Answer, accept_all
from badges.awards.address import check_address
from badges.awards.building import Fixed, Shared, build
from badges.awards.granting import OFFERED, Receipt, grant, offer, refuse_test_student
from badges.awards.hashed import AddressChoice, chosen_address
from badges.awards.models import Award, Credential
from badges.awards.naming import NAME_LIMIT, clean_name
from badges.awards.reading import (
    award,
    awards,
    credential_of,
    credentials,
    locked,
    locked_own,
    offers,
    own_credential,
    public_credential,
    rows,
)
from badges.awards.versions import withdraw_all
from badges.endorsements.additions import additions
from badges.pathways.facts import BadgeFact, Fact
from badges.pathways.ledger import facts_by_key
from core import audit
from core.errors import ConflictError, NotFoundError
from core.identity import Person
from core.outbox import publish as publish_message
from core.scope import unscoped

REVOKED = "badge.credential_revoked"
_OWN = "a person's own award or credential, found by its id and the person's"


def preview(
    session: Session,
    award: Award,
    name: str | None,
    *,
    address: AddressChoice = "school",
    badge_url: str,
    now: datetime,
) -> dict[str, Any]:
    """The unsigned document that accepting now would fix, under the name `name`.

    Only what acceptance draws at random (identifiers, status index, salt) is a stand-in.
    """
    check_address(session, badge_url)
    added = additions(session, award.version, badge_url, now)
    return build(
        award,
        Fixed.preview(now),
        name=clean_name(name),
        email=chosen_address(session, _person(session, award.person_id), address),
        facts=_facts(session, award),
        badge_url=badge_url,
        shared=Shared.of(award.version, badge_url, added),
    )


def accept(
    session: Session,
    award_id: uuid.UUID,
    person_id: uuid.UUID,
    *,
    name: str | None,
    address: AddressChoice = "school",
    badge_url: str,
    now: datetime,
) -> Credential:
    """Accept one's own award under `name` (None: no name on it) and have it signed.

    `address` says which verified address of one's own goes into it as a hash.

    Everything that goes under the signature is fixed here. Accepting again, from another tab or by
    a second press, returns the credential there is. A declined award may still be accepted.

    Raises NotFoundError for somebody else's award, UnprocessableError for a name that cannot stand
    on a badge or an own address that is not verified, GoneError where the badge's validity has
    ended, ConflictError for a test student and where badges were issued under another address
    before.
    """
    answer = Answer(award_id, person_id, name, address)
    (credential,) = accept_all(session, [answer], badge_url=badge_url, now=now)
    return credential


def decline(session: Session, award_id: uuid.UUID, person_id: uuid.UUID, now: datetime) -> Award:
    """Decline one's own award; it may still be accepted later. ConflictError once accepted."""
    award = _locked_award(session, award_id, person_id)
    if award.state == "accepted":
        raise ConflictError(
            _("You have accepted this badge already. You can keep it private."),
            code="award_accepted",
        )
    if award.state == "offered":
        award.state, award.answered_at = "declined", now
        session.flush()
    return award


def publish(
    session: Session, credential_id: uuid.UUID, person_id: uuid.UUID, now: datetime
) -> Credential:
    """Show one's own badge to everybody who has its address.

    Raises ConflictError while it is not signed yet, once it was revoked, and for a test student.
    """
    credential = locked_own(session, credential_id, person_id)
    refuse_test_student(session, person_id)
    if credential.state == "accepted":
        raise ConflictError(
            _("This badge is still being signed. That takes a moment; please try again."),
            code="credential_unsigned",
        )
    if credential.state == "revoked":
        raise ConflictError(
            _("This badge was withdrawn by its issuer, so it is not published."),
            code="credential_revoked",
        )
    if credential.published_at is None:
        credential.published_at = now
        session.flush()
    return credential


def unpublish(
    session: Session, credential_id: uuid.UUID, person_id: uuid.UUID, now: datetime
) -> Credential:
    """Take one's own badge back into private. Copies that others have stay valid."""
    credential = locked_own(session, credential_id, person_id)
    if credential.published_at is not None:
        credential.published_at = None
        audit.record(
            session,
            owner=credential,
            actor_id=person_id,
            action="credential.unpublished",
            subject=credential,
            about_id=person_id,
            now=now,
        )
        session.flush()
    return credential


def revoke(
    session: Session,
    credential_id: uuid.UUID,
    reason: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> Credential:
    """Withdraw a credential for ever, with the reason its page will give. Idempotent.

    The session's scope says whose credentials are in reach; the caller has checked the role.
    `actor_id` is None for an operator's command. The badge stops counting in pathways, but awards
    that it helped to earn are left to people.

    Raises NotFoundError out of scope, UnprocessableError without a usable reason.
    """
    text = usable_reason(reason)
    credential = locked(session, credential_id)
    if credential.state == "revoked":
        return credential
    mark_revoked(session, credential, text, actor_id, now)
    withdraw_all(session, (credential,), now)
    return credential


def mark_revoked(
    session: Session,
    credential: Credential,
    reason: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """Note that a locked credential is withdrawn and tell the news; its bits are set afterwards.

    Last, because everybody's transactions meet at the status list.
    """
    credential.state, credential.revoked_at, credential.revocation_reason = "revoked", now, reason
    session.flush()
    audit.record(
        session,
        owner=credential,
        actor_id=actor_id,
        action="credential.revoked",
        subject=credential,
        about_id=credential.person_id,
        now=now,
    )
    _tell_revoked(session, credential, now)


def usable_reason(reason: str) -> str:
    """The reason of a withdrawal as its page gives it. Raises UnprocessableError for none."""
    return reasons.usable_reason(
        reason, _("Say why. Everybody who opens the badge will read this.")
    )


def badge_fact(credential: Credential, at: datetime, *, revoked: bool = False) -> BadgeFact:
    """The fact that a credential puts into its holder's ledger; revoking supersedes it.

    So does a version that is valid for another time: facts are numbered as versions are.
    """
    return BadgeFact(
        source="credential",
        source_id=str(credential.id),
        revision=credential.revision if revoked else credential.revision - 1,
        at=at,
        achievement=str(credential.version.achievement_id),
        credential=str(credential.id),
        valid_from=credential.accepted_at,
        valid_until=credential.valid_until,
        revoked=revoked,
    )


def _tell_revoked(session: Session, credential: Credential, now: datetime) -> None:
    from badges.pathways.service import record_fact

    person = _person(session, credential.person_id)
    record_fact(session, person, badge_fact(credential, now, revoked=True), now)
    publish_message(
        session,
        REVOKED,
        str(credential.id),
        {"credential_id": str(credential.id), "person_id": str(credential.person_id)},
        organisation_id=credential.owner_id,
    )


def _locked_award(session: Session, award_id: uuid.UUID, person_id: uuid.UUID) -> Award:
    with unscoped(session, _OWN):
        session.execute(
            select(Award.id)
            .where(Award.id == award_id, Award.person_id == person_id)
            .with_for_update()
        )
        found = session.scalar(
            select(Award)
            .where(Award.id == award_id, Award.person_id == person_id)
            .execution_options(populate_existing=True)
        )
    if found is None:
        raise NotFoundError(_("There is no badge of yours at this address."), code="award_unknown")
    return found


def _person(session: Session, person_id: uuid.UUID) -> Person:
    with unscoped(session, "the holder of an award that the caller has in hand"):
        return session.get_one(Person, person_id)


def _facts(session: Session, award: Award) -> list[Fact]:
    return facts_by_key(session, award.person_id, Receipt.from_dict(award.receipt).facts)


__all__ = [
    "NAME_LIMIT", "OFFERED", "REVOKED", "SIGN", "accept", "award", "awards", "badge_fact",
    "clean_name", "credential_of", "credentials", "decline", "grant", "mark_revoked", "offer",
    "offers", "own_credential", "preview", "public_credential", "publish", "revoke", "rows",
    "unpublish", "usable_reason",
]  # fmt: skip
