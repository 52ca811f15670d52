"""My page: begun, arranged, given an address, looked at as others will, shown and taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from badges.holdings import portfolio
from badges.holdings.models import Portfolio
from badges.holdings.pieces import Piece, pieces_of
from badges.holdings.portfolio import MOST_SECTIONS, Section
from badges.public.portfolios import PageTile, page_context, portfolio_url, tile
from core.errors import ConflictError, InvalidInputError, UnprocessableError
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.own import own_person

NOWHERE: Final = "none"
_SECRET, _CHOSEN = "secret", "chosen"


@dataclass(frozen=True)
class Draft:
    """What the form holds: saved, or typed and not accepted yet."""

    title: str
    intro: str
    sections: tuple[Section, ...]
    version: int

    @classmethod
    def of(cls, row: Portfolio) -> Draft:
        """What is saved."""
        return cls(row.title, row.intro, tuple(portfolio.sections_of(row)), row.version)


@dataclass(frozen=True)
class Row:
    """One badge of the list: its key, how it looks, and whether visitors see it."""

    key: str
    tile: PageTile
    shown: bool


@blueprint.get("/portfolio")
def portfolio_page() -> str:
    """My page as it is arranged, or how to begin one."""
    return _render()


@blueprint.post("/portfolio/begin")
def begin_portfolio() -> ResponseReturnValue:
    """Make a page with everything on it that one shows already."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        portfolio.begin(session, own_person(session, who.person_id), runtime().now())
    return redirect(url_for("learning.portfolio_page"), 303)


@blueprint.post("/portfolio")
def save_portfolio() -> ResponseReturnValue:
    """Keep all that was typed; then move, add or remove what a button said."""
    who = principal()
    draft, anchor = _carried_out(_typed(), request.form.get("do", "save"))
    try:
        with runtime().database.transaction(who.scope) as session:
            portfolio.save(
                session, who.person_id, title=draft.title, intro=draft.intro,
                sections=draft.sections, version=draft.version, now=runtime().now(),
            )  # fmt: skip
    except UnprocessableError as error:
        return _render(draft, {name: str(text) for name, text in error.fields.items()}), 422
    except ConflictError as error:
        # What was typed stands in the form; pressing once more writes it over the other.
        words = _("%(what)s Save again to keep what stands here.", what=error.message)
        return _render(draft, {"": words}, renew=True), error.status
    if request.form.get("do", "save") == "save":
        flash(_("Saved."), "good")
    return redirect(url_for("learning.portfolio_page", _anchor=anchor), 303)


@blueprint.post("/portfolio/address")
def address_portfolio() -> ResponseReturnValue:
    """Choose the page's address, or have a new one made that nobody can guess."""
    who, typed = principal(), request.form.get("slug", "")[:100]
    chosen = typed if request.form.get("kind") == _CHOSEN else None
    try:
        with runtime().database.transaction(who.scope) as session:
            portfolio.choose_address(session, who.person_id, chosen, runtime().now())
    except UnprocessableError as error:
        faults = {name: str(text) for name, text in error.fields.items()}
        return _render(errors=faults, slug=typed), 422
    flash(_("Your page has a new address. The one before leads nowhere now."), "good")
    return redirect(url_for("learning.portfolio_page", _anchor="address"), 303)


@blueprint.post("/portfolio/publish")
def publish_portfolio() -> ResponseReturnValue:
    """Show the page to everybody who has its address."""
    who = principal()
    try:
        with runtime().database.transaction(who.scope) as session:
            portfolio.publish(session, who.person_id, runtime().now())
    except UnprocessableError as error:
        return _render(errors={name: str(text) for name, text in error.fields.items()}), 422
    flash(_("Your page is open to everybody who has its address."), "good")
    return redirect(url_for("learning.portfolio_page"), 303)


@blueprint.post("/portfolio/unpublish")
def unpublish_portfolio() -> ResponseReturnValue:
    """Take the page back; its badges stay as they are."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        portfolio.unpublish(session, who.person_id, runtime().now())
    flash(_("Your page is private again. Its badges are as they were."), "good")
    return redirect(url_for("learning.portfolio_page"), 303)


@blueprint.get("/portfolio/preview")
def preview_portfolio() -> ResponseReturnValue:
    """The page as visitors would see it at this moment."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        row = portfolio.own(session, who.person_id)
        found = portfolio.shown(session, row) if row else None
    if found is None:
        return redirect(url_for("learning.portfolio_page"), 303)
    context = page_context(found)
    context.pop("verify_url")
    return render_template("learning/portfolio_preview.html", **context)


def _typed() -> Draft:
    """The form as it was sent: sections in their order, each with its badges.

    Nothing is cut, so that all that was typed stands there again; the request bounds it. Raises
    InvalidInputError without the number of its sections, which would take all of them away.
    """
    values = request.form
    count = values.get("count", -1, type=int)
    if not 0 <= count <= MOST_SECTIONS + 1:
        raise InvalidInputError(_("This form did not come whole, so nothing was changed."))
    items: list[list[str]] = [[] for _number in range(count)]
    moved: list[tuple[int, str]] = []
    for place in [*map(str, range(count)), NOWHERE]:
        for key in values.getlist(f"items-{place}")[: portfolio.MOST_ITEMS]:
            wanted = values.get(f"place-{key}", place)
            if wanted == place and place != NOWHERE:
                items[int(place)].append(key)
            elif wanted.isdecimal() and len(wanted) < 4 and int(wanted) < count:
                moved.append((int(wanted), key))
    for number, key in moved:  # what comes from another section stands last
        items[number].append(key)
    sections = tuple(
        Section(
            values.get(f"title-{number}", ""),
            values.get(f"text-{number}", ""),
            tuple(items[number]),
        )
        for number in range(count)
    )
    version = values.get("version", -1, type=int)
    return Draft(values.get("title", ""), values.get("intro", ""), sections, version)


def _carried_out(draft: Draft, action: str) -> tuple[Draft, str | None]:
    """The draft after a button was pressed, and the place of the page to come back to."""
    verb, _colon, what = action.partition(":")
    sections = list(draft.sections)
    if verb == "add":
        sections.append(Section("", "", ()))
        anchor = f"part-{len(sections) - 1}"
    elif verb in ("section-up", "section-down", "section-remove") and what.isdecimal():
        number = int(what[:3])
        if number >= len(sections):
            return draft, None
        one = sections.pop(number)
        if verb != "section-remove":
            number = max(0, number + (1 if verb == "section-down" else -1))
            sections.insert(number, one)
        anchor = f"part-{min(number, len(sections) - 1)}" if sections else "parts"
    elif verb in ("up", "down"):
        sections = [_shifted(one, what, 1 if verb == "down" else -1) for one in sections]
        anchor = f"b-{what}"
    else:
        return draft, None
    return replace(draft, sections=tuple(sections)), anchor


def _shifted(section: Section, key: str, by: int) -> Section:
    if key not in section.items:
        return section
    items = list(section.items)
    place = items.index(key)
    items.insert(max(0, place + by), items.pop(place))
    return replace(section, items=tuple(items))


def _render(
    draft: Draft | None = None,
    errors: dict[str, str] | None = None,
    *,
    slug: str | None = None,
    renew: bool = False,
) -> str:
    who, now = principal(), runtime().now()
    with runtime().database.snapshot(who.scope) as session:
        row = portfolio.own(session, who.person_id)
        pieces = pieces_of(session, who.person_id, shown_only=False)
    if row is None:
        return render_template("learning/portfolio_begin.html", count=_shown(pieces))
    form = draft or Draft.of(row)
    if renew:
        form = replace(form, version=row.version)
    rows = {one.key: Row(one.key, tile(one, now), one.shown) for one in pieces}
    placed = {key for section in form.sections for key in section.items}
    chosen = slug if slug is not None else "" if _made_up(row.slug) else row.slug
    return render_template(
        "learning/portfolio.html",
        portfolio=row,
        draft=form,
        rows=rows,
        left=[one for one in rows.values() if one.key not in placed and one.shown],
        hidden=sum(not one.shown for one in pieces if one.key not in placed),
        others=_other_names(form, pieces),
        address=portfolio_url(runtime().config.badge_url, row.slug),
        chosen=chosen,
        kind=_CHOSEN if chosen else _SECRET,
        most=MOST_SECTIONS,
        errors=errors or {},
    )


def _shown(pieces: list[Piece]) -> int:
    """How many would stand on a new page."""
    return sum(one.shown and one.credential_id is not None for one in pieces)


def _other_names(draft: Draft, pieces: list[Piece]) -> list[str]:
    """Names on badges of the page that differ from what stands at its top."""
    placed = {key for section in draft.sections for key in section.items}
    names: dict[str, Any] = dict.fromkeys(
        one.on_badge for one in pieces if one.shown and one.key in placed and one.on_badge
    )
    return [name for name in names if draft.title and name != draft.title]


def _made_up(slug: str) -> bool:
    return len(slug) == 33 and slug.startswith("p")
