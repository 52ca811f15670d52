"""Whom a notice is to, and what it needs to speak to them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy.orm import Session

from core import mail, timezones
from core.identity import Organisation, Person
from core.letters import Letter, Link
from core.runtime import Runtime
from core.web.i18n import texts_in
from lti_tool.learning.notices import choices

PREFIX: Final = "notice."  # before the kind of a notice, as the kind of a mail
Words = Callable[..., str]


@dataclass(frozen=True)
class Reader:
    """One reader of a letter, in their language and at their hour."""

    runtime: Runtime
    person: Person
    to: str
    place: str
    locale: str
    zone: str

    @property
    def say(self) -> Words:
        """`gettext` in the reader's language."""
        return texts_in(self.locale)

    def day(self, value: datetime) -> str:
        """A date as the reader writes it, where they are."""
        return self._written(timezones.at(value, ZoneInfo(self.zone)).date())

    def last_day(self, end: datetime) -> str:
        """The last day of what is good until `end`, as the reader writes it."""
        return self._written(timezones.last_day(end))

    def _written(self, day: date) -> str:
        return format_date(day, format="long", locale=self.locale)

    def letter(self, subject: str, body: Sequence[str | Link]) -> Letter:
        """The whole letter around what is new."""
        _, name = self.say, self.person.given_name or self.person.name
        hello = _("Hello %(name)s,", name=name) if name else _("Hello,")
        return Letter(
            to=self.to,
            locale=self.locale,
            subject=subject,
            body=[hello, *body],
            closing=[
                _(
                    "You get this because this is your confirmed address at %(organisation)s in"
                    " Milepost. “My notices”, under “My badges”, is where you choose what you are"
                    " told by mail.",
                    organisation=self.place,
                )
            ],
        )

    def way(self) -> list[str | Link]:
        """How to come to one's badges, with a course and without."""
        _ = self.say
        return [
            _("Open Milepost from your course and choose “My badges”. Without a course any more:"),
            Link(_("Open my badges by mail"), f"{self.runtime.config.base_url}/access"),
        ]


def reader_of(runtime: Runtime, session: Session, person_id: uuid.UUID, kind: str) -> Reader | None:
    """Who reads a notice of `kind`; None where they do not want it or cannot be reached."""
    found = choices.addressee(session, person_id, kind)
    if found is None:
        return None
    person, where = found
    place = session.get_one(Organisation, person.owner_id)
    config = runtime.config
    zones = (person.timezone, place.timezone, config.default_timezone)
    zone = next((one for one in zones if one and timezones.known(one)), timezones.FALLBACK)
    return Reader(
        runtime, person, where.address, place.name, mail.language(config, person.locale), zone
    )
