"""The states of a badge, and the reasons of its versions, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from badges.public.reading import ShownBadge, read_badge
from core.web.i18n import last_day


def state(name: str) -> tuple[str, str]:
    """The word and the kind of tag for a state of `reading.STATES`."""
    words = {
        "valid": (_("Valid"), "good"),
        "ending": (_("Ends soon"), "warn"),
        "ended": (_("Has ended"), "later"),
        "withdrawn": (_("Withdrawn"), "bad"),
        "signing": (_("Being signed"), "wait"),
    }
    word, kind = words[name]
    return str(word), kind


def reason(name: str) -> str:
    """Why there is a version."""
    words = {
        "issued": _("As it was accepted"),
        "corrected": _("Corrected"),
        "recipient": _("The holder changed their name or address on it"),
        "holder": _("Put into a wallet"),
        "renewed": _("Renewed"),
        "key": _("Signed again, with a new key"),
        "evidence": _("The holder changed which evidence it shows"),
        "endorsed": _("Others’ words about it were added or taken away"),
    }
    return str(words[name])


@dataclass(frozen=True)
class Difference:
    """One thing that reads differently: what it is, and how it read and will read."""

    what: str
    before: str
    after: str


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What a reader of the badge will see changed."""
    one, other = read_badge(before), read_badge(after)
    return [found for found in _pairs(one, other) if found.before != found.after]


def _pairs(one: ShownBadge, other: ShownBadge) -> Iterator[Difference]:
    nothing = str(_("Nothing"))
    yield Difference(str(_("Whose it is")), one.earner or nothing, other.earner or nothing)
    yield Difference(str(_("What it is called")), one.name, other.name)
    yield Difference(str(_("What it says")), one.description, other.description)
    yield Difference(str(_("What it took")), one.criteria, other.criteria)
    names = dict.fromkeys(item.criterion for item in (*one.results, *other.results))
    for name in names:
        yield Difference(name, _level(one, name) or nothing, _level(other, name) or nothing)
    never = str(_("Without an end"))
    yield Difference(
        str(_("Valid until")),
        last_day(one.valid_until) if one.valid_until else never,
        last_day(other.valid_until) if other.valid_until else never,
    )


def _level(badge: ShownBadge, criterion: str) -> str:
    return next((item.level for item in badge.results if item.criterion == criterion), "")
