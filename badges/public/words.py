"""Words that several public pages share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from babel import Locale, UnknownLocaleError
from flask import Blueprint
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from badges.achievements.document import EvidenceAsked
from badges.awards.kinds import kind_name
from badges.public.reading import ShownResult

_LEVEL_NAMES = {
    "foundational": _l("Foundational level"),
    "practitioner": _l("Practitioner level"),
    "advanced": _l("Advanced level"),
    "leadership": _l("Leadership level"),
}
_LEVEL_WORDS = {
    "foundational": _l("Foundational"),
    "practitioner": _l("Practitioner"),
    "advanced": _l("Advanced"),
    "leadership": _l("Leadership"),
}


def level_name(level: str) -> str:
    """A micro-credential's level, as in "Practitioner level"."""
    return str(_LEVEL_NAMES.get(level, level))


def level_word(level: str) -> str:
    """A level in one word, as in "Practitioner"."""
    return str(_LEVEL_WORDS.get(level, level))


def work_time(minutes: int) -> str:
    """How long the work takes, as in "about 12 hours"."""
    if minutes < 90:
        return str(ngettext("about %(num)d minute", "about %(num)d minutes", minutes))
    hours = round(minutes / 60)
    return str(ngettext("about %(num)d hour", "about %(num)d hours", hours))


def asked_amount(asked: EvidenceAsked) -> str:
    """How much of one kind of evidence is asked for."""
    values = {"low": asked.minimum, "high": asked.maximum}
    if asked.counts_words:
        return str(_("%(low)d to %(high)d words", **values))
    if asked.minimum == asked.maximum:
        return str(ngettext("%(num)d piece", "%(num)d pieces", asked.minimum))
    return str(_("%(low)d to %(high)d pieces", **values))


def language_name(tag: str) -> str:
    """A language by its tag (BCP 47), in the page's language; the tag where it has no name."""
    try:
        locale = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return tag
    return locale.get_display_name(get_locale() or "en") or tag


def evidence_kind(kind: str) -> str:
    """The name of a kind of evidence."""
    return kind_name(kind)


def clock(moment: datetime) -> str:
    """The time in UTC, as in "14:02": a page that caches keep is the same for every zone."""
    return moment.astimezone(UTC).strftime("%H:%M")


def code(text: str) -> Markup:
    """`text` set as code."""
    return Markup("<code>{}</code>").format(text)


def external(address: str) -> Markup:
    """A link to somebody else's site, shown as its address."""
    return Markup('<a href="{0}" rel="noopener nofollow">{0}</a>').format(address)


def score_items(results: Iterable[ShownResult]) -> list[tuple[str, str, str]]:
    """Results for the `scores` macro: criterion, "3 of 4", level."""
    return [
        (
            result.criterion,
            ""
            if result.reached is None
            else _("%(reached)d of %(levels)d", reached=result.reached, levels=result.levels),
            result.level,
        )
        for result in results
    ]


def install(blueprint: Blueprint) -> None:
    """Give the templates of the application these words as filters."""
    for word in (
        level_name,
        level_word,
        work_time,
        asked_amount,
        evidence_kind,
        language_name,
        clock,
        code,
        external,
        score_items,
    ):
        blueprint.add_app_template_filter(word)
