"""The words of a badge's page, and how one page is told from another.

Every word that stands in the signed document is taken from there. `page_tag` is known before the
page is made: whoever has the page already costs one statement and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cache, lru_cache, partial
from importlib.metadata import version as release_of
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from flask import render_template, url_for
from flask_babel import format_date, get_locale, get_timezone
from flask_babel import gettext as _
from markupsafe import Markup

from badges.achievements.addresses import achievement_image_url, credential_url, issuer_url
from badges.achievements.service import micro_credential, public_version
from badges.awards.published import PageRow
from badges.public.kept import Kept
from badges.public.praise import praise_in, terms_in
from badges.public.reading import ShownBadge, ShownResult, domain_of, read_badge
from badges.public.sharing import embed_code, linkedin_address
from badges.public.skeletons import Skeletons
from badges.public.words import code
from core.runtime import Runtime
from core.timezones import at, last_day
from core.web import assets
from core.web.app import runtime
from core.web.i18n import TRANSLATIONS

# What differs from badge to badge of one micro-credential; all else makes the skeleton.
HOLES: Final = frozenset(
    {
        "earner", "address", "path", "issued", "from_day", "until_day", "since_day",
        "today", "linkedin", "results", "evidence", "open_evidence", "open_names", "narrative",
        "reason", "revision", "revised_day", "number_code", "embed", "older",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """How a badge stands now, from our own records: valid, revoked, expired or early."""

    state: str
    at: datetime
    reason: str | None = None


class PageParts:
    """What the pages of one process share: skeletons, rows of results, facts of versions."""

    def __init__(self) -> None:
        self.skeletons = Skeletons(
            lambda context: render_template("public/credential.html", **context), HOLES
        )
        self.rows: Kept[str] = Kept(1024)
        self.facts: Kept[Mapping[str, Any]] = Kept(1024)

    @classmethod
    def of(cls, shared_runtime: Runtime) -> PageParts:
        """The process's own."""
        return shared_runtime.part(cls, lambda _runtime: cls())


def standing(row: PageRow, shown: ShownBadge, now: datetime) -> Standing:
    """What the page says of the badge's validity."""
    if row.state == "revoked":
        return Standing("revoked", row.revoked_at or now, row.revocation_reason)
    if shown.valid_until is not None and shown.valid_until <= now:
        return Standing("expired", shown.valid_until)
    if shown.valid_from is not None and shown.valid_from > now:
        return Standing("early", shown.valid_from)
    return Standing("valid", now)


def first_day(row: PageRow, shown: ShownBadge) -> datetime | None:
    """Since when the badge is valid: a later version dates itself, and not the badge (R9)."""
    if row.revision > 1 and shown.issued_at is not None:
        return shown.issued_at
    return shown.valid_from or shown.issued_at


def page_tag(row: PageRow, *beside: object) -> str:
    """A short hash over whatever decides the page's words, the day and the language among them."""
    now, days = runtime().now(), Days.here()
    parts = (
        row.id, row.revision, row.signed_at, row.state, row.revoked_at, row.revocation_reason,
        row.issuer_name, days.locale, days.day(now), row.valid_from > now,
        row.valid_until is not None and row.valid_until <= now, made_of(), *beside,
    )  # fmt: skip
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def page_html(row: PageRow, path: str) -> str:
    """The page for strangers; `path` is where it and its files are found."""
    parts = PageParts.of(runtime())
    return parts.skeletons.page(page_context(row, path), str(get_locale()))


def page_context(row: PageRow, path: str) -> dict[str, Any]:
    """What the page's template needs: hashable values, and texts alone for `HOLES`."""
    settings = runtime()
    base, now, days = settings.config.badge_url, settings.now(), Days.here()
    document = json.loads(row.document)
    shown = read_badge(document)
    found = standing(row, shown, now)
    own_address = credential_url(base, row.id)
    issuer_page = issuer_url(base, row.issuer_slug)
    begins = first_day(row, shown)
    return {
        "name": shown.name,
        "description": shown.description,
        "criteria": shown.criteria,
        "issuer_id": shown.issuer_id,
        "domain": shown.domain,
        "issuer_name": shown.issuer_name or row.issuer_name,
        "issuer_page": issuer_page,
        "organisation": row.issuer_name,
        "state": found.state,
        **_facts(row.version_id),
        "hashed": shown.hashed,
        "praise": praise_in(document),
        "terms": terms_in(document),
        "verify_url": "/verify",
        "public": path == f"/credentials/{row.id}",
        # From here on what is this badge's own.
        "earner": shown.earner,
        "address": f"{base}{path}",
        "path": path,
        "older": f"/ob2/assertions/{row.id}",
        "number_code": code(str(row.id)),
        "embed": embed_code(own_address, shown.name),
        "issued": days.time(shown.issued_at),
        "from_day": days.day(begins),
        "until_day": days.last_day(shown.valid_until),
        "since_day": days.of(found),
        "today": days.day(now),
        "linkedin": linkedin_address(
            name=shown.name,
            organisation=shown.issuer_name or row.issuer_name,
            issued_at=shown.issued_at or row.awarded_at,
            expires_at=shown.valid_until,
            page=own_address,
            credential_id=str(row.id),
        ),
        "results": _results(shown.results, days.locale),
        "evidence": ", ".join(shown.evidence),
        "open_evidence": _open_evidence(shown, base),
        "open_names": ", ".join(piece.name for piece in shown.open_evidence),
        "narrative": shown.narrative,
        "reason": found.reason or "",
        "revision": str(row.revision) if row.revision > 1 else "",
        "revised_day": days.day(row.revised_at),
    }


@dataclass(frozen=True, slots=True)
class Days:
    """Dates in the reader's language and the installation's time zone."""

    locale: str
    zone: tzinfo

    @classmethod
    def here(cls) -> Days:
        """Those of this request."""
        return cls(str(get_locale()), get_timezone() or UTC)

    def day(self, moment: datetime | None) -> str:
        """A date inside a sentence, as in "14 March 2026"; empty for none."""
        return "" if moment is None else _day(at(moment, self.zone).date(), self.locale)

    def last_day(self, end: datetime | None) -> str:
        """The last day of what is good until `end`, the same in every zone; empty for none."""
        return "" if end is None else _day(last_day(end), self.locale)

    def of(self, found: Standing) -> str:
        """Since when it stands like that: the day of its end for what has expired."""
        return self.last_day(found.at) if found.state == "expired" else self.day(found.at)

    def time(self, moment: datetime | None) -> Markup:
        """The same as `<time>`."""
        if moment is None:
            return Markup("")
        stamp = at(moment, self.zone).date()
        return _time(stamp, _day(stamp, self.locale))


@cache
def made_of() -> str:
    """A hash over templates, texts and static files: what else a page is made of."""
    whole = hashlib.sha256(f"{release_of('milepost')} {assets.release()}".encode())
    for folder in (files("templates"), TRANSLATIONS):
        for entry in _files(folder):
            whole.update(entry.read_bytes())
    return whole.hexdigest()[:16]


def _files(folder: Traversable) -> Iterable[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        if entry.is_dir():
            yield from _files(entry)
        elif entry.name.endswith((".html", ".mo")):
            yield entry


@lru_cache(maxsize=4096)
def _day(stamp: date, locale: str) -> str:
    # Babel takes as long for one date as the rest of a page's words.
    return str(format_date(stamp, _("d MMMM y"), rebase=False))


@lru_cache(maxsize=4096)
def _time(stamp: date, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(stamp.isoformat(), text)


def _facts(version_id: uuid.UUID) -> Mapping[str, Any]:
    """What the page takes from a version itself, which never changes."""

    def read() -> Mapping[str, Any]:
        with runtime().database.snapshot() as session:
            made = micro_credential(public_version(session, version_id))
        return {
            "level": made.level,
            "minutes": made.minutes,
            "image": url_for("achievements.image_svg", version_id=version_id),
            "og_image": achievement_image_url(runtime().config.badge_url, version_id),
            "achievement_page": url_for("achievements.show", version_id=version_id),
        }

    return PageParts.of(runtime()).facts.get(version_id, read)


def _result(row: ShownResult) -> str:
    return render_template("public/_result.html", result=row)


def _open_evidence(shown: ShownBadge, base: str) -> Markup:
    """The list of what strangers may open; empty where there is nothing."""
    if not shown.open_evidence:
        return Markup("")
    found = render_template(
        "public/_evidence.html", pieces=shown.open_evidence, own=domain_of(base)
    )
    return Markup(found)  # noqa: S704 - rendered just now


def _results(results: tuple[ShownResult, ...], locale: str) -> Markup:
    """A row for each criterion; a district has few different ones."""
    kept = PageParts.of(runtime()).rows
    rows = [kept.get((locale, row), partial(_result, row)) for row in results]
    return Markup("").join(Markup(row) for row in rows)  # noqa: S704 - rendered just now


__all__ = [
    "HOLES", "Days", "PageParts", "Standing", "first_day", "made_of", "page_context",
    "page_html", "page_tag", "standing",
]  # fmt: skip
