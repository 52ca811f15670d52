"""My badges: offers, the claim page, one's own badge, and who may see it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from badges.achievements import service as achievements
from badges.achievements.addresses import credential_url
from badges.awards import service as awards
from badges.awards.hashed import AddressChoice, choice_of, verified_addresses
from badges.awards.models import Award, Credential
from badges.awards.published import PageRow
from badges.public.credential_page import page_context
from badges.public.forms import certificate
from badges.public.mounting import shared
from badges.public.pictures import badge_png, badge_svg
from badges.public.reading import read_badge
from core.errors import NotFoundError, UnprocessableError
from core.identity import Person
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.evidence_views import open_count
from lti_tool.learning.naming import (
    KINDS,
    NameChoice,
    address_options,
    first_choice,
    options,
)
from lti_tool.learning.own import own_badge, own_person, own_signed, was_invited
from lti_tool.learning.renewal_views import versions_of


@dataclass(frozen=True)
class Tile:
    """A badge on the shelf."""

    award: Award
    credential: Credential | None
    title: str
    image: str
    url: str
    over: bool = False

    @property
    def stage(self) -> str:
        """offered, declined, signing, private, published, expired or revoked."""
        if self.credential is None:
            return self.award.state
        if self.credential.state == "accepted":
            return "signing"
        if self.credential.state == "revoked":
            return "revoked"
        if self.over:
            return "expired"
        return "published" if self.credential.published_at else "private"


@blueprint.get("/badges")
def badges() -> str:
    """Everything that was offered to the person, and what became of it."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        tiles = [
            _tile(award, awards.credential_of(session, award))
            for award in awards.awards(session, who.person_id)
        ]
    return render_template(
        "learning/badges.html",
        offers=[tile for tile in tiles if tile.stage == "offered"],
        held=[tile for tile in tiles if tile.stage not in {"offered", "declined"}],
        declined=[tile for tile in tiles if tile.stage == "declined"],
    )


@blueprint.get("/badges/<uuid:award_id>")
def claim(award_id: uuid.UUID) -> str:
    """The offer as it will be, or the badge as it is."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        award = awards.award(session, award_id, who.person_id)
        credential = awards.credential_of(session, award)
        if credential is None:
            person = own_person(session, who.person_id)
            page, _status = _offer(session, award, person, first_choice(person), {}, asked=False)
            return page
        whole = awards.own_credential(session, credential.id, who.person_id)
    return _held(award, whole)


@blueprint.post("/badges/<uuid:award_id>")
def answer(award_id: uuid.UUID) -> Response | tuple[str, int]:
    """Look at the offer under another name, accept it, or decline it."""
    who, action = principal(), request.form.get("do", "")
    kind = request.form.get("name", "")
    choice = NameChoice(kind if kind in KINDS else "own", request.form.get("own", "")[:400])
    # Where there is nothing to choose, the form has no such field.
    address = choice_of(request.form.get("address", "school"))
    if address is None:
        return _again(award_id, choice, "school", {"address": _("Choose one of these.")})
    try:
        if action == "accept":
            _accept(award_id, choice, address)
        elif action == "decline":
            with runtime().database.transaction(who.scope) as session:
                awards.decline(session, award_id, who.person_id, runtime().now())
        else:
            return _again(award_id, choice, address, {})
    except UnprocessableError as error:
        place = "address" if "address" in error.fields else "own"
        return _again(award_id, choice, address, {place: _first_fault(error)})
    if action == "decline":
        return redirect(url_for("learning.badges"), 303)
    return redirect(url_for("learning.claim", award_id=award_id), 303)


@blueprint.post("/badges/<uuid:award_id>/publish")
def publish(award_id: uuid.UUID) -> Response:
    """Show the badge to everybody who has its address."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        _award, credential = own_badge(session, award_id, who.person_id)
        awards.publish(session, credential.id, who.person_id, runtime().now())
    flash(_("Published. Everybody who has its address can open the badge now."), "good")
    return redirect(url_for("learning.claim", award_id=award_id), 303)


@blueprint.post("/badges/<uuid:award_id>/unpublish")
def unpublish(award_id: uuid.UUID) -> Response:
    """Take the badge back into private."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        _award, credential = own_badge(session, award_id, who.person_id)
        awards.unpublish(session, credential.id, who.person_id, runtime().now())
    flash(_("Taken back. Its address shows the badge to nobody now."), "good")
    return redirect(url_for("learning.claim", award_id=award_id), 303)


@blueprint.get("/badges/<uuid:award_id>/download.<any(png,svg,json,jwt,pdf):form>")
def download(award_id: uuid.UUID, form: str) -> FlaskResponse:
    """One's own signed badge as a file, private or not."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        whole = own_signed(session, award_id, who.person_id)
    if whole.document is None or whole.jwt is None:
        raise NotFoundError(
            _("This badge is still being signed. That takes a moment; please try again."),
            code="credential_unsigned",
        )
    if form == "pdf":
        response = certificate(whole, credential_url(runtime().config.badge_url, whole.id))
        response.headers["Cache-Control"] = "private, no-store"
        return response
    if form == "png":
        data, kind = badge_png(shared().images, whole), "image/png"
    elif form == "svg":
        data, kind = badge_svg(shared().images, whole), "image/svg+xml"
    elif form == "json":
        data, kind = whole.document.encode(), "application/vc+ld+json"
    else:
        data, kind = whole.jwt.encode(), "text/plain"
    response = FlaskResponse(data, mimetype=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="badge-{whole.id}.{form}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _accept(award_id: uuid.UUID, choice: NameChoice, address: AddressChoice) -> None:
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        person = own_person(session, who.person_id)
        awards.accept(
            session,
            award_id,
            who.person_id,
            name=choice.name(person),
            address=address,
            badge_url=runtime().config.badge_url,
            now=runtime().now(),
        )


def _again(
    award_id: uuid.UUID, choice: NameChoice, address: AddressChoice, errors: dict[str, str]
) -> tuple[str, int]:
    """The offer once more, under the name that was chosen; with its status."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        award = awards.award(session, award_id, who.person_id)
        credential = awards.credential_of(session, award)
        if credential is not None:
            return _held(award, awards.own_credential(session, credential.id, who.person_id)), 200
        person = own_person(session, who.person_id)
        return _offer(session, award, person, choice, errors, address=address)


def _offer(
    session: Session,
    award: Award,
    person: Person,
    choice: NameChoice,
    errors: dict[str, str],
    *,
    address: AddressChoice | None = None,
    asked: bool = True,
) -> tuple[str, int]:
    """The claim page, over the very document that acceptance would fix; 422 with a fault on it.

    Before anybody was `asked` for a name, a missing one is a question and no fault.
    """
    known = verified_addresses(session, person)
    first: AddressChoice = next(iter(known), "none")
    carried = address if address in {*known, "none"} and address is not None else first
    try:
        name = None if errors else choice.name(person)
        document = _preview(session, award, name, carried)
    except UnprocessableError as error:
        errors = {"own": _first_fault(error)} if asked else {}
        document = _preview(session, award, None, carried)
    version = award.version
    page = render_template(
        "learning/claim.html",
        award=award,
        badge=read_badge(document),
        document=json.dumps(document, ensure_ascii=False, indent=2),
        made=achievements.micro_credential(version),
        image=url_for("achievements.image_svg", version_id=version.id),
        achievement_page=url_for("achievements.show", version_id=version.id),
        choice=choice,
        options=options(person),
        nameless=not person.name,
        of_test_student=person.is_test,
        email=person.email,
        verified=person.verified_email is not None,
        address=carried,
        addresses=address_options(known, invited=was_invited(session, person.id)),
        errors=errors,
    )
    return page, 422 if errors else 200


def _first_fault(error: UnprocessableError) -> str:
    return str(next(iter(error.fields.values()), error.message))


def _preview(
    session: Session, award: Award, name: str | None, address: AddressChoice
) -> dict[str, Any]:
    shared_runtime = runtime()
    return awards.preview(
        session,
        award,
        name,
        address=address,
        badge_url=shared_runtime.config.badge_url,
        now=shared_runtime.now(),
    )


def _held(award: Award, credential: Credential) -> str:
    """One's own badge: being signed, private, published or withdrawn."""
    if credential.document is None:
        return render_template(
            "learning/signing.html",
            award=award,
            title=achievements.micro_credential(award.version).name,
            image=url_for("achievements.image_svg", version_id=award.achievement_version_id),
            revoked=credential.state == "revoked",
        )
    context = page_context(PageRow.of(credential), f"/credentials/{credential.id}")
    return render_template(
        "learning/badge.html",
        **context,
        award=award,
        private=True,
        published=credential.published_at is not None,
        revoked=credential.state == "revoked",
        shown_pieces=open_count(credential),
        **versions_of(credential),
    )


def _tile(award: Award, credential: Credential | None) -> Tile:
    return Tile(
        award,
        credential,
        achievements.micro_credential(award.version).name,
        url_for("achievements.image_svg", version_id=award.achievement_version_id),
        url_for("learning.claim", award_id=award.id),
        over=credential is not None
        and credential.valid_until is not None
        and credential.valid_until <= runtime().now(),
    )
