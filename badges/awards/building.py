"""From an award to the credential document (Open Badges 3.0), without a signature.

Evidence is described by kind and not linked (its earner may publish it later, see
`published_evidence`); the recipient's address appears only hashed, and only where somebody we trust
has verified it; the subject's id is made for this credential alone, so that two badges of one
person cannot be linked by it.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_date
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from badges.achievements.addresses import (
    achievement_image_url,
    achievement_url,
    class_2_url,
    credential_url,
    issuer_2_url,
    issuer_did,
    issuer_image_url,
    issuer_url,
    refresh_url,
    status_list_url,
)
from badges.achievements.document import Alignment, Criterion, MicroCredential, ResultAsked
from badges.achievements.models import AchievementVersion, Issuer
from badges.achievements.service import micro_credential
from badges.awards.beside import other_results
from badges.awards.evidence_entries import private_entries
from badges.awards.granting import Receipt
from badges.awards.models import Award
from badges.endorsements.additions import NONE, Additions
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


@dataclass(frozen=True)
class Shared:
    """What every badge of one version carries alike: its issuer, its achievement, the terms."""

    issuer: ob.Ready
    achievement: ob.Ready
    terms: str | None

    @classmethod
    def of(cls, version: AchievementVersion, badge_url: str, additions: Additions = NONE) -> Shared:
        """Put together once, with others' words for the issuer and the achievement."""
        issuer = issuer_profile(version.achievement.issuer, badge_url, additions.issuer)
        return cls(
            ob.Ready(issuer),
            ob.Ready(achievement(version, badge_url, additions.achievement)),
            additions.terms,
        )


def build(
    award: Award,
    fixed: Fixed,
    *,
    name: str | None,
    email: str | None,
    facts: Iterable[Fact],
    badge_url: str,
    shared: Shared | None = None,
) -> dict[str, Any]:
    """The unsigned document of `award`.

    Args:
        name: the name the learner chose for the badge; None leaves it out.
        email: a verified address or None; only its salted hash is written.
        facts: those that the award's receipt names.
        badge_url: the origin of all badge addresses.
        shared: what all badges of this version carry; nobody's words are added without it.
    """
    version = award.version
    document = micro_credential(version)
    shared = shared or Shared.of(version, badge_url)
    decision, receipt = decision_of(award, facts), Receipt.from_dict(award.receipt)
    levels = decision.levels if decision else receipt.levels
    status_url = status_list_url(badge_url, fixed.status_list_id)
    return ob.AchievementCredential(
        id=credential_url(badge_url, fixed.credential_id),
        name=document.name,
        description=document.description,
        issuer=shared.issuer,
        valid_from=fixed.valid_from,
        valid_until=valid_until(award, document),
        awarded_date=award.granted_at,
        credential_subject=ob.AchievementSubject(
            id=f"urn:uuid:{fixed.subject_id}",
            identifier=tuple(_identifiers(name, email, fixed.salt)),
            achievement=shared.achievement,
            narrative=_narrative(award),
            result=(
                *results(version, levels, badge_url),
                *other_results(version, receipt.results, badge_url, levels),
            ),
            credits_earned=_number(document.credits),
        ),
        evidence=tuple(private_entries(document, decision)),
        credential_schema=(ob.CredentialSchema(),),
        credential_status=ob.BitstringStatusListEntry(
            id=f"{status_url}#{fixed.status_index}",
            status_list_credential=status_url,
            status_list_index=str(fixed.status_index),
        ),
        refresh_service=ob.RefreshService(refresh_url(badge_url, fixed.credential_id)),
        terms_of_use=(ob.TermsOfUse(shared.terms),) if shared.terms else (),
    ).to_document()


def valid_until(award: Award, document: MicroCredential) -> datetime | None:
    """The end of the badge's validity, counted from the award, to the second; None is for ever."""
    if document.validity is None:
        return None
    return Period.parse(document.validity).after(award.granted_at).replace(microsecond=0)


def issuer_profile(
    issuer: Issuer, badge_url: str, endorsement: Sequence[ob.Endorsement] = ()
) -> ob.Profile:
    """The issuer as badges carry it: an object with its name, because wallets show that."""
    home = issuer_url(badge_url, issuer.slug)
    return ob.Profile(
        id=issuer.did,
        name=issuer.name,
        url=issuer.url or home,
        email=issuer.email,
        phone=issuer.phone,
        description=issuer.description,
        image=ob.Image(issuer_image_url(badge_url, issuer.slug), caption=issuer.name)
        if issuer.image
        else None,
        address=ob.Address(**issuer.address) if issuer.address else None,
        other_identifier=(
            *(
                ob.IdentifierEntry(item["identifier"], item["type"])
                for item in issuer.identifiers or ()
            ),
            # Who knows the issuer from badges of Open Badges 2.0 knows it by this (R55).
            ob.IdentifierEntry(issuer_2_url(badge_url, issuer.slug), "identifier"),
        ),
        official=issuer.official,
        parent_org=_parent(issuer, badge_url),
        endorsement=endorsement,
    )


def _parent(issuer: Issuer, badge_url: str) -> ob.Profile | None:
    if issuer.parent_slug:
        return ob.Profile(
            id=issuer_did(badge_url, issuer.parent_slug),
            name=issuer.parent_name,
            url=issuer_url(badge_url, issuer.parent_slug),
        )
    if issuer.parent_url:
        return ob.Profile(id=issuer.parent_url, name=issuer.parent_name, url=issuer.parent_url)
    return None


def achievement(
    version: AchievementVersion, badge_url: str, endorsement: Sequence[ob.Endorsement] = ()
) -> ob.Achievement:
    """The achievement of a version, with a result description for each criterion."""
    document = micro_credential(version)
    address = achievement_url(badge_url, version.id)
    return ob.Achievement(
        id=address,
        name=document.name,
        description=document.competency,
        achievement_type=document.achievement_type,
        criteria=ob.Criteria(narrative=document.criteria_narrative, id=address),
        image=ob.Image(achievement_image_url(badge_url, version.id), caption=document.name),
        result_description=(
            *(_description(address, criterion) for criterion in document.rubric.criteria),
            *(_result_described(address, result) for result in document.results),
        ),
        alignment=_alignments(document.alignment),
        credits_available=_number(document.credits),
        field_of_study=document.field_of_study,
        specialization=document.specialization,
        human_code=document.human_code,
        in_language=document.language,
        related=(
            *(ob.Related(item.url, item.language, item.version) for item in document.related),
            ob.Version2Class(class_2_url(badge_url, version.id)),
        ),
        other_identifier=tuple(
            ob.IdentifierEntry(item.identifier, item.type) for item in document.identifiers
        ),
        tag=document.tags,
        version=str(version.number),
        endorsement=endorsement,
    )


def _alignments(alignments: Iterable[Alignment]) -> tuple[ob.Alignment, ...]:
    return tuple(
        ob.Alignment(
            target_name=item.name,
            target_url=item.url,
            target_code=item.code,
            target_description=item.description,
            target_framework=item.framework,
            target_type=item.target_type,
        )
        for item in alignments
    )


def _number(text: str | None) -> float | None:
    """A number kept as text, whole where it is whole."""
    if text is None:
        return None
    value = float(text)
    return int(value) if value.is_integer() else value


def _description(address: str, criterion: Criterion) -> ob.ResultDescription:
    levels = tuple(
        ob.RubricCriterionLevel(
            id=_level_id(address, criterion, number),
            name=level.name,
            description=level.description,
            level=str(number),
            points=level.points,
        )
        for number, level in enumerate(criterion.levels, 1)
    )
    return ob.ResultDescription.from_criterion(
        id=f"{address}#{criterion.id}",
        name=criterion.name,
        levels=levels,
        required_level=levels[criterion.required_level - 1].id,
        alignment=_alignments(criterion.alignment),
    )


def _result_described(address: str, result: ResultAsked) -> ob.ResultDescription:
    return ob.ResultDescription(
        id=f"{address}#{result.id}",
        name=result.name,
        result_type=result.type,
        allowed_value=result.allowed,
        required_value=result.required,
        value_min=result.minimum,
        value_max=result.maximum,
    )


def _level_id(address: str, criterion: Criterion, number: int) -> str:
    # Identifiers hold no dot, so the pair stays unambiguous.
    return f"{address}#{criterion.id}.{criterion.level(number).id}"


def _identifiers(name: str | None, email: str | None, salt: str) -> Iterable[ob.IdentityObject]:
    if email:
        yield ob.IdentityObject.hashed_email(email, salt=salt)
    if name:
        yield ob.IdentityObject(hashed=False, identity_hash=name, identity_type="name")


def decision_of(award: Award, facts: Iterable[Fact]) -> DecisionFact | None:
    """The decision on this very version of the micro-credential, if one was among the facts."""
    for fact in facts:
        if isinstance(fact, DecisionFact) and fact.achievement_version == str(
            award.achievement_version_id
        ):
            return fact
    return None


def results(
    version: AchievementVersion, levels: Mapping[str, int], badge_url: str
) -> Iterable[ob.Result]:
    """The results of `version` for the levels that were reached, by criterion id."""
    address = achievement_url(badge_url, version.id)
    for criterion in micro_credential(version).rubric.criteria:
        number = levels.get(criterion.id)
        if number is not None:
            yield ob.Result(
                result_description=f"{address}#{criterion.id}",
                achieved_level=_level_id(address, criterion, number),
            )


def _narrative(award: Award) -> str:
    """Who decided, by role and date, in the language of whoever accepts."""
    receipt = Receipt.from_dict(award.receipt)
    day = format_date(award.granted_at.date(), _("d MMMM y"), locale=get_locale() or "en")
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
