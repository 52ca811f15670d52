"""Looking up awards and credentials: a person's own, and what the public may see."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session, lazyload, undefer
from sqlalchemy.orm.attributes import set_committed_value

from badges.achievements.service import micro_credential
from badges.awards.models import Award, Credential
from core.errors import NotFoundError
from core.identity import Person
from core.scope import unscoped

SignedForm = Literal["document", "jwt"]

_OWN = "a person's own awards and credentials, found by their id and the person's"


def awards(session: Session, person_id: uuid.UUID) -> list[Award]:
    """The person's awards in any state, newest first."""
    with unscoped(session, _OWN):
        return list(
            session.scalars(
                select(Award)
                .where(Award.person_id == person_id)
                .order_by(Award.granted_at.desc(), Award.id)
            )
        )


def offers(session: Session, person_id: uuid.UUID) -> list[Award]:
    """Awards that the person has not answered yet, newest first."""
    return [award for award in awards(session, person_id) if award.state == "offered"]


def award(session: Session, award_id: uuid.UUID, person_id: uuid.UUID) -> Award:
    """The person's own award. Raises NotFoundError for anybody else's."""
    with unscoped(session, _OWN):
        found = session.scalar(
            select(Award).where(Award.id == award_id, Award.person_id == person_id)
        )
    if found is None:
        raise NotFoundError(_("There is no badge of yours at this address."), code="award_unknown")
    return found


def credentials(session: Session, person_id: uuid.UUID) -> list[Credential]:
    """The person's credentials, newest first."""
    with unscoped(session, _OWN):
        return list(
            session.scalars(
                select(Credential)
                .where(Credential.person_id == person_id)
                .order_by(Credential.accepted_at.desc(), Credential.id)
            )
        )


def credential_of(session: Session, award: Award) -> Credential | None:
    """The credential that came of an award: the live one, else the latest."""
    with unscoped(session, _OWN):
        return session.scalar(
            select(Credential)
            .where(Credential.award_id == award.id)
            .order_by(Credential.state == "revoked", Credential.accepted_at.desc())
            .limit(1)
        )


def own_credential(session: Session, credential_id: uuid.UUID, person_id: uuid.UUID) -> Credential:
    """The person's own credential with its documents. Raises NotFoundError for anybody else's."""
    with unscoped(session, _OWN):
        found = _found(
            session.scalar(_WHOLE, {"credential_id": credential_id, "person_id": person_id})
        )
        # Its issuer is nearly always the achievement's, which came along.
        issuer = found.version.achievement.issuer
        if issuer.id == found.issuer_id:
            set_committed_value(found, "issuer", issuer)
        else:
            found.issuer  # noqa: B018 - loaded while the session is open
    return found


def locked_own(session: Session, credential_id: uuid.UUID, person_id: uuid.UUID) -> Credential:
    """The person's own credential as it is now, kept so until the transaction ends.

    Without its documents. Raises NotFoundError for anybody else's.
    """
    with unscoped(session, _OWN):
        found = session.scalar(_locking(credential_id).where(Credential.person_id == person_id))
    if found is None:
        raise NotFoundError(
            _("There is no badge of yours at this address."), code="credential_unknown"
        )
    return found


def locked(session: Session, credential_id: uuid.UUID) -> Credential:
    """As `locked_own`, for whatever is in the session's scope. Raises NotFoundError out of it."""
    return _found(session.scalar(_locking(credential_id)))


def public_credential(
    session: Session, credential_id: uuid.UUID, *, only: SignedForm | None = None
) -> Credential:
    """A published credential, revoked or not, with its document, its version and its issuer.

    `only` names the one signed form to load instead, for those who hand on just that.
    Raises NotFoundError where there is none or its holder keeps it private: the two look alike.
    """
    with unscoped(session, "what its holder has published is public"):
        found = session.scalar(_PUBLIC[only], {"credential_id": credential_id})
    return _found(found)


def rows(session: Session, *, state: str | None = None) -> list[dict[str, Any]]:
    """Awards in the session's scope with what came of them, newest first, for lists and commands.

    `state` is `offered`, `declined`, `accepted` (not signed yet), `signed` or `revoked`.
    """
    found = session.execute(
        select(Award, Person.name, Credential)
        .join(Person, Person.id == Award.person_id)
        .outerjoin(Credential, Credential.award_id == Award.id)
        .order_by(Award.granted_at.desc(), Award.id)
    )
    listed = [_row(award, name, credential) for award, name, credential in found]
    return [row for row in listed if state in (None, row["state"])]


def _row(award: Award, name: str | None, credential: Credential | None) -> dict[str, Any]:
    return {
        "award": str(award.id),
        "credential": str(credential.id) if credential else None,
        "state": credential.state if credential else award.state,
        "achievement": micro_credential(award.version).name,
        "version": award.version.number,
        "issuer": award.version.achievement.issuer.slug,
        "person": str(award.person_id),
        "recipient": (credential.recipient_name if credential else None) or name,
        "granted_at": award.granted_at,
        "signed_at": credential.signed_at if credential else None,
        "published_at": credential.published_at if credential else None,
        "revoked_at": credential.revoked_at if credential else None,
    }


def _locking(credential_id: uuid.UUID) -> Select[Credential]:
    return (
        select(Credential)
        .where(Credential.id == credential_id)
        .with_for_update(of=Credential)
        .execution_options(populate_existing=True)
    )


def _published() -> Select[Credential]:
    return select(Credential).where(
        Credential.id == bindparam("credential_id"),
        Credential.published_at.is_not(None),
        Credential.document.is_not(None),
    )


def _alone(statement: Select[Credential]) -> Select[Credential]:
    return statement.options(lazyload(Credential.version), lazyload(Credential.issuer))


# Put together once: doing it for every visitor takes longer than the database does.
_WHOLE: Select[Any] = (
    select(Credential)
    .where(
        Credential.id == bindparam("credential_id"), Credential.person_id == bindparam("person_id")
    )
    .options(
        lazyload(Credential.issuer),
        undefer(Credential.document), undefer(Credential.jwt), undefer(Credential.unsigned),
    )
)  # fmt: skip
_PUBLIC: dict[str | None, Select[Credential]] = {
    None: _published().options(undefer(Credential.document)),
    "document": _alone(_published().options(undefer(Credential.document))),
    "jwt": _alone(_published().options(undefer(Credential.jwt))),
}


def _found(credential: Credential | None) -> Credential:
    if credential is None:
        raise NotFoundError(_("There is no badge at this address."), code="credential_unknown")
    return credential
