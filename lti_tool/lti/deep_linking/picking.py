"""What was picked, read from the picker's forms and held against what the platform accepts.

Deep Linking 2.0, sections 4.4.1 (accept_…) and 3.2 (ltiResourceLink). Every fault is a sentence
beside its field: platforms do not show our messages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from core.errors import UnprocessableError
from lti_tool.lti.claims import DeepLinkSettings
from lti_tool.lti.deep_linking.models import DeepLinkItem
from lti_tool.lti.names import RESOURCE_LINK_TYPE
from lti_tool.lti.targets import Choice, Target

FRAME, WINDOW = "iframe", "window"
MOST_POINTS = 100_000.0
USUAL_POINTS = 100
LONGEST_TITLE = 255
DATES = ("opens_at", "closes_at", "due_from", "due_until")


@dataclass(frozen=True)
class Picked:
    """One item as it was filled in; `maximum` None for no gradebook column."""

    choice: Choice
    title: str
    maximum: float | None
    dates: Mapping[str, datetime | None]
    shown_in: str


def refused(code: str, message: str, field: str = "") -> UnprocessableError:
    """The refusal of what was picked, said beside `field`."""
    return UnprocessableError(message, code=code, fields={field: message})


def check_types(settings: DeepLinkSettings) -> None:
    """Refuse where the place that asks takes no activities. Raises UnprocessableError."""
    if RESOURCE_LINK_TYPE not in settings.types:
        raise refused(
            "type_not_accepted",
            _(
                "This place in your course takes no activities. Add Milepost where your course"
                " takes an activity."
            ),
        )


def chosen(
    values: Sequence[str], offered: Sequence[Choice], settings: DeepLinkSettings
) -> list[Choice]:
    """The choices that `values` name, each once, in the order of the page.

    Raises UnprocessableError for none, for one that is not offered, and for several where the
    platform takes one.
    """
    check_types(settings)
    known = {str(choice.target): choice for choice in offered}
    if any(value not in known for value in values):
        told = _("One of these is no longer offered. Please choose again.")
        raise refused("choice_unknown", told, "choice")
    found = [choice for name, choice in known.items() if name in values]
    if not found:
        raise refused("nothing_chosen", _("Choose at least one."), "choice")
    if len(found) > 1 and not settings.multiple:
        told = _("Your course takes one activity at a time here. Choose one.")
        raise refused("one_only", told, "choice")
    return found


def frames(settings: DeepLinkSettings) -> list[str]:
    """Where the platform lets an activity open: in a frame of its page, in a window, or both."""
    return [one for one in (FRAME, WINDOW) if one in settings.targets]


def first_values(
    choice: Choice, settings: DeepLinkSettings, zone: ZoneInfo, item: DeepLinkItem | None
) -> dict[str, str]:
    """What the form holds at first: the usual, or what was chosen before where it is edited."""
    own = item is not None and Target(item.kind, item.argument) == choice.target
    before = item if own else None
    points = f"{USUAL_POINTS}" if choice.graded and settings.line_items is not False else ""
    if before is not None:
        points = f"{before.maximum:g}" if before.maximum is not None else ""
    places = frames(settings)
    values = {
        "title": before.title if before else choice.title[:LONGEST_TITLE],
        "maximum": points,
        "shown_in": before.shown_in if before and before.shown_in in places else "",
    }
    values["shown_in"] = values["shown_in"] or (places[0] if places else "")
    for name in DATES:
        at: datetime | None = getattr(before, name) if before else None
        values[name] = at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if at else ""
    return values


def read(
    form: Mapping[str, str],
    number: int,
    choice: Choice,
    settings: DeepLinkSettings,
    zone: ZoneInfo,
    faults: dict[str, Any],
) -> Picked:
    """Item `number` of the form; what is wrong is added to `faults` by field."""
    typed = {
        name: form.get(f"{name}-{number}", "").strip()
        for name in ("title", "maximum", "shown_in", *DATES)
    }
    dates = {name: _moment(typed[name], f"{name}-{number}", zone, faults) for name in DATES}
    _check_order(dates, number, faults)
    return Picked(
        choice=choice,
        title=_title(typed["title"], f"title-{number}", faults),
        maximum=_points(typed["maximum"], f"maximum-{number}", choice, settings, faults),
        dates=dates,
        shown_in=_place(typed["shown_in"], f"shown_in-{number}", settings, faults),
    )


def _title(typed: str, field: str, faults: dict[str, Any]) -> str:
    plain = " ".join("".join(c if c.isprintable() else " " for c in typed).split())
    if not plain:
        faults[field] = _("Give it a title: it is what people see in the course.")
    elif len(plain) > LONGEST_TITLE:
        faults[field] = _("This title is too long; %(most)s letters fit.", most=LONGEST_TITLE)
    return plain


def _points(
    typed: str, field: str, choice: Choice, settings: DeepLinkSettings, faults: dict[str, Any]
) -> float | None:
    if not typed:
        return None
    if settings.line_items is False:
        faults[field] = _("This place makes no gradebook column, so leave the points empty.")
        return None
    if not choice.graded:
        faults[field] = _("There is nothing to grade here, so leave the points empty.")
        return None
    try:
        points = float(typed.replace(",", "."))
    except ValueError:
        points = math.nan
    # Written so that NaN is refused as well.
    if not 0 < points <= MOST_POINTS:
        faults[field] = _("Write a number above zero, or leave it empty for no gradebook column.")
        return None
    return points


def _place(typed: str, field: str, settings: DeepLinkSettings, faults: dict[str, Any]) -> str:
    if typed and typed not in frames(settings):
        faults[field] = _("Your course does not open activities that way. Choose another.")
        return ""
    return typed


def _moment(typed: str, field: str, zone: ZoneInfo, faults: dict[str, Any]) -> datetime | None:
    if not typed:
        return None
    try:
        naive = datetime.fromisoformat(typed)
        if naive.tzinfo is None and 2000 <= naive.year <= 2999:
            return naive.replace(tzinfo=zone)
    except ValueError:
        pass
    faults[field] = _("Write a day and a time, such as 2026-12-18T17:00.")
    return None


def _check_order(dates: Mapping[str, datetime | None], number: int, faults: dict[str, Any]) -> None:
    for first, last in (("opens_at", "closes_at"), ("due_from", "due_until")):
        begins, ends = dates[first], dates[last]
        if begins and ends and ends <= begins:
            faults[f"{last}-{number}"] = _("This is before it begins. Choose a later time.")
