"""The letters of the ways in: links to one's badges, invitations, proofs of one's own address."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import addresses, mail, postal, single_use
from core.addresses import OwnAddress
from core.identity import Organisation, Person
from core.letters import Letter, Link
from core.runtime import Runtime
from core.scope import unscoped
from core.web.i18n import texts_in
from lti_tool.access import inviting, leaving
from lti_tool.access.models import AccessInvitation, AccessLink

_WHY = "the rows that a mail is about, whoever they belong to"
_Row = TypeVar("_Row", AccessInvitation, OwnAddress)


def register(runtime: Runtime) -> None:
    """Say who writes these letters."""
    composers = mail.Composers.of(runtime)
    composers.add(leaving.LINKS, lambda session, facts: links(runtime, session, facts))
    composers.add(inviting.LETTER, lambda session, facts: invitation(runtime, session, facts))
    composers.add(addresses.CONFIRM, lambda session, facts: confirmation(runtime, session, facts))
    composers.add(addresses.ADDED, lambda session, facts: added(runtime, session, facts))


def links(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """The ways into the badges of everybody whose address it is; None once none would open."""
    config, now = runtime.config, runtime.now()
    wanted = [uuid.UUID(one) for one in facts["link_ids"]]
    with unscoped(session, _WHY):
        rows = session.execute(
            select(AccessLink, Person, Organisation)
            .join(Person, Person.id == AccessLink.person_id)
            .join(Organisation, Organisation.id == AccessLink.owner_id)
            .where(
                AccessLink.id.in_(wanted), AccessLink.expires_at > now, AccessLink.used_at.is_(None)
            )
        ).all()
    if not rows:
        return None
    rows = sorted(rows, key=lambda row: wanted.index(row[0].id))
    locale = mail.language(config, rows[0][1].locale)
    _ = texts_in(locale)
    ways: list[str | Link] = []
    for link, person, place in rows:
        secret = single_use.token(config.master_key, leaving.PURPOSE, link.id)
        label = _("My badges at %(organisation)s", organisation=place.name)
        if len(rows) > 1 and person.name:
            label = f"{label} ({person.name})"
        ways.append(Link(label, f"{config.base_url}/access/badges/{secret}"))
    several = _(
        "Your address belongs to more than one account here; each has a link of its own."
    )  # fmt: skip
    return Letter(
        to=rows[0][0].address,
        locale=locale,
        subject=_("Your way to your badges"),
        body=[
            _("Hello,"),
            _("Here is the way to your badges and your data. It needs no LMS and no password."),
            *([several] if len(ways) > 1 else []),
            *ways,
            _("A link works once, within twenty minutes. After that, ask for a new one:")
            + f"\n{config.base_url}/access",
        ],
        closing=[
            _(
                "You did not ask for this? Then somebody typed your address. Nothing has happened,"
                " and nothing will if you leave this mail alone."
            )
        ],
    )


def invitation(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """The way to a badge that waits; None once it would not work, or no badge waits any more."""
    config = runtime.config
    about = _about(session, AccessInvitation, facts["invitation_id"])
    if about is None:
        return None
    row, person, place = about
    waiting = inviting.waiting(session, person.id) if row.holds(runtime.now()) else ()
    if not waiting:
        return None
    locale = mail.language(config, person.locale)
    _ = texts_in(locale)
    secret = single_use.token(config.master_key, inviting.PURPOSE, row.id)
    hello = _("Hello %(name)s,", name=person.name) if person.name else _("Hello,")
    return Letter(
        to=row.address,
        locale=locale,
        subject=_("A badge waits for you: %(name)s", name=waiting[0]),
        body=[
            hello,
            _(
                "%(organisation)s has awarded you a badge: “%(name)s”. You see exactly what it will"
                " say before you accept it, you choose the name on it, and nobody else sees it"
                " until you say so.",
                organisation=place.name,
                name=waiting[0],
            ),
            Link(_("Look at my badge"), f"{config.base_url}/access/invitations/{secret}"),
            _(
                "The link works once, within thirty days, and needs no password. It also confirms"
                " this address; after that you come to your badges by mail whenever you like:"
            )
            + f"\n{config.base_url}/access",
        ],
        closing=[
            _(
                "You do not know %(organisation)s? Then somebody mistook your address. Leave this"
                " mail alone: no badge is made of it.",
                organisation=place.name,
            )
        ],
    )


def confirmation(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """The question whether an address is somebody's; None once its link would not work."""
    config = runtime.config
    about = _about(session, OwnAddress, facts["address_id"])
    if about is None:
        return None
    row, person, place = about
    if row.state != "asked" or row.expires_at <= runtime.now():
        return None
    locale = mail.language(config, person.locale)
    _ = texts_in(locale)
    secret = single_use.token(config.master_key, addresses.PURPOSE, row.id)
    return Letter(
        to=row.address,
        locale=locale,
        subject=_("Is this your address?"),
        body=[
            _("Hello,"),
            _(
                "Somebody wants mail about their badges at %(organisation)s to come to this"
                " address. If that is you, say so within an hour:",
                organisation=place.name,
            ),
            Link(_("Confirm my address"), f"{config.base_url}/access/address/{secret}"),
        ],
        closing=[
            _(
                "You did not ask for this? Then somebody typed your address. Leave this mail alone,"
                " and nothing more will come."
            )
        ],
    )


def added(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """Word to the address that held before: another one is confirmed now."""
    config, before = runtime.config, facts.get("before_id")
    about = _about(session, OwnAddress, facts["address_id"])
    if about is None:
        return None
    _row, person, place = about
    with unscoped(session, _WHY):
        old = session.get(OwnAddress, uuid.UUID(before)) if before else None
    to = old.address if old else postal.normal(person.verified_email or "")
    if to is None:
        return None
    locale = mail.language(config, person.locale)
    _ = texts_in(locale)
    return Letter(
        to=to,
        locale=locale,
        subject=_("Another address was added to your badges"),
        body=[
            _("Hello,"),
            _(
                "An address of your own was confirmed for your badges at %(organisation)s. Mail"
                " about them goes there from now on, and that address can ask for a way in.",
                organisation=place.name,
            ),
            _("If that was you, there is nothing to do."),
            _(
                "If it was not, open “My address” in Milepost from your course and remove it, or"
                " ask for a way in with this address:"
            ),
            Link(_("Open my badges"), f"{config.base_url}/access"),
        ],
    )


def _about(
    session: Session, model: type[_Row], row_id: str
) -> tuple[_Row, Person, Organisation] | None:
    """The row that a letter is about, whose it is and where; None once there is no such row."""
    with unscoped(session, _WHY):
        row = session.get(model, uuid.UUID(row_id))
        person = session.get(Person, row.person_id) if row else None
    if row is None or person is None:
        return None
    return row, person, session.get_one(Organisation, row.owner_id)
