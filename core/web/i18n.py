"""Languages and time zones: whose they are for this request, and the template helpers for both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import get_timezone_name
from babel.support import NullTranslations, Translations
from flask import Flask, current_app, g, has_app_context, request
from flask_babel import (
    Babel,
    format_date,
    format_datetime,
    format_timedelta,
    get_locale,
    get_timezone,
    get_translations,
    gettext,
)
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from core import timezones
from core.db import utcnow

TRANSLATIONS = files("core.web") / "translations"


def available() -> list[str]:
    """Locales with a catalogue, English first."""
    if not TRANSLATIONS.is_dir():
        return ["en"]
    return ["en", *sorted(e.name for e in TRANSLATIONS.iterdir() if e.is_dir() and e.name != "en")]


def install(app: Flask) -> None:
    """Set Flask-Babel up and register filters and globals."""
    Babel(
        app,
        default_translation_directories=str(TRANSLATIONS),
        default_domain="messages",
        locale_selector=_locale,
        timezone_selector=_timezone,
    )
    known = available()
    app.extensions["milepost_locales"] = known
    app.add_template_filter(datetime_abs)
    app.add_template_filter(date_abs)
    app.add_template_filter(day)
    app.add_template_filter(last_day)
    app.add_template_filter(last_day_abs)
    app.add_template_filter(relative)
    app.add_template_filter(filesize)
    app.add_template_filter(initials)
    app.context_processor(_globals)
    app.jinja_env.globals.update(_=translate, gettext=translate, ngettext=translate_number)


def best_locale(wanted: str | None, known: list[str]) -> str | None:
    """The catalogue for a tag such as `es-MX`; None if there is none."""
    if not wanted:
        return None
    try:
        parsed = Locale.parse(wanted.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return None
    full = str(parsed)
    return full if full in known else parsed.language if parsed.language in known else None


def texts_in(locale: str | None) -> Callable[..., str]:
    """A `gettext` for one person's language, whoever the request is of, or without any request.

    `texts_in("es-MX")("%(count)s pieces", count=2)`. Without a catalogue for `locale` it speaks the
    installation's language, or where no application is at hand that of the sources.
    """
    known = available()
    chosen = best_locale(locale, known)
    if chosen is None and has_app_context():
        chosen = best_locale(current_app.extensions["milepost"].config.default_locale, known)
    catalogue = _loaded(chosen or "en", str(TRANSLATIONS))

    def say(message: str, /, **variables: object) -> str:
        text = catalogue.gettext(message)
        return text % variables if variables else text

    return say


@lru_cache
def _loaded(locale: str, folder: str) -> NullTranslations:
    return Translations.load(folder, [locale])


def _locale() -> Locale:
    """The reader's locale, taken apart once: Babel does that again at every request."""
    return _parsed(_tag())


@lru_cache(maxsize=64)
def _parsed(tag: str) -> Locale:
    return Locale.parse(tag)


def _tag() -> str:
    known: list[str] = current_app.extensions["milepost_locales"]
    chosen = best_locale(g.get("locale"), known)
    if chosen:
        return chosen
    asked = _asked(request.environ.get("HTTP_ACCEPT_LANGUAGE", ""), tuple(known))
    return (asked or current_app.extensions["milepost"].config.default_locale).replace("-", "_")


@lru_cache(maxsize=512)
def _asked(header: str, known: tuple[str, ...]) -> str | None:
    """The best of `known` for an Accept-Language header; browsers send the same few."""
    wanted = parse_accept_header(header, LanguageAccept)
    return wanted.best_match([tag.replace("_", "-") for tag in known])


def _timezone() -> str:
    default: str = current_app.extensions["milepost"].config.default_timezone
    wanted: str = g.get("timezone") or default
    # An unknown name would fail every page, the one that tells of it included.
    return next((zone for zone in (wanted, default) if timezones.known(zone)), timezones.FALLBACK)


def _globals() -> dict[str, object]:
    locale = get_locale() or Locale("en")
    return {
        "locale": str(locale).replace("_", "-"),
        "text_direction": locale.text_direction,
        "request_id": g.get("request_id", "-"),
        "bar": None,
        "accent_url": None,
    }


@pass_eval_context
def translate(place: EvalContext, message: str, /, **variables: object) -> str:
    """`_` and `gettext` of templates: `message` in the reader's language, `variables` filled in.

    As Jinja's own, what is filled in is escaped where the template escapes, and `%%` is a per cent
    sign with or without variables.
    """
    return _filled(place, _catalogue().ugettext(message), variables)


@pass_eval_context
def translate_number(
    place: EvalContext, singular: str, plural: str, number: int, /, **variables: object
) -> str:
    """`ngettext` of templates: the form for `number`, which the text may name as `num`."""
    variables.setdefault("num", number)
    return _filled(place, _catalogue().ungettext(singular, plural, number), variables)


def _catalogue() -> Any:
    """The translations of the locale that holds now.

    Flask-Babel finds them anew for every text, which took a fifth of a page's time.
    """
    locale = get_locale()
    if locale is None:
        return get_translations()
    kept = g.get("template_translations")
    # Whatever changes the locale within a request (`force_locale`, `refresh`) sets a new object.
    if kept is None or kept[0] is not locale:
        kept = g.template_translations = (locale, get_translations())
    return kept[1]


def _filled(place: EvalContext, text: str, variables: dict[str, object]) -> str:
    # Our own catalogues and templates, never what somebody wrote.
    shown = Markup(text) if place.autoescape else text  # noqa: S704
    return shown % variables if "%" in text else shown


def datetime_abs(value: datetime) -> Markup:
    """`<time>` with day, date, time and zone, as in "Friday 18 December 2026, 17:00 CET"."""
    local = here(value)
    text = gettext(
        "%(date)s, %(time)s %(zone)s",
        date=format_datetime(local, gettext("EEEE d MMMM y"), rebase=False),
        time=format_datetime(local, "HH:mm", rebase=False),
        zone=zone_name(value),
    )
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="minutes"), text)


def zone_name(value: datetime) -> str:
    """The zone's short name at `value`, such as CET, or UTC."""
    local = here(value)
    return local.tzname() or str(get_timezone_name(local, width="short"))


def here(value: datetime) -> datetime:
    """`value` in the reader's zone; see `timezones.at` for the ends of the calendar."""
    return timezones.at(value, get_timezone() or UTC)


def date_abs(value: datetime | date) -> Markup:
    """`<time>` with the date alone, as in "18 December 2026"."""
    stamp = here(value).date() if isinstance(value, datetime) else value
    return Markup('<time datetime="{}">{}</time>').format(stamp.isoformat(), escape(day(stamp)))


def day(value: datetime | date) -> str:
    """A date inside a sentence, as in "18 December 2026"; of a moment, the reader's day."""
    stamp = here(value).date() if isinstance(value, datetime) else value
    return str(format_date(stamp, gettext("d MMMM y")))


def last_day(end: datetime) -> str:
    """The last day of what is good until `end`, inside a sentence, the same in every zone."""
    return day(timezones.last_day(end))


def last_day_abs(end: datetime) -> Markup:
    """The same as `<time>`."""
    return date_abs(timezones.last_day(end))


def relative(value: datetime) -> str:
    """How far away, as in "in 26 days" or "3 hours ago"; days are counted up to two months."""
    away = timezones.at(value, UTC) - utcnow()
    days = abs(away.total_seconds()) / 86400
    # Babel takes the largest unit that reaches the threshold: above the weeks, it says days.
    threshold = max(1.2, days / 7 + 0.01) if days < 60 else 1.2
    return str(format_timedelta(away, add_direction=True, threshold=threshold))


def filesize(value: int) -> str:
    """Bytes for people: "1.8 MB" (powers of 1000, one decimal under 10)."""
    units, size = ["B", "KB", "MB", "GB"], float(value)
    while round(size) >= 1000 and len(units) > 1:
        units.pop(0)
        size /= 1000
    unit = units[0]
    text = f"{size:.1f}" if size < 9.95 and unit != "B" else f"{size:.0f}"
    return f"{text.removesuffix('.0')} {unit}"


def initials(name: str | None) -> str:
    """One or two letters for an avatar; a dot where there is no name."""
    words = [word for word in (name or "").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "·"
