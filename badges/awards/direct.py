"""A badge awarded by a person instead of a rule: by a programme lead, or by an operator's command.

It leaves an attestation in the ledger and a receipt that says so, and it is offered like any
other: nothing is issued that the learner did not accept.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.models import AchievementVersion
from badges.awards.granting import Receipt, offer
from badges.awards.models import Award, Credential
from badges.pathways.facts import AttestationFact
from badges.pathways.ledger import insert_fact, lock_enrolments
from badges.pathways.models import Enrolment
from badges.pathways.service import enrol
from core import audit
from core.errors import ConflictError, NotAllowedError
from core.identity import Person, Role, RoleGrant, owner_like
from core.scope import unscoped

SOURCE = "direct"
OPERATOR = "operator"
_MAY_AWARD = (Role.LEAD.value, Role.ADMINISTRATOR.value)


def issue_directly(
    session: Session,
    person: Person,
    version: AchievementVersion,
    *,
    actor: Person | None,
    now: datetime,
) -> Award:
    """Offer `person` the badge of `version` without a rule.

    `actor` must be a programme lead or administrator of the person's organisation or one above it;
    None stands for the operator of the installation. Raises NotAllowedError, or ConflictError where
    the person holds the badge or has the offer already.
    """
    role = _role(session, actor, person)
    lock_enrolments(session, person.id)
    enrolment = _fresh_enrolment(session, enrol(session, person, version, now), now)
    fact = AttestationFact(
        source=SOURCE,
        source_id=str(enrolment.id),
        revision=0,
        at=now,
        statement=f"award:{version.achievement_id}",
        role=role,
        by=str(actor.id) if actor else OPERATOR,
    )
    insert_fact(session, person, fact, now)
    receipt = Receipt(
        rule_hash=enrolment.version.rule_hash,
        pathway_version=enrolment.pathway_version_id,
        evaluated_at=now,
        facts=(fact.key,),
        basis=SOURCE,
    )
    award = offer(session, enrolment, receipt, now)
    if award is None:
        raise _already()
    audit.record(
        session,
        owner=award,
        actor_id=actor.id if actor else None,
        action="award.direct",
        subject=award,
        about_id=person.id,
        now=now,
    )
    return award


def _role(session: Session, actor: Person | None, person: Person) -> str:
    """The role in which `actor` may award to `person`."""
    if actor is None:
        return OPERATOR
    with unscoped(session, "grants of one person, compared with the learner's place in the tree"):
        grants = session.execute(
            select(RoleGrant.role, RoleGrant.owner_path).where(
                RoleGrant.person_id == actor.id,
                RoleGrant.context_id.is_(None),
                RoleGrant.ended_at.is_(None),
                RoleGrant.role.in_(_MAY_AWARD),
            )
        ).all()
    roles = [role for role, path in grants if person.owner_path.startswith(path)]
    if not roles or actor.id == person.id:
        raise NotAllowedError(
            _("Only a programme lead or an administrator awards a badge, and never to themselves."),
            code="award_not_allowed",
        )
    return str(min(roles, key=_MAY_AWARD.index))


def _fresh_enrolment(session: Session, enrolment: Enrolment, now: datetime) -> Enrolment:
    """An enrolment without an award: this one, or the next cycle once its badge was revoked."""
    with unscoped(session, "the awards of the enrolment in hand"):
        found = session.scalar(select(Award).where(Award.enrolment_id == enrolment.id))
        if found is None:
            return enrolment
        states = set(
            session.scalars(select(Credential.state).where(Credential.award_id == found.id))
        )
    if found.state != "accepted" or states != {"revoked"}:
        raise _already()
    fresh = Enrolment(
        **owner_like(enrolment),
        id=uuid.uuid4(),
        person_id=enrolment.person_id,
        pathway_id=enrolment.pathway_id,
        pathway_version_id=enrolment.pathway_version_id,
        state="active",
        cycle=enrolment.cycle + 1,
        enrolled_at=now,
    )
    fresh.version = enrolment.version
    session.add(fresh)
    session.flush()
    return fresh


def _already() -> ConflictError:
    return ConflictError(
        _("This person holds this badge, or has the offer of it, already."), code="award_exists"
    )
