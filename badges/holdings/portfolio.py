"""A person's page of badges: begun, arranged, given an address, shown and taken back.

The page names badges and holds none: each is shown while its holder shows it, so that taking a
badge back into private, or its revocation, holds here in the same moment.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.awards.granting import refuse_test_student
from badges.holdings.models import Portfolio, PortfolioAddress
from badges.holdings.pieces import Piece, pieces_of
from badges.once import insert_once
from core import audit, plain_text
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Person, owner_like
from core.scope import unscoped

TITLE_LIMIT: Final = 120
TEXT_LIMIT: Final = 2000
MOST_SECTIONS: Final = 12
MOST_ITEMS: Final = 300
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SLUG_LENGTHS: Final = (3, 40)
_OWN = "a person's own page, found by the person"
_BY_ADDRESS = "what its owner has published is public"


@dataclass(frozen=True)
class Section:
    """A part of the page: what it is called, what it says, and its badges in their order."""

    title: str
    text: str
    items: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form that the row keeps."""
        return {"title": self.title, "text": self.text, "items": list(self.items)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Section:
        """Read what `to_dict` wrote."""
        return cls(data["title"], data["text"], tuple(data["items"]))


@dataclass(frozen=True)
class ShownSection:
    """A section as visitors see it: what its holder shows at this moment, and nothing else."""

    title: str
    text: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class ShownPortfolio:
    """The page as visitors see it."""

    portfolio: Portfolio
    sections: tuple[ShownSection, ...]

    @property
    def pieces(self) -> int:
        """How many badges stand on it."""
        return sum(len(section.pieces) for section in self.sections)


def own(session: Session, person_id: uuid.UUID, *, lock: bool = False) -> Portfolio | None:
    """The person's page, if they have begun one."""
    query = select(Portfolio).where(Portfolio.person_id == person_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    with unscoped(session, _OWN):
        return session.scalar(query)


def begin(session: Session, person: Person, now: datetime) -> Portfolio:
    """Make the person's page, with the badges that they have published; nobody sees it yet."""
    new_id, slug = uuid.uuid4(), _fresh_slug()
    published = [one.key for one in pieces_of(session, person.id) if one.credential_id]
    first = Section(gettext("My badges"), "", tuple(published))
    values = {
        **owner_like(person),
        "id": new_id,
        "person_id": person.id,
        "slug": slug,
        "title": (person.name or "")[:TITLE_LIMIT],
        "intro": "",
        "sections": [first.to_dict()],
        "version": 0,
        "created_at": now,
        "updated_at": now,
    }
    if insert_once(session, Portfolio, values, ("person_id",)):
        session.add(PortfolioAddress(slug=slug, portfolio_id=new_id, taken_at=now))
        session.flush()
    return _locked(session, person.id)


def sections_of(portfolio: Portfolio) -> list[Section]:
    """The sections in their order."""
    return [Section.from_dict(data) for data in portfolio.sections]


def save(
    session: Session,
    person_id: uuid.UUID,
    *,
    title: str,
    intro: str,
    sections: Sequence[Section],
    version: int,
    now: datetime,
) -> Portfolio:
    """Keep what the page says and its order. Badges that are not one's own are left out.

    Raises UnprocessableError with every fault by field (`title`, `intro`, `title-0`, `text-0` …),
    ConflictError where the page was changed elsewhere since `version`.
    """
    row = _locked(session, person_id)
    if row.version != version:
        raise ConflictError(
            _("This page was changed in another window after you had opened it here."),
            code="portfolio_changed",
        )
    cleaned = [Section(_line(one.title), _text(one.text), one.items) for one in sections]
    _check(_line(title), _text(intro), cleaned)
    mine = {one.key for one in pieces_of(session, person_id, shown_only=False)}
    row.title, row.intro = _line(title), _text(intro)
    row.sections = [one.to_dict() for one in _once(cleaned, mine)]
    row.version, row.updated_at = row.version + 1, now
    session.flush()
    return row


def choose_address(
    session: Session, person_id: uuid.UUID, slug: str | None, now: datetime
) -> Portfolio:
    """Give the page the address `slug`, or (None) a new one that nobody can guess.

    The one before leads nowhere from then on, and never to anybody else's page. Raises
    UnprocessableError, its `fields` naming `slug`, for one that cannot be had.
    """
    row = _locked(session, person_id)
    wanted = _fresh_slug() if slug is None else slug.strip().lower()
    if wanted == row.slug:
        return row
    low, high = _SLUG_LENGTHS
    if slug is not None and not (low <= len(wanted) <= high and _SLUG.fullmatch(wanted)):
        raise _unusable(
            _("Write %(low)d to %(high)d small letters a to z, digits, and hyphens between them.",
              low=low, high=high)
        )  # fmt: skip
    values = {"slug": wanted, "portfolio_id": row.id, "taken_at": now}
    if not insert_once(session, PortfolioAddress, values, ("slug",)):
        taken = session.get(PortfolioAddress, wanted)
        if taken is None or taken.portfolio_id != row.id:
            raise _unusable(_("This address is taken. Try another."))
    row.slug, row.updated_at = wanted, now
    session.flush()
    return row


def publish(session: Session, person_id: uuid.UUID, now: datetime) -> Portfolio:
    """Show the page to everybody who has its address.

    Raises ConflictError for a test student, UnprocessableError while nothing stands at its top.
    """
    refuse_test_student(session, person_id)
    row = _locked(session, person_id)
    if not row.title:
        raise _nameless()
    if row.published_at is None:
        row.published_at = now
        _note(session, row, "published", now)
    return row


def unpublish(session: Session, person_id: uuid.UUID, now: datetime) -> Portfolio:
    """Take the page back: its address shows nothing from this moment on. The badges stay."""
    row = _locked(session, person_id)
    if row.published_at is not None:
        row.published_at = None
        _note(session, row, "unpublished", now)
    return row


def published(session: Session, slug: str) -> ShownPortfolio:
    """The page at an address. NotFoundError where there is none, or it is kept private."""
    row = None
    if len(slug) <= _SLUG_LENGTHS[1] and _SLUG.fullmatch(slug):
        with unscoped(session, _BY_ADDRESS):
            row = session.scalar(
                select(Portfolio).where(Portfolio.slug == slug, Portfolio.published_at.is_not(None))
            )
    if row is None:
        raise NotFoundError(_("There is no page at this address."), code="portfolio_unknown")
    return shown(session, row)


def shown(session: Session, portfolio: Portfolio) -> ShownPortfolio:
    """The page as visitors see it, or would: sections with nothing in them are left out."""
    known = {one.key: one for one in pieces_of(session, portfolio.person_id)}
    found = []
    for section in sections_of(portfolio):
        pieces = tuple(known[key] for key in section.items if key in known)
        if pieces or section.text:
            found.append(ShownSection(section.title, section.text, pieces))
    return ShownPortfolio(portfolio, tuple(found))


def all_published(session: Session) -> list[ShownPortfolio]:
    """Every published page, by id: for the static export."""
    with unscoped(session, _BY_ADDRESS):
        rows = session.scalars(
            select(Portfolio).where(Portfolio.published_at.is_not(None)).order_by(Portfolio.id)
        ).all()
    return [shown(session, row) for row in rows]


def _locked(session: Session, person_id: uuid.UUID) -> Portfolio:
    found = own(session, person_id, lock=True)
    if found is None:
        raise NotFoundError(
            _("You have not begun a page of your badges yet."), code="portfolio_unknown"
        )
    return found


def _check(title: str, intro: str, sections: Sequence[Section]) -> None:
    faults: dict[str, object] = {}
    if not title:
        faults.update(_nameless().fields)
    typed = {"title": plain_text.line_fault(title, TITLE_LIMIT)}
    typed["intro"] = plain_text.text_fault(intro, TEXT_LIMIT)
    if len(sections) > MOST_SECTIONS:
        faults[""] = _("A page has at most %(limit)d sections.", limit=MOST_SECTIONS)
    for number, section in enumerate(sections):
        typed[f"title-{number}"] = plain_text.line_fault(section.title, TITLE_LIMIT)
        typed[f"text-{number}"] = plain_text.text_fault(section.text, TEXT_LIMIT)
    faults.update({place: fault for place, fault in typed.items() if fault is not None})
    if faults:
        raise UnprocessableError(
            _("The page cannot be kept like this yet."), code="portfolio_unusable", fields=faults
        )


def _once(sections: Iterable[Section], mine: set[str]) -> list[Section]:
    """Each badge once, and only one's own."""
    seen: set[str] = set()
    found = []
    for section in sections:
        items = []
        for key in section.items:
            if key in mine and key not in seen and len(seen) < MOST_ITEMS:
                seen.add(key)
                items.append(key)
        found.append(Section(section.title, section.text, tuple(items)))
    return found


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\0", "").strip()


def _line(text: str) -> str:
    return plain_text.line(_text(text))


def _fresh_slug() -> str:
    # 128 bits that nobody guesses, in the letters that a chosen address has.
    return f"p{secrets.token_hex(16)}"


def _nameless() -> UnprocessableError:
    fault = _("Write what stands at the top: a name, or words of your own.")
    return UnprocessableError(fault, code="portfolio_nameless", fields={"title": fault})


def _unusable(text: object) -> UnprocessableError:
    return UnprocessableError(text, code="portfolio_address", fields={"slug": text})


def _note(session: Session, row: Portfolio, what: str, now: datetime) -> None:
    session.flush()
    audit.record(
        session, owner=row, actor_id=row.person_id, action=f"portfolio.{what}", subject=row,
        about_id=row.person_id, now=now,
    )  # fmt: skip
