"""One's own badge, looked up by its award; and the person of this visit."""

from __future__ import annotations

import uuid

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.awards import service as awards
from badges.awards.batches.models import Newcomer
from badges.awards.models import Award, Credential
from core.errors import NotFoundError
from core.identity import Person
from core.scope import unscoped


def own_badge(
    session: Session, award_id: uuid.UUID, person_id: uuid.UUID
) -> tuple[Award, Credential]:
    """A person's award with its credential, signed forms aside.

    Raises NotFoundError for somebody else's, and for an award that was not accepted.
    """
    award = awards.award(session, award_id, person_id)
    credential = awards.credential_of(session, award)
    if credential is None:
        raise NotFoundError(
            _("There is no badge of yours at this address."), code="credential_unknown"
        )
    return award, credential


def own_signed(session: Session, award_id: uuid.UUID, person_id: uuid.UUID) -> Credential:
    """A person's credential with its signed forms loaded; raises as `own_badge`."""
    _award, credential = own_badge(session, award_id, person_id)
    return awards.own_credential(session, credential.id, person_id)


def was_invited(session: Session, person_id: uuid.UUID) -> bool:
    """Whether the person came to be known here by an address that a lead wrote to."""
    with unscoped(session, "whether the person of this session was invited, wherever it was"):
        found = select(Newcomer.id).where(Newcomer.person_id == person_id).limit(1)
        return session.scalar(found) is not None


def own_person(session: Session, person_id: uuid.UUID) -> Person:
    """The person of this visit."""
    with unscoped(session, "the person of this session, who may belong to another school"):
        return session.get_one(Person, person_id)
