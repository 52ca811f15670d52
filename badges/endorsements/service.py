"""Endorsing: give one's word, have it signed, let the endorsed side decide, take it back.

An endorsement is signed as soon as it is given, but it is public, and stands in documents of the
endorsed, only once the endorsed side shows it: nobody's words can be forced upon another's badge.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, undefer

from badges import ends
from badges.achievements.addresses import endorsement_url, status_list_url, terms_url
from badges.achievements.models import Achievement, AchievementVersion, Issuer
from badges.achievements.terms import in_force
from badges.awards.address import keep_address
from badges.awards.building import issuer_profile
from badges.awards.models import Credential
from badges.awards.reissuing import Change, reissue
from badges.awards.status import allocate, count_allocation, set_bit
from badges.endorsements.additions import of_credential
from badges.endorsements.models import Endorsement
from badges.endorsements.targets import Target
from badges.openbadges import model as ob
from badges.reasons import usable_reason
from core import audit, plain_text
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import owner_like
from core.outbox import publish as publish_message
from core.scope import unscoped
from core.unique import unless_taken

SIGN: Final = "endorsement.sign"
COMMENT_LIMIT: Final = 2000
_NAMED = "one endorsement, named by its id; the caller has checked who asks"
_ABOUT = "what others say of the caller's own issuers, achievements or badges"


def endorse(
    session: Session,
    issuer: Issuer,
    target: Target,
    comment: str,
    *,
    valid_until: datetime | None = None,
    shown: bool = False,
    actor_id: uuid.UUID | None,
    badge_url: str,
    now: datetime,
) -> Endorsement:
    """Give `issuer`'s word for `target` and have it signed; the caller has checked the role.

    `shown` is for those who answer for the endorsed side as well. Raises UnprocessableError for
    words that cannot stand, ConflictError where the issuer has endorsed the same before, or itself.
    """
    clean = _checked(comment, valid_until, now)
    if target.owner.id == issuer.id:
        raise ConflictError(
            _("An endorsement comes from somebody else: this belongs to the same issuer."),
            code="endorsed_oneself",
        )
    endorsed = ConflictError(
        _("%(issuer)s has endorsed this already.", issuer=issuer.name),
        code="endorsed_already",
        advice=_("Take the first endorsement back before you write another."),
    )
    if _live(session, issuer, target) is not None:
        raise endorsed
    keep_address(session, badge_url, now)
    status_list, index = allocate(session, issuer, now)
    begins = now.replace(microsecond=0)
    status_url = status_list_url(badge_url, status_list.id)
    terms = in_force(session, issuer.id)
    identifier = uuid.uuid4()
    unsigned = ob.EndorsementCredential(
        id=endorsement_url(badge_url, identifier),
        name=gettext("Endorsement: %(name)s", name=target.name),
        issuer=issuer_profile(issuer, badge_url),
        valid_from=begins,
        valid_until=valid_until,
        credential_subject=ob.EndorsementSubject(target.subject_id, clean),
        credential_status=ob.BitstringStatusListEntry(
            f"{status_url}#{index}", status_url, str(index)
        ),
        terms_of_use=(ob.TermsOfUse(terms_url(badge_url, issuer.slug, terms.number)),)
        if terms
        else (),
    ).to_document()
    made = Endorsement(
        **owner_like(issuer),
        **target.columns,
        id=identifier,
        issuer_id=issuer.id,
        about_name=target.name,
        comment=clean,
        valid_until=valid_until,
        answer="shown" if shown else "waiting",
        answered_at=now if shown else None,
        answered_by=actor_id if shown else None,
        unsigned=unsigned,
        status_list_id=status_list.id,
        status_index=index,
        made_at=begins,
        actor_id=actor_id,
    )
    with unless_taken(session, endorsed):
        session.add(made)
    session.refresh(made, ["issuer"])
    count_allocation(session, status_list.id)
    _note(session, made, "endorsement.made", actor_id, now)
    publish_message(
        session, SIGN, str(made.id), {"endorsement_id": str(made.id)},
        organisation_id=made.owner_id,
    )  # fmt: skip
    return made


def answer(
    session: Session,
    endorsement_id: uuid.UUID,
    *,
    shown: bool,
    actor_id: uuid.UUID,
    badge_url: str,
    now: datetime,
) -> Endorsement:
    """Show an endorsement in what is one's own, or hide it; the caller has checked whose it is.

    A badge is issued anew with it or without it. Raises ConflictError once it was taken back.
    """
    found = _locked(session, endorsement_id)
    if found.revoked_at is not None:
        raise ConflictError(
            _("This endorsement has been taken back by its issuer."), code="endorsement_revoked"
        )
    wanted = "shown" if shown else "hidden"
    if found.answer != wanted:
        found.answer, found.answered_at, found.answered_by = wanted, now, actor_id
        session.flush()
        _note(session, found, f"endorsement.{wanted}", actor_id, now)
        renew_badge(session, found, actor_id=actor_id, badge_url=badge_url, now=now)
    return found


def revoke(
    session: Session,
    endorsement_id: uuid.UUID,
    reason: str,
    *,
    actor_id: uuid.UUID | None,
    badge_url: str,
    now: datetime,
) -> Endorsement:
    """Take an endorsement back for ever. Idempotent; the caller has checked the role.

    Copies of it in badges that are out say from now on that it was withdrawn; the badges
    themselves hold as before. Raises UnprocessableError without a usable reason.
    """
    text = usable_reason(reason, _("Everybody who opens the endorsement will read this."))
    found = _locked(session, endorsement_id)
    if found.revoked_at is not None:
        return found
    found.revoked_at, found.revocation_reason = now, text
    session.flush()
    set_bit(session, found.status_list_id, found.status_index, now)
    _note(session, found, "endorsement.revoked", actor_id, now)
    renew_badge(session, found, actor_id=actor_id, badge_url=badge_url, now=now)
    return found


def renew_badge(
    session: Session,
    endorsement: Endorsement,
    *,
    actor_id: uuid.UUID | None,
    badge_url: str,
    now: datetime,
) -> None:
    """Issue the endorsed badge anew with what is to stand in it, if anything is different."""
    if endorsement.about_credential_id is None or endorsement.signed_at is None:
        return
    with unscoped(session, "the badge that the endorsement names"):
        credential = session.get_one(Credential, endorsement.about_credential_id)
        if credential.state != "signed":
            return
        change = Change(reason="endorsed", endorsement=of_credential(session, credential.id, now))
        reissue(session, credential.id, change, actor_id=actor_id, badge_url=badge_url, now=now)


def given(session: Session) -> list[Endorsement]:
    """What issuers in the session's scope have endorsed, the latest first."""
    return list(
        session.scalars(select(Endorsement).order_by(Endorsement.made_at.desc(), Endorsement.id))
    )


def received(session: Session, issuers: Iterable[uuid.UUID]) -> list[Endorsement]:
    """What others have said of these issuers and their micro-credentials, the latest first."""
    wanted = list(issuers)
    versions = (
        select(AchievementVersion.id)
        .join(Achievement, Achievement.id == AchievementVersion.achievement_id)
        .where(Achievement.issuer_id.in_(wanted))
    )
    with unscoped(session, _ABOUT):
        return list(
            session.scalars(
                select(Endorsement)
                .where(
                    or_(
                        Endorsement.about_issuer_id.in_(wanted),
                        Endorsement.about_version_id.in_(versions),
                    ),
                    Endorsement.signed_at.is_not(None),
                )
                .order_by(Endorsement.made_at.desc(), Endorsement.id)
            )
        )


def of_badge(session: Session, credential_id: uuid.UUID) -> list[Endorsement]:
    """What was said of one badge and still stands, the latest first; for its holder."""
    with unscoped(session, _ABOUT):
        return list(
            session.scalars(
                select(Endorsement)
                .where(
                    Endorsement.about_credential_id == credential_id,
                    Endorsement.signed_at.is_not(None),
                    Endorsement.revoked_at.is_(None),
                )
                .order_by(Endorsement.made_at.desc(), Endorsement.id)
            )
        )


def waiting_for(
    session: Session, person_id: uuid.UUID, now: datetime
) -> list[tuple[Endorsement, Credential]]:
    """What was said of somebody's own badges and waits for their answer, the latest first."""
    with unscoped(session, _ABOUT):
        rows = session.execute(
            select(Endorsement, Credential)
            .join(Credential, Credential.id == Endorsement.about_credential_id)
            .where(Credential.person_id == person_id, Credential.state == "signed", *waits(now))
            .order_by(Endorsement.made_at.desc(), Endorsement.id)
        )
        return [(one, credential) for one, credential in rows]


def waits(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """For a query: that an endorsement holds, and nobody has said whether it is shown."""
    return (
        Endorsement.answer == "waiting",
        Endorsement.signed_at.is_not(None),
        Endorsement.revoked_at.is_(None),
        or_(Endorsement.valid_until.is_(None), Endorsement.valid_until > now),
    )


def find(session: Session, endorsement_id: uuid.UUID) -> Endorsement:
    """An endorsement by its id, whoever may see it. Raises NotFoundError."""
    with unscoped(session, _NAMED):
        return _known(session.get(Endorsement, endorsement_id))


def public(session: Session, endorsement_id: uuid.UUID) -> Endorsement:
    """One that the endorsed side shows, or showed before it was taken back, with its documents."""
    with unscoped(session, _NAMED):
        found = _known(
            session.scalar(
                select(Endorsement)
                .where(
                    Endorsement.id == endorsement_id,
                    Endorsement.answer == "shown",
                    Endorsement.signed_at.is_not(None),
                )
                .options(undefer(Endorsement.document), undefer(Endorsement.jwt))
            )
        )
        if found.about_credential_id is not None:
            credential = session.get_one(Credential, found.about_credential_id)
            if credential.published_at is None:
                return _known(None)
        return found


def until_fault(valid_until: datetime | None, now: datetime) -> LazyString | None:
    """Why an endorsement cannot be good until then; None where it can."""
    early = _("Choose a day that is still to come, or none.")
    return ends.fault_of(valid_until, after=now, early=early, now=now)


def _checked(comment: str, valid_until: datetime | None, now: datetime) -> str:
    clean = "\n".join(line.rstrip() for line in comment.strip().splitlines())
    faults: dict[str, Any] = {}
    fault = plain_text.text_fault(clean, COMMENT_LIMIT)
    if not clean:
        fault = _(
            "Say what you endorse it for, in at most %(limit)d characters.", limit=COMMENT_LIMIT
        )
    if fault is not None:
        faults["comment"] = fault
    if late := until_fault(valid_until, now):
        faults["until"] = late
    if faults:
        raise UnprocessableError(
            _("This endorsement cannot be signed as it is."),
            code="endorsement_invalid",
            fields=faults,
        )
    return clean


def _live(session: Session, issuer: Issuer, target: Target) -> Endorsement | None:
    """The issuer's endorsement of the same that stands; the issuer's row stays locked."""
    ((name, value),) = target.columns.items()
    with unscoped(session, _NAMED):
        session.execute(select(Issuer.id).where(Issuer.id == issuer.id).with_for_update())
        return session.scalar(
            select(Endorsement).where(
                Endorsement.issuer_id == issuer.id,
                getattr(Endorsement, name) == value,
                Endorsement.revoked_at.is_(None),
            )
        )


def _locked(session: Session, endorsement_id: uuid.UUID) -> Endorsement:
    with unscoped(session, _NAMED):
        return _known(
            session.scalar(
                select(Endorsement)
                .where(Endorsement.id == endorsement_id)
                .with_for_update(of=Endorsement)
                .execution_options(populate_existing=True)
            )
        )


def _known(found: Endorsement | None) -> Endorsement:
    if found is None:
        raise NotFoundError(
            _("There is no endorsement at this address."), code="endorsement_unknown"
        )
    return found


def _note(
    session: Session,
    endorsement: Endorsement,
    action: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> None:
    audit.record(
        session, owner=endorsement, actor_id=actor_id, action=action, subject=endorsement, now=now
    )
