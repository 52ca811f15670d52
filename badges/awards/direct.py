"""A badge awarded by a person instead of a rule: by a programme lead, or by an operator's command.

It leaves an attestation in the ledger and a receipt that says so, and it is offered like any
other: nothing is issued that the learner did not accept.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.document import MicroCredential
from badges.achievements.models import AchievementVersion
from badges.achievements.reading import result_fault
from badges.achievements.service import micro_credential
from badges.awards.granting import Receipt, Told, offer
from badges.awards.models import Award, Credential
from badges.pathways.facts import AttestationFact
from badges.pathways.ledger import insert_fact, lock_enrolments
from badges.pathways.models import Enrolment
from badges.pathways.service import enrol
from core import audit
from core.errors import ConflictError, NotAllowedError, UnprocessableError
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
    results: Mapping[str, str] | None = None,
    levels: Mapping[str, int] | None = None,
) -> Award:
    """Offer `person` the badge of `version` without a rule.

    `results` gives values of the micro-credential's results beside its rubric, by their ids;
    `levels` what was reached in the lines of the rubric, as numbers from 1. Raises
    UnprocessableError where the badge cannot tell them, as the version that the person began with
    says.

    `actor` must be a programme lead or administrator of the person's organisation or one above it;
    None stands for the operator of the installation. Raises NotAllowedError, or ConflictError where
    the person holds the badge or has the offer already.
    """
    told = Told(levels or {}, results or {})
    document = micro_credential(version)
    _refuse_results(document, told)
    role = may_award(roles_over(session, actor), actor, person) if actor else OPERATOR
    lock_enrolments(session, person.id)
    enrolment = _fresh_enrolment(session, enrol(session, person, version, now), now)
    if told != Told():
        with unscoped(session, "the version that the enrolment is pinned to"):
            begun = session.get_one(AchievementVersion, enrolment.version.achievement_version_id)
        _refuse_results(micro_credential(begun), told, document)
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
        results=told.values,
        levels=told.levels,
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


def _refuse_results(
    document: MicroCredential, told: Told, meant: MicroCredential | None = None
) -> None:
    """Raise UnprocessableError unless `document` knows and allows each of them.

    `meant` is another version that they were given for: levels have to be the same in both.
    """
    faults: dict[str, Any] = {}
    levels, same = _level_ids(document), _level_ids(meant or document)
    for item in told.levels.items():
        if item not in levels or levels[item] != same.get(item):
            faults[f"levels.{item[0]}"] = _("Choose one of the levels.")
    results = {asked.id: asked for asked in document.results}
    for name, value in told.values.items():
        if name not in results:
            faults[f"results.{name}"] = _("This micro-credential has no such result.")
        elif fault := result_fault(results[name], value):
            faults[f"results.{name}"] = fault
    if faults:
        raise UnprocessableError(
            _("These results cannot be told by the badge."), code="results_invalid", fields=faults
        )


def _level_ids(document: MicroCredential) -> dict[tuple[str, int], str]:
    return {
        (criterion.id, number): level.id
        for criterion in document.rubric.criteria
        for number, level in enumerate(criterion.levels, 1)
    }


def roles_over(session: Session, actor: Person) -> list[tuple[str, str]]:
    """Where `actor` may award, and in which role: (role, path of the organisation)."""
    with unscoped(session, "grants of one person, compared with the learner's place in the tree"):
        grants = session.execute(
            select(RoleGrant.role, RoleGrant.owner_path).where(
                RoleGrant.person_id == actor.id,
                RoleGrant.context_id.is_(None),
                RoleGrant.ended_at.is_(None),
                RoleGrant.role.in_(_MAY_AWARD),
            )
        ).all()
    return [(str(role), str(path)) for role, path in grants]


def may_award(grants: Sequence[tuple[str, str]], actor: Person, person: Person) -> str:
    """The role in which `actor` awards to `person`. Raises NotAllowedError where there is none."""
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
