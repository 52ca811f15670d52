"""Accepting: everything that goes under the signature is fixed here, for one badge or for many.

Many are accepted in one transaction with few statements; one is many of one. The awards are locked
in the order of their ids, then the issuer's status list, in which places are drawn.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import inspect, select, tuple_
from sqlalchemy.orm import Session, make_transient_to_detached, selectinload

from badges.achievements.models import Issuer
from badges.achievements.service import micro_credential
from badges.awards.address import keep_address
from badges.awards.building import Fixed, Shared, build, valid_until
from badges.awards.granting import Receipt, refuse_test_student
from badges.awards.hashed import AddressChoice, chosen_address
from badges.awards.models import Award, Credential
from badges.awards.naming import clean_name
from badges.awards.reading import credential_of
from badges.awards.status import allocate_many, count_allocation
from badges.endorsements.additions import additions
from badges.pathways.fact_json import from_dict
from badges.pathways.facts import Fact
from badges.pathways.models import FactRow
from core.errors import GoneError, NotFoundError
from core.identity import Person, owner_like
from core.scope import unscoped
from core.together import insert_rows, publish_all

SIGN: Final = "credential.sign"
_COLUMNS: Final = tuple(column.key for column in inspect(Credential).column_attrs)
# What a credential has only later.
_NOT_YET: Final[dict[str, Any]] = {
    "document": None, "jwt": None, "signed_at": None, "published_at": None, "revoked_at": None,
    "revocation_reason": None, "revision": 1, "revised_at": None,
}  # fmt: skip
_OWN = "people's own awards, each found by its id and its person's"


@dataclass(frozen=True)
class Answer:
    """A person's yes to an award of theirs, and the name for the badge (None: no name on it).

    `address` says which verified address of theirs the badge carries as a hash.
    """

    award_id: uuid.UUID
    person_id: uuid.UUID
    name: str | None
    address: AddressChoice = "school"


def accept_all(
    session: Session, answers: Sequence[Answer], *, badge_url: str, now: datetime
) -> list[Credential]:
    """Accept what `answers` say and have it signed; their credentials, in the same order.

    What was accepted before keeps the credential there is. Raises as `service.accept` does, at the
    first award that cannot be accepted: then none is.
    """
    awards = _locked(session, answers)
    made: dict[uuid.UUID, Credential] = {}
    fresh: list[tuple[Award, str | None]] = []
    emails: dict[uuid.UUID, str | None] = {}
    people = _people(session, answers)
    for answer in answers:
        award = awards[answer.award_id]
        if award.state == "accepted" and (found := credential_of(session, award)) is not None:
            made[award.id] = found
            continue
        if people[answer.person_id].is_test:
            refuse_test_student(session, answer.person_id)
        chosen = clean_name(answer.name)
        ends = valid_until(award, micro_credential(award.version))
        if ends is not None and ends <= now:
            raise GoneError(
                _("The time in which this badge was valid has ended."), code="award_lapsed"
            )
        emails[award.id] = chosen_address(session, people[answer.person_id], answer.address)
        fresh.append((award, chosen))
    if fresh:
        keep_address(session, badge_url, now)
        made |= _fix(session, fresh, emails, badge_url, now)
    return [made[answer.award_id] for answer in answers]


def _locked(session: Session, answers: Sequence[Answer]) -> dict[uuid.UUID, Award]:
    with unscoped(session, _OWN):
        rows = session.scalars(
            select(Award)
            .where(Award.id.in_(sorted({answer.award_id for answer in answers})))
            .options(selectinload(Award.version))
            .order_by(Award.id)
            .with_for_update(of=Award)
            .execution_options(populate_existing=True)
        )
        found = {award.id: award for award in rows}
    for answer in answers:
        if answer.award_id not in found or found[answer.award_id].person_id != answer.person_id:
            raise NotFoundError(
                _("There is no badge of yours at this address."), code="award_unknown"
            )
    return found


def _people(session: Session, answers: Sequence[Answer]) -> dict[uuid.UUID, Person]:
    ids = {answer.person_id for answer in answers}
    with unscoped(session, "the holders of awards that the caller has in hand"):
        return {
            person.id: person
            for person in session.scalars(select(Person).where(Person.id.in_(ids)))
        }


def _fix(
    session: Session,
    fresh: Sequence[tuple[Award, str | None]],
    emails: Mapping[uuid.UUID, str | None],
    badge_url: str,
    now: datetime,
) -> dict[uuid.UUID, Credential]:
    """Write the credentials with all that their signatures will cover."""
    facts = _facts(session, [award for award, _name in fresh])
    made: dict[uuid.UUID, Credential] = {}
    alike: dict[uuid.UUID, Shared] = {}
    issuers = {award.version.achievement.issuer for award, _name in fresh}
    for issuer in sorted(issuers, key=lambda one: one.id):
        own = [pair for pair in fresh if pair[0].version.achievement.issuer is issuer]
        status_list, indexes = allocate_many(session, issuer, len(own), now)
        for (award, name), index in zip(own, indexes, strict=True):
            fixed = Fixed.fresh(status_list.id, index, now)
            if (shared := alike.get(award.achievement_version_id)) is None:
                added = additions(session, award.version, badge_url, now)
                shared = Shared.of(award.version, badge_url, added)
                alike[award.achievement_version_id] = shared
            unsigned = build(
                award, fixed, name=name, email=emails[award.id], facts=facts[award.id],
                badge_url=badge_url, shared=shared,
            )  # fmt: skip
            made[award.id] = _credential(award, issuer, fixed, name, unsigned)
            award.state, award.answered_at = "accepted", now
        count_allocation(session, status_list.id, len(own))
    _write(session, list(made.values()))
    publish_all(
        session,
        [
            (SIGN, str(one.id), {"credential_id": str(one.id)}, one.owner_id)
            for one in made.values()
        ],
    )
    return made


def _write(session: Session, made: Sequence[Credential]) -> None:
    """Insert the credentials at once and have the session know them."""
    session.flush()
    insert_rows(session, Credential, [{name: vars(one)[name] for name in _COLUMNS} for one in made])
    for one in made:
        make_transient_to_detached(one)
        session.add(one)


def _credential(
    award: Award, issuer: Issuer, fixed: Fixed, name: str | None, unsigned: dict[str, object]
) -> Credential:
    made = Credential(
        **owner_like(award),
        id=fixed.credential_id,
        award_id=award.id,
        person_id=award.person_id,
        issuer_id=issuer.id,
        achievement_version_id=award.achievement_version_id,
        state="accepted",
        recipient_name=name,
        unsigned=unsigned,
        status_list_id=fixed.status_list_id,
        status_index=fixed.status_index,
        proof_created_at=fixed.valid_from,
        awarded_at=award.granted_at,
        accepted_at=fixed.valid_from,
        valid_until=valid_until(award, micro_credential(award.version)),
        **_NOT_YET,
    )
    made.issuer, made.version = issuer, award.version
    return made


def _facts(session: Session, awards: Sequence[Award]) -> dict[uuid.UUID, list[Fact]]:
    """What each award's receipt names, of its own person's ledger."""
    keys = {award.id: Receipt.from_dict(award.receipt).facts for award in awards}
    wanted = sorted({key for some in keys.values() for key in some})
    found: dict[tuple[uuid.UUID, object], Fact] = {}
    if wanted:
        key = tuple_(FactRow.source, FactRow.source_id, FactRow.revision)
        people = {award.person_id for award in awards}
        with unscoped(session, _OWN):
            rows = session.execute(
                select(FactRow.person_id, FactRow.data).where(
                    FactRow.person_id.in_(people), key.in_(wanted)
                )
            ).all()
        for person_id, data in rows:
            fact = from_dict(data)
            found[person_id, fact.key] = fact
    return {
        award.id: [
            found[award.person_id, one] for one in keys[award.id] if (award.person_id, one) in found
        ]
        for award in awards
    }
