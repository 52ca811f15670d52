"""An issuer's profile: what may be said of it, checked as a whole, and how it is changed.

A profile (Open Badges 3.0, B.1.20) is not versioned: badges carry it as it was when they were
signed, and the issuer's page says what holds now. The slug and the identifier never change.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from badges.achievements import service
from badges.achievements.document import Identifier
from badges.achievements.fields import Fields
from badges.achievements.images import Picture
from badges.achievements.models import Issuer
from badges.achievements.reading import read_identifier
from core import audit
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Organisation
from core.scope import unscoped
from keys.ring import KeyRing

_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{2,38}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_DEEPEST = 20


@dataclass(frozen=True)
class PostalAddress:
    """Where it is found (class Address); `address_country_code` is two letters (ISO 3166-1)."""

    street_address: str | None = None
    post_office_box_number: str | None = None
    postal_code: str | None = None
    address_locality: str | None = None
    address_region: str | None = None
    address_country: str | None = None
    address_country_code: str | None = None

    def to_dict(self) -> dict[str, str]:
        """What is filled in, by name."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class Details:
    """Everything of a profile that may change, but its picture."""

    name: str
    url: str | None
    email: str | None
    phone: str | None
    description: str | None
    official: str | None
    address: PostalAddress
    identifiers: tuple[Identifier, ...]
    parent_slug: str | None
    parent_name: str | None
    parent_url: str | None

    def columns(self) -> dict[str, Any]:
        """The values as the issuer's row keeps them."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["address"] = self.address.to_dict() or None
        values["identifiers"] = [asdict(item) for item in self.identifiers] or None
        return values


def read_details(data: Mapping[str, Any], faults: dict[str, Any]) -> Details:
    """Check a profile's JSON form; what needs a change is noted in `faults` by its place."""
    given = Fields(data, "", faults)
    details = Details(
        name=given.text("name", 200),
        url=given.url("url", required=False),
        email=given.optional_text("email", 254),
        phone=given.optional_text("phone", 40),
        description=given.text("description", 2000, required=False, one_line=False) or None,
        official=given.optional_text("official", 200),
        address=_address(Fields(given.raw("address") or {}, "address", faults)),
        identifiers=tuple(read_identifier(item) for item in given.objects("identifiers", 0, 10)),
        parent_slug=given.optional_text("parent_slug", 80),
        parent_name=given.optional_text("parent_name", 200),
        parent_url=given.url("parent_url", required=False),
    )
    if details.email is not None and not service.EMAIL.fullmatch(details.email):
        given.fault("email", _("This does not look like an e-mail address."))
    if details.phone is not None and not _PHONE.fullmatch(details.phone):
        given.fault("phone", _("Write a telephone number such as +43 1 234 5678."))
    if details.parent_slug is None and details.parent_name and not details.parent_url:
        given.fault("parent_url", _("Give the web address of the organisation above, too."))
    if details.parent_slug is None and details.parent_url and not details.parent_name:
        given.fault("parent_name", _("Give the name of the organisation above, too."))
    given.finish()
    return details


def _address(given: Fields) -> PostalAddress:
    values = {item.name: given.optional_text(item.name, 200) for item in fields(PostalAddress)}
    code = values["address_country_code"]
    if code is not None:
        values["address_country_code"] = code = code.upper()
        if not _COUNTRY.fullmatch(code):
            given.fault("address_country_code", _("This must be two letters, such as AT or US."))
    given.finish()
    return PostalAddress(**values)


def make(
    session: Session,
    organisation: Organisation,
    data: Mapping[str, Any],
    *,
    slug: str,
    ring: KeyRing,
    badge_url: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> Issuer:
    """Make an issuer with its whole profile and keys of its own (see `service.create_issuer`).

    Raises UnprocessableError with every field that needs a change, ConflictError where somebody
    took the slug in this very moment.
    """
    faults: dict[str, Any] = {}
    details = read_details(data, faults)
    if not service.SLUG.fullmatch(slug):
        faults["slug"] = _("Use 1 to 80 small letters, digits and hyphens.")
    elif service.find_issuer(session, slug) is not None:
        faults["slug"] = _("There is already an issuer at this address. Choose another word.")
    details = _with_parent(session, details, None, faults)
    _refuse(faults)
    issuer = service.create_issuer(
        session, organisation, ring=ring, slug=slug, name=details.name, badge_url=badge_url, now=now
    )
    _write(issuer, details, now)
    session.flush()
    audit.record(
        session, owner=issuer, actor_id=actor_id, action="issuer.made", subject=issuer, now=now
    )
    return issuer


def change(
    session: Session,
    issuer_id: uuid.UUID,
    data: Mapping[str, Any],
    *,
    seen: datetime | None,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> tuple[str, ...]:
    """Write the profile anew; returns the names of what is different, none if nothing is.

    `seen` is the `changed_at` that the writer had before them: ConflictError if somebody else was
    there in between. Raises UnprocessableError with every field that needs a change.
    """
    issuer = find(session, issuer_id, lock=True)
    if issuer.changed_at != seen:
        raise ConflictError(
            _("Somebody else has changed this issuer since you opened the page."),
            code="issuer_changed",
        )
    faults: dict[str, Any] = {}
    details = _with_parent(session, read_details(data, faults), issuer, faults)
    _refuse(faults)
    before = issuer.name
    different = _write(issuer, details, now)
    if not different:
        return ()
    session.flush()
    if issuer.name != before:
        with unscoped(session, "the copies of a name that changed, whoever owns them"):
            session.execute(
                update(Issuer)
                .where(Issuer.parent_slug == issuer.slug)
                .values(parent_name=issuer.name)
            )
    _note_change(session, issuer, different, actor_id, now)
    return different


def set_picture(
    session: Session,
    issuer_id: uuid.UUID,
    picture: Picture | None,
    *,
    actor_id: uuid.UUID,
    now: datetime,
) -> Issuer:
    """Give an issuer its logo, or take it away. Raises NotFoundError."""
    issuer = find(session, issuer_id, lock=True)
    digest = picture.sha256 if picture else None
    if issuer.image != digest:
        issuer.image = digest
        issuer.image_type = picture.media_type if picture else None
        session.flush()
        _note_change(session, issuer, ("image",), actor_id, now)
    return issuer


def find(session: Session, issuer_id: uuid.UUID, *, lock: bool = False) -> Issuer:
    """An issuer within the session's scope. Raises NotFoundError."""
    query = select(Issuer).where(Issuer.id == issuer_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFoundError(_("There is no such issuer here."), code="issuer_unknown")
    return found


def issuers(session: Session) -> list[Issuer]:
    """Every issuer in the session's scope, by name."""
    return list(session.scalars(select(Issuer).order_by(Issuer.name, Issuer.slug)))


def _with_parent(
    session: Session, details: Details, issuer: Issuer | None, faults: dict[str, Any]
) -> Details:
    """With the parent's own name, if it is an issuer here that may be one."""
    if details.parent_slug is None:
        return details
    parent = session.scalar(select(Issuer).where(Issuer.slug == details.parent_slug))
    if parent is None:
        faults.setdefault("parent_slug", _("There is no such issuer here."))
        return details
    if issuer is not None and _stands_above(session, issuer.slug, parent):
        faults.setdefault(
            "parent_slug", _("This one stands below, or is the same: it cannot stand above.")
        )
    values = {item.name: getattr(details, item.name) for item in fields(details)}
    return Details(**{**values, "parent_name": parent.name, "parent_url": None})


def _stands_above(session: Session, slug: str, issuer: Issuer) -> bool:
    """Whether the issuer called `slug` is `issuer` itself or above it."""
    at: str | None = issuer.slug
    with unscoped(session, "the line of parents, whoever owns them"):
        for _step in range(_DEEPEST):
            if at is None or at == slug:
                return at == slug
            at = session.scalar(select(Issuer.parent_slug).where(Issuer.slug == at))
    return True


def _write(issuer: Issuer, details: Details, now: datetime) -> tuple[str, ...]:
    different = []
    for name, value in details.columns().items():
        if getattr(issuer, name) != value:
            setattr(issuer, name, value)
            different.append(name)
    if different:
        issuer.changed_at = now
    return tuple(different)


def _note_change(
    session: Session,
    issuer: Issuer,
    different: Sequence[str],
    actor_id: uuid.UUID | None,
    now: datetime,
) -> None:
    audit.record(
        session, owner=issuer, actor_id=actor_id, action="issuer.changed", subject=issuer, now=now,
        details={"fields": list(different)},
    )  # fmt: skip


def _refuse(faults: dict[str, Any]) -> None:
    if faults:
        raise UnprocessableError(
            _("This issuer cannot be saved as it is."), code="issuer_invalid", fields=faults
        )
