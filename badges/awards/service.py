"""Awards and credentials: preview, accept, decline, publish, revoke.

An award is offered; the learner sees exactly what the badge will say, chooses the name on it and
accepts; from then on every byte under the signature is fixed, and the worker signs it. It stays
private until its holder publishes it. Granting is in `granting`, signing in `signing`.
"""

from __future__ import annotations

import unicodedata
import uuid
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from badges.achievements.service import micro_credential
from badges.awards.address import check_address, keep_address
from badges.awards.building import Fixed, build, valid_until
from badges.awards.granting import OFFERED, Receipt, grant, offer, refuse_test_student
from badges.awards.models import Award, Credential
from badges.awards.reading import (
    award,
    awards,
    credential_of,
    credentials,
    offers,
    own_credential,
    public_credential,
    rows,
)
from badges.awards.status import allocate, count_allocation, set_bit
from badges.pathways.facts import BadgeFact, Fact
from badges.pathways.ledger import facts_by_key
from core import audit
from core.errors import ConflictError, GoneError, NotFoundError, UnprocessableError
from core.identity import Person, owner_like
from core.outbox import publish as publish_message
from core.scope import unscoped

SIGN = "credential.sign"
REVOKED = "badge.credential_revoked"
NAME_LIMIT = 200
REASON_LIMIT = 500
_DRAWS = 5
_JOINERS = "\u200c\u200d"  # without them some scripts are misspelt
_OWN = "a person's own award or credential, found by its id and the person's"


def preview(
    session: Session, award: Award, name: str | None, *, badge_url: str, now: datetime
) -> dict[str, Any]:
    """The unsigned document that accepting now would fix, under the name `name`.

    Only what acceptance draws at random (identifiers, status index, salt) is a stand-in.
    """
    check_address(session, badge_url)
    return build(
        award,
        Fixed.preview(now),
        name=clean_name(name),
        email=_person(session, award.person_id).verified_email,
        facts=_facts(session, award),
        badge_url=badge_url,
    )


def accept(
    session: Session,
    award_id: uuid.UUID,
    person_id: uuid.UUID,
    *,
    name: str | None,
    badge_url: str,
    now: datetime,
) -> Credential:
    """Accept one's own award under `name` (None: no name on it) and have it signed.

    Everything that goes under the signature is fixed here. Accepting again, from another tab or by
    a second press, returns the credential there is. A declined award may still be accepted.

    Raises NotFoundError for somebody else's award, UnprocessableError for a name that cannot stand
    on a badge, GoneError where the badge's validity has ended, ConflictError for a test student and
    where badges were issued under another address before.
    """
    award = _locked_award(session, award_id, person_id)
    if award.state == "accepted" and (found := credential_of(session, award)) is not None:
        return found
    refuse_test_student(session, person_id)
    chosen = clean_name(name)
    ends = valid_until(award, micro_credential(award.version))
    if ends is not None and ends <= now:
        raise GoneError(_("The time in which this badge was valid has ended."), code="award_lapsed")
    keep_address(session, badge_url, now)
    credential = _fix(session, award, chosen, badge_url, now)
    award.state, award.answered_at = "accepted", now
    publish_message(
        session,
        SIGN,
        str(credential.id),
        {"credential_id": str(credential.id)},
        organisation_id=award.owner_id,
    )
    session.flush()
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
    credential = _locked_own(session, credential_id, person_id)
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
    credential = _locked_own(session, credential_id, person_id)
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
    text = reason.strip()
    if not text or len(text) > REASON_LIMIT:
        raise UnprocessableError(
            _("Say why, in at most %(limit)d characters.", limit=REASON_LIMIT),
            code="reason_missing",
            fields={"reason": _("Everybody who opens the badge will read this.")},
        )
    credential = session.scalar(
        select(Credential)
        .where(Credential.id == credential_id)
        .with_for_update(of=Credential)
        .execution_options(populate_existing=True)
    )
    if credential is None:
        raise NotFoundError(_("There is no badge at this address."), code="credential_unknown")
    if credential.state == "revoked":
        return credential
    credential.state, credential.revoked_at, credential.revocation_reason = "revoked", now, text
    session.flush()
    set_bit(session, credential.status_list_id, credential.status_index, now)
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
    return credential


def badge_fact(credential: Credential, at: datetime, *, revoked: bool = False) -> BadgeFact:
    """The fact that a credential puts into its holder's ledger; revoking supersedes it."""
    return BadgeFact(
        source="credential",
        source_id=str(credential.id),
        revision=1 if revoked else 0,
        at=at,
        achievement=str(credential.version.achievement_id),
        credential=str(credential.id),
        valid_from=credential.accepted_at,
        valid_until=credential.valid_until,
        revoked=revoked,
    )


def clean_name(name: str | None) -> str | None:
    """The name as it will stand on the badge: one line, single spaces, NFC; None for none.

    Raises UnprocessableError for an empty or overlong name, or one with invisible characters.
    """
    if name is None:
        return None
    text = " ".join(unicodedata.normalize("NFC", name).split())
    if not text or len(text) > NAME_LIMIT or any(_hidden(char) for char in text):
        raise UnprocessableError(
            _("This name cannot stand on the badge."),
            code="name_unusable",
            fields={
                "name": _(
                    "Write the name as others should read it, in 1 to %(limit)d letters.",
                    limit=NAME_LIMIT,
                )
            },
        )
    return text


def _fix(
    session: Session, award: Award, name: str | None, badge_url: str, now: datetime
) -> Credential:
    """Write the credential with all that its signature will cover."""
    email = _person(session, award.person_id).verified_email
    facts = _facts(session, award)
    issuer = award.version.achievement.issuer
    for attempt in range(_DRAWS):
        status_list, index = allocate(session, issuer, now)
        fixed = Fixed.fresh(status_list.id, index, now)
        credential = Credential(
            **owner_like(award),
            id=fixed.credential_id,
            award_id=award.id,
            person_id=award.person_id,
            issuer_id=issuer.id,
            achievement_version_id=award.achievement_version_id,
            state="accepted",
            recipient_name=name,
            unsigned=build(award, fixed, name=name, email=email, facts=facts, badge_url=badge_url),
            status_list_id=status_list.id,
            status_index=index,
            proof_created_at=fixed.valid_from,
            awarded_at=award.granted_at,
            accepted_at=fixed.valid_from,
            valid_until=valid_until(award, micro_credential(award.version)),
        )
        try:
            with session.begin_nested():
                session.add(credential)
        except IntegrityError:
            # Somebody drew the same index in the same moment.
            if attempt == _DRAWS - 1:
                raise
            continue
        count_allocation(session, status_list.id)
        break
    credential.issuer, credential.version = issuer, award.version
    return credential


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


def _locked_own(session: Session, credential_id: uuid.UUID, person_id: uuid.UUID) -> Credential:
    with unscoped(session, _OWN):
        found = session.scalar(
            select(Credential)
            .where(Credential.id == credential_id, Credential.person_id == person_id)
            .with_for_update(of=Credential)
            .execution_options(populate_existing=True)
        )
    if found is None:
        raise NotFoundError(
            _("There is no badge of yours at this address."), code="credential_unknown"
        )
    return found


def _person(session: Session, person_id: uuid.UUID) -> Person:
    with unscoped(session, "the holder of an award that the caller has in hand"):
        return session.get_one(Person, person_id)


def _facts(session: Session, award: Award) -> list[Fact]:
    return facts_by_key(session, award.person_id, Receipt.from_dict(award.receipt).facts)


def _hidden(char: str) -> bool:
    """Control and format characters: they could make a name read as another one."""
    return unicodedata.category(char)[0] == "C" and char not in _JOINERS


__all__ = [
    "OFFERED", "REVOKED", "SIGN", "accept", "award", "awards", "badge_fact", "clean_name",
    "credential_of", "credentials", "decline", "grant", "offer", "offers", "own_credential",
    "preview", "public_credential", "publish", "revoke", "rows", "unpublish",
]  # fmt: skip
