"""`/shared/<secret>`: a badge that its holder shows to whoever has the link, until it ends.

Nothing of it may be kept by caches or told to other sites: the address is the key.
"""

from __future__ import annotations

import json
from typing import Final

from flask import Blueprint, Response, make_response, render_template, request

from badges.awards.links import opened
from badges.awards.models import Credential
from badges.awards.published import PageRow
from badges.public import forms, recipients
from badges.public.credential_page import Days, page_context
from badges.public.negotiation import JWT_TYPES, VC_TYPES, allow_other_sites, named, wants_html
from core.web.app import runtime

pages = Blueprint("private_links", __name__, url_prefix="/shared")

_ENDINGS: Final = "any(json,jwt,png,svg,pdf)"


@pages.get("/<secret>")
def show(secret: str) -> Response:
    """The page where Accept names HTML, else the signed document."""
    credential, until = _opened(secret)
    if wants_html():
        context = page_context(PageRow.of(credential), f"/shared/{secret}")
        return make_response(render_template("public/credential.html", **context, link_until=until))
    _jwt, token_wanted = named(request.accept_mimetypes, JWT_TYPES)
    _json, json_wanted = named(request.accept_mimetypes, VC_TYPES)
    return _form(credential, secret, "jwt" if token_wanted > json_wanted else "json")


@pages.get(f"/<secret>.<{_ENDINGS}:form>")
def show_form(secret: str, form: str) -> Response:
    """The badge as a file."""
    credential, _until = _opened(secret)
    return _form(credential, secret, form)


@pages.post("/<secret>/recipient")
def recipient(secret: str) -> Response:
    """Whether the badge was issued to the address that somebody types."""
    credential, _until = _opened(secret)
    row = PageRow.of(credential)
    return recipients.compare(row, json.loads(row.document), f"/shared/{secret}")


@pages.after_request
def _private(response: Response) -> Response:
    response = allow_other_sites(response)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _opened(secret: str) -> tuple[Credential, str]:
    now = runtime().now()
    with runtime().database.snapshot() as session:
        link, credential = opened(session, secret, now)
    return credential, Days.here().day(link.expires_at)


def _form(credential: Credential, secret: str, form: str) -> Response:
    page = f"{runtime().config.badge_url}/shared/{secret}"
    return forms.answer(credential, form, page=page, max_age=0)
