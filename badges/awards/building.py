"""From an award to the credential document (Open Badges 3.0), without a signature.

Evidence is described by kind and never linked; the recipient's address appears only hashed, and
only where somebody we trust has verified it; the subject's id is made for this credential alone,
so that two badges of one person cannot be linked by it.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from badges.achievements.addresses import (
    achievement_image_url,
    achievement_url,
    credential_url,
    issuer_url,
    status_list_url,
)
from badges.achievements.document import Criterion, MicroCredential
from badges.achievements.models import AchievementVersion, Issuer
from badges.achievements.service import micro_credential
from badges.awards.granting import Receipt
from badges.awards.kinds import kind_name
from badges.awards.models import Award
from badges.openbadges import model as ob
from badges.pathways.facts import REVIEW_ROLES, DecisionFact, Fact
from badges.period import Period

NIL = uuid.UUID(int=0)


@dataclass(frozen=True)
class Fixed:
    """What acceptance fixes for ever. `salt` is used only with an address."""

    credential_id: uuid.UUID
    subject_id: uuid.UUID
    status_list_id: uuid.UUID
    status_index: int
    salt: str
    valid_from: datetime

    @classmethod
    def fresh(cls, status_list_id: uuid.UUID, status_index: int, now: datetime) -> Fixed:
        """New identifiers and a new salt, for an acceptance at `now`."""
        return cls(
            uuid.uuid4(),
            uuid.uuid4(),
            status_list_id,
            status_index,
            secrets.token_urlsafe(18),
            now.replace(microsecond=0),
        )

    @classmethod
    def preview(cls, now: datetime) -> Fixed:
        """Stand-ins for what is not fixed before acceptance."""
        return cls(NIL, NIL, NIL, 0, "0" * 24, now.replace(microsecond=0))


def build(
    award: Award,
    fixed: Fixed,
    *,
    name: str | None,
    email: str | None,
    facts: Iterable[Fact],
    badge_url: str,
) -> dict[str, Any]:
    """The unsigned document of `award`.

    Args:
        name: the name the learner chose for the badge; None leaves it out.
        email: a verified address or None; only its salted hash is written.
        facts: those that the award's receipt names.
        badge_url: the origin of all badge addresses.
    """
    version = award.version
    document = micro_credential(version)
    decision = _decision(award, facts)
    status_url = status_list_url(badge_url, fixed.status_list_id)
    return ob.AchievementCredential(
        id=credential_url(badge_url, fixed.credential_id),
        name=document.name,
        description=document.description,
        issuer=issuer_profile(version.achievement.issuer, badge_url),
        valid_from=fixed.valid_from,
        valid_until=valid_until(award, document),
        awarded_date=award.granted_at,
        credential_subject=ob.AchievementSubject(
            id=f"urn:uuid:{fixed.subject_id}",
            identifier=tuple(_identifiers(name, email, fixed.salt)),
            achievement=achievement(version, badge_url),
            narrative=_narrative(award),
            result=tuple(_results(version, document, decision, badge_url)),
        ),
        evidence=tuple(_evidence(document, decision)),
        credential_schema=(ob.CredentialSchema(),),
        credential_status=ob.BitstringStatusListEntry(
            id=f"{status_url}#{fixed.status_index}",
            status_list_credential=status_url,
            status_list_index=str(fixed.status_index),
        ),
    ).to_document()


def valid_until(award: Award, document: MicroCredential) -> datetime | None:
    """The end of the badge's validity, counted from the award, to the second; None is for ever."""
    if document.validity is None:
        return None
    return Period.parse(document.validity).after(award.granted_at).replace(microsecond=0)


def issuer_profile(issuer: Issuer, badge_url: str) -> ob.Profile:
    """The issuer as badges carry it: an object with its name, because wallets show that."""
    return ob.Profile(
        id=issuer.did,
        name=issuer.name,
        url=issuer.url or issuer_url(badge_url, issuer.slug),
        email=issuer.email,
        description=issuer.description,
    )


def achievement(version: AchievementVersion, badge_url: str) -> ob.Achievement:
    """The achievement of a version, with a result description for each criterion."""
    document = micro_credential(version)
    address = achievement_url(badge_url, version.id)
    return ob.Achievement(
        id=address,
        name=document.name,
        description=document.competency,
        achievement_type="MicroCredential",
        criteria=ob.Criteria(narrative=document.criteria_narrative, id=address),
        image=ob.Image(achievement_image_url(badge_url, version.id), caption=document.name),
        result_description=tuple(
            _description(address, criterion) for criterion in document.rubric.criteria
        ),
        alignment=tuple(
            ob.Alignment(
                target_name=item.name,
                target_url=item.url,
                target_code=item.code,
                target_framework=item.framework,
            )
            for item in document.alignment
        ),
        tag=document.tags,
        version=str(version.number),
    )


def _description(address: str, criterion: Criterion) -> ob.ResultDescription:
    levels = tuple(
        ob.RubricCriterionLevel(
            id=_level_id(address, criterion, number),
            name=level.name,
            description=level.description,
            level=str(number),
        )
        for number, level in enumerate(criterion.levels, 1)
    )
    return ob.ResultDescription.from_criterion(
        id=f"{address}#{criterion.id}",
        name=criterion.name,
        levels=levels,
        required_level=levels[criterion.required_level - 1].id,
    )


def _level_id(address: str, criterion: Criterion, number: int) -> str:
    # Identifiers hold no dot, so the pair stays unambiguous.
    return f"{address}#{criterion.id}.{criterion.level(number).id}"


def _identifiers(name: str | None, email: str | None, salt: str) -> Iterable[ob.IdentityObject]:
    if email:
        yield ob.IdentityObject.hashed_email(email, salt=salt)
    if name:
        yield ob.IdentityObject(hashed=False, identity_hash=name, identity_type="name")


def _decision(award: Award, facts: Iterable[Fact]) -> DecisionFact | None:
    """The decision on this very version of the micro-credential, if one was among the facts."""
    for fact in facts:
        if isinstance(fact, DecisionFact) and fact.achievement_version == str(
            award.achievement_version_id
        ):
            return fact
    return None


def _results(
    version: AchievementVersion,
    document: MicroCredential,
    decision: DecisionFact | None,
    badge_url: str,
) -> Iterable[ob.Result]:
    if decision is None:
        return
    address = achievement_url(badge_url, version.id)
    for criterion in document.rubric.criteria:
        number = decision.levels.get(criterion.id)
        if number is not None:
            yield ob.Result(
                result_description=f"{address}#{criterion.id}",
                achieved_level=_level_id(address, criterion, number),
            )


def _evidence(document: MicroCredential, decision: DecisionFact | None) -> Iterable[ob.Evidence]:
    """What was shown, in the micro-credential's own words: no file, no link, no text of theirs."""
    if decision is None:
        return
    asked_kinds = set()
    for asked in document.evidence_asked:
        if asked.kind in decision.evidence_kinds:
            asked_kinds.add(asked.kind)
            yield ob.Evidence(
                name=asked.title,
                genre=kind_name(asked.kind),
                description=_("Read by the reviewers and kept private."),
            )
    for kind in sorted(decision.evidence_kinds - asked_kinds):
        yield ob.Evidence(
            name=kind_name(kind),
            genre=kind_name(kind),
            description=_("Read by the reviewers and kept private."),
        )


def _narrative(award: Award) -> str:
    """Who decided, by role and date."""
    receipt = Receipt.from_dict(award.receipt)
    day = award.granted_at.date().isoformat()
    roles = [reviewer["role"] for reviewer in receipt.reviewers]
    words = [_count(role, roles.count(role)) for role in REVIEW_ROLES if role in roles]
    if receipt.basis == "direct":
        text = _("Awarded directly by the issuer on %(day)s.", day=day)
    elif words:
        text = _(
            "Reviewed by %(reviewers)s; decided on %(day)s.", reviewers=", ".join(words), day=day
        )
    else:
        text = _("All that the pathway asks for was met on %(day)s.", day=day)
    return str(text)


def _count(role: str, count: int) -> str:
    if count == 0:
        return ""
    if role == "peer":
        return str(ngettext("%(num)d peer", "%(num)d peers", count))
    if role == "coach":
        return str(ngettext("%(num)d coach", "%(num)d coaches", count))
    return str(ngettext("%(num)d adjudicator", "%(num)d adjudicators", count))
