"""One's own badge for others: private links, and which address of one's own it carries."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from badges.achievements.service import micro_credential
from badges.awards import hashed, links
from badges.awards.models import Credential
from badges.awards.reissuing import reissue
from badges.awards.revised import Change
from badges.awards.versions import pending
from core.errors import ConflictError, UnprocessableError
from core.identity import Person
from core.numbers import whole
from core.scope import unscoped
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.naming import address_options
from lti_tool.learning.own import own_person, own_signed, was_invited

_LONGEST = 400


@dataclass(frozen=True)
class ShownLink:
    """A link that works, with the address to send on."""

    link: links.CredentialLink
    address: str


@blueprint.get("/badges/<uuid:award_id>/links")
def badge_links(award_id: uuid.UUID) -> ResponseReturnValue:
    """The private links to one's badge."""
    return _links_page(award_id)


@blueprint.post("/badges/<uuid:award_id>/links")
def make_link(award_id: uuid.UUID) -> ResponseReturnValue:
    """Make another."""
    who, settings = principal(), runtime()
    label = request.form.get("label", "")[:_LONGEST]
    days = request.form.get("days", "")
    try:
        with settings.database.transaction(who.scope) as session:
            credential = own_signed(session, award_id, who.person_id)
            links.make(
                session,
                settings.config.master_key,
                credential.id,
                who.person_id,
                days=whole(days) or 0,
                label=label,
                now=settings.now(),
            )
    except UnprocessableError as error:
        faults = {name: str(text) for name, text in error.fields.items()}
        return _links_page(award_id, label, days, faults), 422
    except ConflictError as error:
        return _links_page(award_id, label, days, {"": str(error.message)}), error.status
    flash(_("The link is made. Copy it below and send it to whom you like."), "good")
    return redirect(url_for("learning.badge_links", award_id=award_id), 303)


@blueprint.post("/badges/<uuid:award_id>/links/<uuid:link_id>/end")
def end_link(award_id: uuid.UUID, link_id: uuid.UUID) -> Response:
    """End one: it opens nothing from now on."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        links.end(session, link_id, who.person_id, runtime().now())
    flash(_("Ended. The link opens nothing any more."), "good")
    return redirect(url_for("learning.badge_links", award_id=award_id), 303)


@blueprint.get("/badges/<uuid:award_id>/address")
def badge_address(award_id: uuid.UUID) -> ResponseReturnValue:
    """Which address the badge carries, and which it could."""
    return _address_page(award_id)


@blueprint.post("/badges/<uuid:award_id>/address")
def change_badge_address(award_id: uuid.UUID) -> ResponseReturnValue:
    """Have the badge issued anew with another address, or with none."""
    who, settings = principal(), runtime()
    choice = hashed.choice_of(request.form.get("address", ""))
    if choice is None:
        return _address_page(award_id, {"address": _("Choose one of these.")}), 422
    try:
        with settings.database.transaction(who.scope) as session:
            credential = own_signed(session, award_id, who.person_id)
            person = own_person(session, who.person_id)
            if _carried(session, credential, person) != choice:
                _reissue(session, credential, person, choice)
                flash(
                    _("A new version of your badge is being signed. That takes a moment."), "good"
                )
    except UnprocessableError as error:
        return _address_page(award_id, {"address": str(error.message)}), 422
    except ConflictError as error:
        return _address_page(award_id, {"": str(error.message)}), error.status
    return redirect(url_for("learning.badge_address", award_id=award_id), 303)


def _reissue(
    session: Session, credential: Credential, person: Person, choice: hashed.AddressChoice
) -> None:
    address = hashed.chosen_address(session, person, choice)
    with unscoped(session, "the holder's own badge"):
        reissue(
            session,
            credential.id,
            Change("recipient", email=address),
            actor_id=person.id,
            badge_url=runtime().config.badge_url,
            now=runtime().now(),
        )


def _links_page(
    award_id: uuid.UUID, label: str = "", days: str = "30", errors: dict[str, str] | None = None
) -> str:
    who, settings = principal(), runtime()
    now, base = settings.now(), settings.config.badge_url
    with settings.database.snapshot(who.scope) as session:
        credential = own_signed(session, award_id, who.person_id)
        found = links.links_of(session, credential.id, who.person_id, now)
    shown = [
        ShownLink(one, f"{base}/shared/{links.secret_of(settings.config.master_key, one.id)}")
        for one in found
    ]
    return render_template(
        "learning/badge_links.html",
        award_id=award_id,
        name=micro_credential(credential.version).name,
        signed=credential.state != "accepted",
        revoked=credential.state == "revoked",
        links=shown,
        times=[(str(days), _time(days)) for days in links.DAYS],
        label=label,
        days=days,
        limit=links.LABEL_LIMIT,
        errors=errors or {},
    )


def _time(days: int) -> str:
    if days == 365:
        return str(_("a year"))
    return str(ngettext("%(num)d day", "%(num)d days", days))


def _address_page(award_id: uuid.UUID, errors: dict[str, str] | None = None) -> str:
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        credential = own_signed(session, award_id, who.person_id)
        person = own_person(session, who.person_id)
        known = hashed.verified_addresses(session, person)
        carried = _carried(session, credential, person)
        waiting = pending(session, credential.id) is not None
        invited = was_invited(session, who.person_id)
    return render_template(
        "learning/badge_address.html",
        award_id=award_id,
        name=micro_credential(credential.version).name,
        state=credential.state,
        carried=carried,
        address={str(whose): address for whose, address in known.items()}.get(carried),
        options=address_options(known, invited=invited),
        waiting=waiting,
        errors=errors or {},
    )


def _carried(session: Session, credential: Credential, person: Person) -> str:
    """Which address the badge carries, or will once the version that waits is signed."""
    known = hashed.verified_addresses(session, person)
    waiting = pending(session, credential.id)
    document: dict[str, Any] = (
        waiting.unsigned if waiting is not None else json.loads(credential.document or "{}")
    )
    return hashed.carried_address(document, known)
