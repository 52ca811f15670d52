"""An endorsement waits: whoever has to say whether it is shown is told, once.

For a badge that is its holder; for an issuer or a micro-credential the leads of the organisation
that answers for it, or, where it has none, of the nearest one above.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.awards.models import Credential
from badges.endorsements import targets
from badges.endorsements.models import Endorsement
from badges.endorsements.service import waits
from core import identity, mail
from core.identity import Organisation, Role, RoleGrant
from core.letters import Letter
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.learning.notices import choices
from lti_tool.learning.notices.reader import PREFIX, Reader, reader_of

_WHY = "an endorsement that waits, and whoever has to answer it"


def queue(session: Session, runtime: Runtime, endorsement_id: uuid.UUID) -> int:
    """Have everybody told who may answer an endorsement, if it still waits; returns how many."""
    found = _waiting(session, runtime, endorsement_id)
    if found is None:
        return 0
    told = 0
    for person_id in _answering(session, runtime, found):
        addressee = choices.addressee(session, person_id, choices.ENDORSED)
        if addressee is None:
            continue
        person = addressee[0]
        told += mail.queue(
            session, runtime.config, PREFIX + choices.ENDORSED, f"{found.id}:{person.id}",
            {"endorsement_id": str(found.id), "person_id": str(person.id)},
            organisation_id=person.owner_id,
        )  # fmt: skip
    return told


def endorsed(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """An endorsement waits; None once it was answered, taken back, or is not theirs to answer."""
    found = _waiting(session, runtime, uuid.UUID(facts["endorsement_id"]))
    if found is None:
        return None
    reader = reader_of(runtime, session, uuid.UUID(facts["person_id"]), choices.ENDORSED)
    if reader is None or reader.person.id not in _answering(session, runtime, found):
        return None
    if found.about_credential_id is not None:
        return _to_holder(reader, found)
    return _to_lead(reader, found, targets.of(session, found, runtime.config.badge_url).owner.name)


def _to_holder(reader: Reader, found: Endorsement) -> Letter:
    _, issuer, name = reader.say, found.issuer.name, found.about_name
    return reader.letter(
        _("Somebody has put their name to your badge: %(name)s", name=name),
        [
            _("%(issuer)s has put its name to your badge “%(name)s”, and says:",
              issuer=issuer, name=name),
            "“" + found.comment + "”",
            _("Nobody else sees that unless you want them to. What you show is signed into the"
              " badge; you can leave it out again at any time."),
            *reader.way(),
        ],
    )  # fmt: skip


def _to_lead(reader: Reader, found: Endorsement, owner: str) -> Letter:
    _, issuer, name = reader.say, found.issuer.name, found.about_name
    return reader.letter(
        _("An endorsement waits for your answer: %(name)s", name=name),
        [
            _("%(issuer)s endorses “%(name)s”, and says:", issuer=issuer, name=name),
            "“" + found.comment + "”",
            _("Nobody else sees that until a programme lead of %(owner)s has answered. What you"
              " show stands in every badge made from then on.", owner=owner),
            _("Open Milepost from your course and choose “Endorsements”."),
        ],
    )  # fmt: skip


def _waiting(session: Session, runtime: Runtime, endorsement_id: uuid.UUID) -> Endorsement | None:
    with unscoped(session, _WHY):
        return session.scalar(
            select(Endorsement).where(Endorsement.id == endorsement_id, *waits(runtime.now()))
        )


def _answering(session: Session, runtime: Runtime, found: Endorsement) -> list[uuid.UUID]:
    """Who may say whether it is shown, under the ids of now; without whoever gave it."""
    with unscoped(session, _WHY):
        if found.about_credential_id is not None:
            credential = session.get_one(Credential, found.about_credential_id)
            people = [credential.person_id] if credential.state == "signed" else []
        else:
            owner = targets.of(session, found, runtime.config.badge_url).owner
            people = _leads(session, session.get_one(Organisation, owner.owner_id))
    people = [one for one in people if one != found.actor_id]
    return [identity.joined(session, one) or one for one in people]


def _leads(session: Session, place: Organisation) -> list[uuid.UUID]:
    """The leads and administrators of an organisation, or of the nearest one above that has any."""
    rows = session.execute(
        select(RoleGrant.owner_path, RoleGrant.person_id)
        .where(
            RoleGrant.role.in_([Role.LEAD.value, Role.ADMINISTRATOR.value]),
            RoleGrant.context_id.is_(None),
            RoleGrant.ended_at.is_(None),
            RoleGrant.owner_path.in_(place.scope.ancestors),  # its own path among them
        )
        .order_by(RoleGrant.person_id)
        .distinct()
    ).all()
    nearest = max((path for path, _person in rows), key=len, default="")
    return [person for path, person in rows if path == nearest]
