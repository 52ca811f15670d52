"""The pages of issuers: who signs an organisation's badges, and what its profile says."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from badges.achievements import issuers as profiles
from badges.achievements.addresses import issuer_url
from badges.achievements.models import Achievement, Issuer
from core.errors import ConflictError, UnprocessableError
from core.identity import Organisation
from core.web.app import runtime
from core.web.sessions import Principal, principal
from keys.shared import ring_of
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.catalogue import authority, forms, labels, words
from lti_tool.programme.catalogue.forms import TEXT, Rows

_ADDRESS: Final = (
    "street_address", "post_office_box_number", "postal_code", "address_locality",
    "address_region", "address_country", "address_country_code",
)  # fmt: skip
_PLAIN: Final = (
    "name", "url", "email", "phone", "description", "official", "parent_slug", "parent_name",
    "parent_url",
)  # fmt: skip
_PROFILE: Final[forms.Shape] = {
    **dict.fromkeys(_PLAIN, TEXT),
    "address": dict.fromkeys(_ADDRESS, TEXT),
    "identifiers": Rows({"identifier": TEXT, "type": TEXT}, ("identifier",), may_go=True),
}
_BLANK_ROWS: Final = 2
_MOST_IDENTIFIERS: Final = 10


def _lead() -> Principal:
    who = principal()
    authority.require_lead(who)
    return who


@blueprint.get("/issuers")
def issuers() -> str:
    """Every issuer this organisation may issue under, and what each of them offers."""
    who = _lead()
    with runtime().database.snapshot(who.scope) as session:
        found = profiles.issuers(session)
        rows = session.execute(
            select(Achievement.issuer_id, func.count(Achievement.id)).group_by(
                Achievement.issuer_id
            )
        ).all()
    counts = {row[0]: row[1] for row in rows}
    return render_template(
        "programme/catalogue/issuers.html",
        issuers=[(one, counts.get(one.id, 0), authority.manages(who, one)) for one in found],
    )


@blueprint.get("/issuers/new")
def new_issuer() -> str:
    """The form of a new issuer."""
    _lead()
    return _page(None, forms.typed((), {}, _PROFILE), {}, slug="")


@blueprint.post("/issuers")
def make_issuer() -> ResponseReturnValue:
    """Make an issuer with keys of its own."""
    who = _lead()
    typed = forms.tidied(forms.typed(_form(), {}, _PROFILE), _PROFILE)
    slug = request.form.get("slug", "").strip()
    shared = runtime()
    try:
        with shared.database.transaction(who.scope) as session:
            made = profiles.make(
                session,
                session.get_one(Organisation, who.organisation_id),
                forms.document_of(typed, _PROFILE),
                slug=slug,
                ring=ring_of(shared),
                badge_url=shared.config.badge_url,
                actor_id=who.person_id,
                now=shared.now(),
            )
    except UnprocessableError as error:
        return _page(None, typed, error.fields, slug=slug), error.status
    except ConflictError as error:
        return _page(None, typed, {"slug": error.message}, slug=slug), error.status
    flash(_("%(name)s is ready to sign badges.", name=made.name), "good")
    return redirect(url_for("programme.issuer", issuer_id=made.id), 303)


@blueprint.get("/issuers/<uuid:issuer_id>")
def issuer(issuer_id: uuid.UUID) -> str:
    """An issuer's profile: a form for its own leads, to be read by those below."""
    _lead()
    with runtime().database.snapshot(principal().scope) as session:
        found = profiles.find(session, issuer_id)
    return _page(found, _content(found), {})


@blueprint.post("/issuers/<uuid:issuer_id>")
def save_issuer(issuer_id: uuid.UUID) -> ResponseReturnValue:
    """Save all of the profile, or nothing and say what needs another look."""
    who, shared = _lead(), runtime()
    typed = forms.tidied(forms.typed(_form(), {}, _PROFILE), _PROFILE)
    try:
        with shared.database.transaction(who.scope) as session:
            found = profiles.find(session, issuer_id)
            authority.require_manager(who, found)
            different = profiles.change(
                session,
                issuer_id,
                forms.document_of(typed, _PROFILE),
                seen=_moment(request.form.get("seen", "")),
                actor_id=who.person_id,
                now=shared.now(),
            )
    except (UnprocessableError, ConflictError) as error:
        with shared.database.snapshot(who.scope) as session:
            found = profiles.find(session, issuer_id)
        clash = isinstance(error, ConflictError)
        faults = {} if isinstance(error, ConflictError) else error.fields
        return _page(found, typed, faults, clash=clash), error.status
    if different:
        flash(
            _("Saved. Badges signed from now on carry it; earlier ones stay as they are."), "good"
        )
    else:
        flash(_("Nothing was different, so nothing was changed."), "good")
    return redirect(url_for("programme.issuer", issuer_id=issuer_id), 303)


def _form() -> list[tuple[str, str]]:
    return list(request.form.items())


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _content(found: Issuer) -> dict[str, Any]:
    """A profile as the form has it."""
    said: dict[str, Any] = {name: getattr(found, name) or "" for name in _PLAIN}
    if found.parent_slug:
        said["parent_name"] = ""
    address = found.address or {}
    said["address"] = {name: address.get(name, "") for name in _ADDRESS}
    said["identifiers"] = [dict(item) for item in found.identifiers or ()]
    return said


def _page(
    found: Issuer | None,
    typed: dict[str, Any],
    faults: dict[str, Any],
    *,
    slug: str = "",
    clash: bool = False,
) -> str:
    base, who = runtime().config.badge_url, principal()
    rows = typed["identifiers"]
    blank = min(_BLANK_ROWS, _MOST_IDENTIFIERS - len(rows))
    with runtime().database.snapshot(who.scope) as session:
        parents = _parents(session, found)
    return render_template(
        "programme/catalogue/issuer.html",
        issuer=found,
        typed={**typed, "identifiers": [*rows, *[{"identifier": "", "type": ""}] * blank]},
        slug=slug,
        parents=parents,
        may_change=found is None or authority.manages(who, found),
        clash=clash,
        words=words,
        page_address=issuer_url(base, found.slug if found else _("WORD")),
        did=found.did if found else "",
        issuer_picture_url=_picture_url(found),
        errors={name: str(text) for name, text in faults.items()},
        summary={name: f"{labels.label(name)}: {text}" for name, text in faults.items()},
    )


def _picture_url(found: Issuer | None) -> str | None:
    """Where its picture is chosen, if that room is here."""
    endpoint = "programme.issuer_image"
    if found is None or endpoint not in current_app.view_functions:
        return None
    return url_for(endpoint, issuer_id=found.id)


def _parents(session: Session, found: Issuer | None) -> list[tuple[str, str]]:
    others = [one for one in profiles.issuers(session) if found is None or one.id != found.id]
    return [("", str(_("None of these"))), *((one.slug, one.name) for one in others)]
