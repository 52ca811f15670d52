"""`/portfolios/<address>`: a person's page of badges, while its owner shows it.

One that is kept private answers exactly as one that does not exist. Caches ask at every visit
whether it still holds: what is taken back is gone at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, render_template, url_for
from flask_babel import gettext as _

from badges.holdings import portfolio
from badges.holdings.pieces import Piece
from badges.holdings.portfolio import ShownPortfolio
from badges.public.negotiation import page
from badges.public.reading import domain_of
from core.web.app import runtime
from core.web.assets import asset_url
from core.web.i18n import day, last_day

pages = Blueprint("portfolios", __name__, url_prefix="/portfolios")


@dataclass(frozen=True)
class PageTile:
    """A badge on the page, in words. `elsewhere` where another site answers for it."""

    title: str
    image: str
    url: str
    note: str
    tag_text: str
    tag_kind: str
    elsewhere: bool


@pages.get("/<address>")
def show(address: str) -> Response:
    """The page. NotFoundError where there is none, or it is kept private."""
    with runtime().database.snapshot() as session:
        found = portfolio.published(session, address)
    answer = page(render_template("public/portfolio.html", **page_context(found)), max_age=0)
    answer.headers["Cache-Control"] = "public, no-cache"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def portfolio_url(badge_url: str, slug: str) -> str:
    """The address of a page of badges."""
    return f"{badge_url}/portfolios/{slug}"


def sections_shown(
    found: ShownPortfolio,
    now: datetime | None,
    places: Callable[[Piece], tuple[str, str]] | None = None,
) -> list[dict[str, Any]]:
    """The sections with their badges in words; `places` gives a badge's picture and page.

    Without a `now` nothing is said of what has expired: an export says nothing of its day.
    """
    return [
        {
            "title": section.title,
            "text": section.text,
            "tiles": [tile(piece, now, places or _places) for piece in section.pieces],
        }
        for section in found.sections
    ]


def page_context(found: ShownPortfolio) -> dict[str, Any]:
    """What the page's templates need; also for its owner's look at it."""
    settings = runtime()
    now, base = settings.now(), settings.config.badge_url
    sections = sections_shown(found, now)
    images = [
        url_for("achievements.image_png", version_id=piece.version_id)
        for section in found.sections
        for piece in section.pieces
        if piece.version_id is not None
    ]
    return {
        "portfolio": found.portfolio,
        "sections": sections,
        "count": found.pieces,
        "address": portfolio_url(base, found.portfolio.slug),
        "og_image": f"{base}{images[0]}" if images else "",
        "verify_url": url_for("verify.form"),
    }


def issuer_words(name: str, issuer_id: str) -> str:
    """Another issuer, its domain first: a name anybody may give themselves."""
    domain = domain_of(issuer_id)
    if not domain:
        return str(_("%(name)s, for whom no website answers", name=name))
    return f"{domain} ({name})" if name and name != domain else domain


def _places(piece: Piece) -> tuple[str, str]:
    """Where a badge's picture and its page stand here."""
    if piece.credential_id is None:
        return asset_url("badge-elsewhere.svg"), piece.address or ""
    return (
        url_for("achievements.image_svg", version_id=piece.version_id),
        url_for("credentials.show", credential_id=piece.credential_id),
    )


def tile(
    piece: Piece, now: datetime | None, places: Callable[[Piece], tuple[str, str]] = _places
) -> PageTile:
    """One badge, as the page and its owner's list show it."""
    ours = piece.credential_id is not None
    image, url = places(piece)
    earned = day(piece.awarded_at) if piece.awarded_at else ""
    issuer = piece.issuer if ours else issuer_words(piece.issuer, piece.issuer_id)
    note = f"{issuer}, {earned}" if earned else issuer
    tag_text, kind = "", ""
    if now is not None and piece.expired(now) and piece.valid_until is not None:
        tag_text, kind = _("Expired on %(date)s", date=last_day(piece.valid_until)), "warn"
    elif piece.checked_at is not None:
        checked = _("Last checked on %(date)s", date=day(piece.checked_at))
        note = f"{note}. {checked}"
    return PageTile(piece.title, image, url, note, tag_text, kind, not ours)
