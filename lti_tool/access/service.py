"""The first administrator's way in: a link for fifteen minutes, taken once.

Whoever runs the installation makes it on the command line and hands it over. Looking at it takes
nothing, so that a mail programme's preview does not use it up.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, single_use
from core.errors import GoneError, MilepostError, NotFoundError, UnprocessableError
from core.identity import Organisation, Person, Role, RoleGrant, grant, owner_of
from core.scope import unscoped
from core.web.sessions import StartedSession, start_session
from lti_tool.access.models import AdministratorLink

LIFETIME = timedelta(minutes=15)
REMEMBERED = timedelta(days=7)
SOURCE = "admin link"
DEFAULT_NAME = "Administrator"
_NEW_LINK = _l("Ask whoever runs this installation for a new one: milepost admin link")


@dataclass(frozen=True)
class Offer:
    """What a link that holds gives."""

    organisation: Organisation
    name: str
    expires_at: datetime


def create_link(
    session: Session, organisation: Organisation, *, name: str = DEFAULT_NAME, now: datetime
) -> tuple[AdministratorLink, str]:
    """A new link into `organisation` and its path, which is shown this once.

    Raises UnprocessableError for a name that is empty, too long or not printable.
    """
    name = name.strip()
    if not 0 < len(name) <= 200 or not name.isprintable():
        fault = _l("Give a name of at most 200 characters.")
        raise UnprocessableError(fault, code="name_invalid", fields={"name": fault})
    token = secrets.token_urlsafe(32)
    single_use.forget(session, AdministratorLink, now - REMEMBERED)
    link = AdministratorLink(
        **owner_of(organisation),
        token_hash=single_use.digest(token),
        name=name,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    session.add(link)
    session.flush()
    audit.record(
        session, owner=link, actor_id=None, action="administrator_link.create", subject=link,
        now=now,
    )  # fmt: skip
    return link, f"/access/{token}"


def find_offer(session: Session, token: str, now: datetime) -> Offer:
    """What the link called `token` gives; taking nothing.

    Raises NotFoundError for one that never was, GoneError for one that was used or has expired.
    """
    row = single_use.find(session, AdministratorLink, token, _refusal, now)
    return Offer(session.get_one(Organisation, row.owner_id), row.name, row.expires_at)


def take(session: Session, token: str, *, hours: int, now: datetime) -> StartedSession:
    """Use the link up: its person is an administrator now, and signed in for `hours`.

    Of any number of simultaneous attempts one succeeds. Raises like `find_offer`.
    """
    link = single_use.take(session, AdministratorLink, token, _refusal, now)
    organisation = session.get_one(Organisation, link.owner_id)
    person = _person(session, organisation, link.name, now)
    link.person_id = person.id
    given = grant(
        session, person, Role.ADMINISTRATOR, organisation=organisation, source=SOURCE, now=now
    )
    for action, subject in (("administrator_link.take", link), ("role.grant", given)):
        audit.record(
            session, owner=link, actor_id=person.id, about_id=person.id, action=action,
            subject=subject, now=now, details={"role": Role.ADMINISTRATOR.value, "source": SOURCE},
        )  # fmt: skip
    return start_session(
        session,
        person_id=person.id,
        organisation_id=organisation.id,
        organisation_path=organisation.path,
        context_id=None,
        platform_id=None,
        roles=frozenset({Role.ADMINISTRATOR}),
        data={},
        hours=hours,
        now=now,
    )


def _person(session: Session, organisation: Organisation, name: str, now: datetime) -> Person:
    """Whoever came in here by such a link under this name before, else somebody new."""
    with unscoped(session, single_use.WHY):
        found = session.scalar(
            select(Person)
            .join(RoleGrant, RoleGrant.person_id == Person.id)
            .where(
                Person.owner_id == organisation.id,
                Person.name == name,
                RoleGrant.owner_id == organisation.id,
                RoleGrant.source == SOURCE,
            )
            .order_by(Person.created_at, Person.id)
            .limit(1)
        )
    if found is None:
        found = Person(**owner_of(organisation), name=name, created_at=now, updated_at=now)
        session.add(found)
        session.flush()
    return found


def _refusal(row: AdministratorLink | None) -> MilepostError:
    """Why a link opens nothing: it never was, was used, or has expired."""
    if row is None:
        return NotFoundError(
            _l("There is no such link, or it ended long ago."),
            code="access_link_unknown",
            advice=_NEW_LINK,
        )
    if row.used_at is not None:
        return GoneError(
            _l("Somebody has come in with this link already, and it works once."),
            code="access_link_used",
            title=_l("This link was used before"),
            advice=[_l("If that was not you, tell whoever runs this installation."), _NEW_LINK],
        )
    return GoneError(
        _l("For safety such a link works for fifteen minutes."),
        code="access_link_expired",
        title=_l("This link has expired"),
        advice=_NEW_LINK,
    )
