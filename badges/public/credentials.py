"""`/credentials/<id>`: a published badge as a page, and as every document it can be.

A badge that its holder has not published answers exactly as one that does not exist.
"""

from __future__ import annotations

import json
import uuid

from flask import Blueprint, Response, g, render_template

from badges.achievements.addresses import credential_url
from badges.awards.published import published_row
from badges.awards.reading import SignedForm
from badges.awards.service import public_credential
from badges.public import forms, recipients, words
from badges.public.credential_page import page_context, page_html, page_tag
from badges.public.mounting import shared
from badges.public.negotiation import (
    Packed,
    allow_other_sites,
    tagged_page,
    wants_html,
    wants_token,
)
from core.web.app import runtime

pages = Blueprint("credentials", __name__, url_prefix="/credentials")
pages.after_request(allow_other_sites)
words.install(pages)

_LOADED: dict[str, SignedForm] = {"json": "document", "jwt": "jwt"}


@pages.get("/<uuid:credential_id>")
def show(credential_id: uuid.UUID) -> Response:
    """The page where Accept names HTML, else the signed document."""
    if wants_html():
        return _page(credential_id)
    return _form(credential_id, "jwt" if wants_token() else "json")


@pages.get("/<uuid:credential_id>.json")
def show_json(credential_id: uuid.UUID) -> Response:
    """The signed document."""
    return _form(credential_id, "json")


@pages.get("/<uuid:credential_id>.jwt")
def show_jwt(credential_id: uuid.UUID) -> Response:
    """The badge as a VC-JWT; as plain text, which every known reader takes (R35)."""
    return _form(credential_id, "jwt")


@pages.get("/<uuid:credential_id>.png")
def show_png(credential_id: uuid.UUID) -> Response:
    """The picture with the signed document inside."""
    return _form(credential_id, "png")


@pages.get("/<uuid:credential_id>.svg")
def show_svg(credential_id: uuid.UUID) -> Response:
    """The drawing with the signed document inside."""
    return _form(credential_id, "svg")


@pages.get("/<uuid:credential_id>.pdf")
def show_pdf(credential_id: uuid.UUID) -> Response:
    """The certificate to print, with a code that leads to the page."""
    return _form(credential_id, "pdf")


@pages.get("/<uuid:credential_id>/refresh")
def refresh(credential_id: uuid.UUID) -> Response:
    """The badge as it is now: what its refresh service names (R33)."""
    return _form(credential_id, "jwt" if wants_token() else "json")


@pages.get("/<uuid:credential_id>/embed")
def embed(credential_id: uuid.UUID) -> Response:
    """The badge as a small card, for frames on any site; it runs no script there."""
    g.frame_ancestors = "*"  # of the refusal too: a frame must be able to show it
    row = published_row(runtime().database, credential_id)
    tag = page_tag(row, "embed")

    def make() -> Packed:
        context = page_context(row, f"/credentials/{row.id}")
        return Packed(render_template("public/embed.html", **context).encode())

    return tagged_page(lambda: shared().pages.get(tag, make), tag)


@pages.post("/<uuid:credential_id>/recipient")
def recipient(credential_id: uuid.UUID) -> Response:
    """Whether the badge was issued to the address that somebody types."""
    row = published_row(runtime().database, credential_id)
    return recipients.compare(row, json.loads(row.document), f"/credentials/{row.id}")


def _page(credential_id: uuid.UUID) -> Response:
    row = published_row(runtime().database, credential_id)
    tag = page_tag(row)

    def make() -> Packed:
        return Packed(page_html(row, f"/credentials/{row.id}").encode())

    return tagged_page(lambda: shared().pages.get(tag, make), tag)


def _form(credential_id: uuid.UUID, form: str) -> Response:
    with runtime().database.snapshot() as session:
        credential = public_credential(session, credential_id, only=_LOADED.get(form))
    return forms.answer(
        credential, form, page=credential_url(runtime().config.badge_url, credential.id)
    )
