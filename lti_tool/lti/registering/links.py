"""Registration links: made by an administrator, opened by an LMS, used once within a week.

IMS LTI Dynamic Registration 1.0, section 3.3. A link is taken by one conditional UPDATE, so of any
number of simultaneous registrations exactly one goes on; it is given back where nothing has
happened on either side.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import audit
from core.errors import NotFoundError
from core.identity import Organisation, owner_of
from core.scope import unscoped
from lti_tool.lti.models import Platform
from lti_tool.lti.registering.models import RegistrationLink
from lti_tool.lti.registering.refusals import RegistrationRefusedError
from lti_tool.lti.registration import platform_unknown

PATH = "/lti/register/"
LIFETIME = timedelta(days=7)

_links: Any = RegistrationLink.__table__


@dataclass(frozen=True)
class Invitation:
    """What a link says: for whom, and what is known of the one platform that it may update."""

    id: uuid.UUID
    organisation: Organisation
    platform_id: uuid.UUID | None
    platform_name: str | None
    platform_issuer: str | None
    privacy_level: str | None
    expires_at: datetime


def create(
    session: Session,
    organisation: Organisation,
    *,
    actor_id: uuid.UUID | None,
    now: datetime,
    platform_id: uuid.UUID | None = None,
) -> tuple[RegistrationLink, str]:
    """A new link and its path, which is shown once; only a digest is kept.

    With `platform_id` the link updates that platform and adds none. `actor_id` is None for the
    command line. Raises NotFoundError for a platform that is not the organisation's or one below.
    """
    if platform_id is not None:
        place = session.scalar(select(Platform.owner_path).where(Platform.id == platform_id))
        if place is None or not place.startswith(organisation.path):
            raise platform_unknown()
    new_id = uuid.uuid4()
    token = f"{new_id.hex}.{secrets.token_urlsafe(24)}"
    link = RegistrationLink(
        **owner_of(organisation),
        id=new_id,
        secret_hash=_digest(token),
        platform_id=platform_id,
        actor_id=actor_id,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    session.add(link)
    session.flush()
    audit.record(
        session, owner=link, actor_id=actor_id, action="registration_link.made", subject=link,
        now=now,
    )  # fmt: skip
    return link, f"{PATH}{token}"


def open_link(session: Session, token: str, now: datetime) -> Invitation:
    """What the link behind `token` says, noting that it was opened.

    Raises RegistrationRefusedError where it is unknown, used or too old.
    """
    link = _usable(session, token, now)
    if link.opened_at is None:
        link.opened_at = now
        session.flush()
    return _invitation(session, link)


def take(session: Session, token: str, now: datetime) -> Invitation:
    """Use the link; of several at once exactly one goes on. Raises like `open_link`."""
    link = _usable(session, token, now)
    taken = session.connection().execute(
        update(_links)
        .where(_links.c.id == link.id, _links.c.used_at.is_(None), _links.c.expires_at > now)
        .values(used_at=now)
        .returning(_links.c.id)
    )
    if taken.first() is None:
        raise RegistrationRefusedError("registration_link_used")
    return _invitation(session, link)


def give_back(session: Session, link_id: uuid.UUID) -> None:
    """Let a link be used again: whoever took it came to nothing, here and at the LMS."""
    session.connection().execute(
        update(_links)
        .where(_links.c.id == link_id, _links.c.registered_id.is_(None))
        .values(used_at=None)
    )


def settle(session: Session, link_id: uuid.UUID, platform_id: uuid.UUID) -> RegistrationLink:
    """Note what came of a link that was taken."""
    with unscoped(session, "a link's secret is all that an LMS has to show"):
        link = session.get_one(RegistrationLink, link_id, populate_existing=True)
    link.registered_id = platform_id
    session.flush()
    return link


def of_organisation(session: Session, now: datetime) -> list[RegistrationLink]:
    """The links of the session's scope that can still be used, newest first."""
    return list(
        session.scalars(
            select(RegistrationLink)
            .where(RegistrationLink.used_at.is_(None), RegistrationLink.expires_at > now)
            .order_by(RegistrationLink.created_at.desc(), RegistrationLink.id)
        )
    )


def revoke(session: Session, link_id: uuid.UUID, now: datetime) -> None:
    """Make a link unusable. Raises NotFoundError outside the session's scope."""
    link = session.scalar(select(RegistrationLink).where(RegistrationLink.id == link_id))
    if link is None:
        raise NotFoundError(_l("There is no such link."))
    link.expires_at = min(link.expires_at, now)
    session.flush()


def _usable(session: Session, token: str, now: datetime) -> RegistrationLink:
    link_id = _id_in(token)
    link = None
    if link_id is not None:
        with unscoped(session, "a link's secret is all that an LMS has to show"):
            link = session.get(RegistrationLink, link_id, populate_existing=True)
    if link is None or not hmac.compare_digest(link.secret_hash, _digest(token)):
        raise RegistrationRefusedError("registration_link_unknown")
    if link.used_at is not None:
        raise RegistrationRefusedError("registration_link_used")
    if link.expires_at <= now:
        raise RegistrationRefusedError("registration_link_expired")
    return link


def _invitation(session: Session, link: RegistrationLink) -> Invitation:
    platform = None
    with unscoped(session, "a link speaks for the organisation that made it"):
        if link.platform_id is not None:
            platform = session.get_one(Platform, link.platform_id)
    return Invitation(
        id=link.id,
        organisation=session.get_one(Organisation, link.owner_id),
        platform_id=link.platform_id,
        platform_name=platform.name if platform else None,
        platform_issuer=platform.issuer if platform else None,
        privacy_level=platform.privacy_level if platform else None,
        expires_at=link.expires_at,
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _id_in(token: str) -> uuid.UUID | None:
    """The link's id in front of its secret; None where there is none."""
    head = token.partition(".")[0]
    plain = len(head) == 32 and head.isascii() and head.isalnum()
    try:
        return uuid.UUID(hex=head) if plain else None
    except ValueError:
        return None
