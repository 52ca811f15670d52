"""The list of badges that were given, by filters, within the session's scope."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, selectinload

from badges.achievements.models import Achievement, AchievementVersion
from badges.awards.models import Credential, RenewalRequest
from badges.awards.reissuing import SIGN_REVISION
from badges.awards.service import SIGN
from badges.awards.versions import pending
from core.identity import Person
from core.outbox import OutboxMessage
from core.scope import unscoped
from core.web.calling import teacher

A_PAGE: Final = 50
ENDING: Final = timedelta(days=90)
STATES: Final = ("valid", "ending", "ended", "withdrawn", "signing")
# The table and not the class: whose badge it is was settled by the scope of the badge.
_people: Any = Person.__table__
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; as typed, so that the form shows it again."""

    text: str = ""
    state: str = ""
    achievement: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Filters:
        """From an address. What cannot be a filter is none."""
        state = args.get("state", "")
        return cls(
            text=args.get("text", "").strip()[:200],
            state=state if state in STATES else "",
            achievement=str(_uuid(args.get("achievement", "")) or ""),
            since=str(_day(args.get("since", "")) or ""),
            until=str(_day(args.get("until", "")) or ""),
        )

    def given(self) -> dict[str, Any]:
        """Those that are set, for an address."""
        named = {
            "text": self.text,
            "state": self.state,
            "achievement": self.achievement,
            "since": self.since,
            "until": self.until,
        }
        return {name: value for name, value in named.items() if value}

    def of(self, state: str) -> dict[str, Any]:
        """The same with another state."""
        return replace(self, state=state).given()


@dataclass(frozen=True)
class Row:
    """One badge of the list."""

    credential: Credential
    name: str
    title: str
    state: str


@dataclass(frozen=True)
class Page:
    """Some badges, newest first, how many there are in all, and of each state."""

    rows: Sequence[Row]
    number: int
    pages: int
    total: int
    counts: Mapping[str, int]
    any_at_all: bool


def page(session: Session, filters: Filters, number: int, now: datetime) -> Page:
    """One page of what the filters let through."""
    narrowed = _narrowed(filters)
    counted = {
        state: _count(session, [*narrowed, _in_state(state, now)]) for state in STATES
    }  # fmt: skip
    # Those that end soon are valid, too.
    everything = sum(number for state, number in counted.items() if state != "ending")
    wanted = [*narrowed, *([_in_state(filters.state, now)] if filters.state else [])]
    total = counted[filters.state] if filters.state else everything
    pages = max(1, -(-total // A_PAGE))
    number = min(max(number, 1), pages)
    found = session.execute(
        select(Credential, _people.c.name)
        .join(_people, _people.c.id == Credential.person_id)
        .where(*wanted)
        .options(selectinload(Credential.version), selectinload(Credential.issuer))
        .order_by(Credential.accepted_at.desc(), Credential.id)
        .limit(A_PAGE)
        .offset((number - 1) * A_PAGE)
    ).all()
    rows = [row(credential, name, now) for credential, name in found]
    return Page(rows, number, pages, total, counted, bool(everything) or bool(_some(session)))


def row(credential: Credential, name: str | None, now: datetime) -> Row:
    """A badge as lists show it."""
    title = str(credential.version.document["name"])
    called = teacher(name or credential.recipient_name, credential.person_id)
    return Row(credential, called, title, state_of(credential, now))


def rows_of(session: Session, credentials: Sequence[Credential], now: datetime) -> list[Row]:
    """Badges in hand as lists show them, in their order."""
    people = [one.person_id for one in credentials]
    with unscoped(session, "the holders of badges that are in hand"):
        pairs = session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
        names = {pair.id: pair.name for pair in pairs}
    return [row(one, names.get(one.person_id), now) for one in credentials]


def state_of(credential: Credential, now: datetime) -> str:
    """One of STATES."""
    if credential.state == "accepted":
        return "signing"
    if credential.state == "revoked":
        return "withdrawn"
    if credential.valid_until is None or credential.valid_until > now + ENDING:
        return "valid"
    return "ending" if credential.valid_until > now else "ended"


def held_up(session: Session, credential: Credential) -> bool:
    """Whether what waits to be signed was tried and not signed, so that it takes more than seconds.

    It is tried again by itself, or an administrator has to look at it first.
    """
    topic, key = SIGN, str(credential.id)
    if credential.state != "accepted":
        waiting = pending(session, credential.id)
        if waiting is None:
            return False
        topic, key = SIGN_REVISION, f"{credential.id}:{waiting.number}"
    return (
        session.scalar(
            select(
                or_(
                    OutboxMessage.state == "dead",
                    OutboxMessage.last_error.is_not(None),
                    OutboxMessage.dropped_at.is_not(None),
                )
            ).where(OutboxMessage.topic == topic, OutboxMessage.key == key)
        )
        or False
    )


def achievements_given(session: Session) -> list[tuple[str, str]]:
    """(id, name) of every micro-credential whose badge was given, for the filter."""
    given = session.scalars(
        select(AchievementVersion.achievement_id)
        .join(Credential, Credential.achievement_version_id == AchievementVersion.id)
        .distinct()
    ).all()
    with unscoped(session, "what badges in reach were given for, whoever made it"):
        found = session.execute(
            select(Achievement.id, AchievementVersion.document)
            .join(AchievementVersion, AchievementVersion.id == Achievement.current_version_id)
            .where(Achievement.id.in_(given))
        ).all()
    named = [(str(one), str(document["name"])) for one, document in found]
    return sorted(named, key=lambda pair: pair[1].casefold())


def renewals_asked(session: Session) -> int:
    """How many renewals wait for an answer."""
    return (
        session.scalar(select(func.count(RenewalRequest.id)).where(RenewalRequest.state == "asked"))
        or 0
    )


def _narrowed(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[Any] = []
    if filters.text:
        wanted.append(_named(filters.text))
    if filters.achievement:
        versions = select(AchievementVersion.id).where(
            AchievementVersion.achievement_id == uuid.UUID(filters.achievement)
        )
        wanted.append(Credential.achievement_version_id.in_(versions))
    if since := _day(filters.since):
        wanted.append(Credential.awarded_at >= datetime.combine(since, time.min, UTC))
    if until := _day(filters.until):
        wanted.append(Credential.awarded_at <= datetime.combine(until, time.max, UTC))
    return wanted


def _named(text: str) -> ColumnElement[bool]:
    """By name, by mail address, or by the badge's own address or number."""
    if found := _ID.search(text.lower()):
        return Credential.id == uuid.UUID(found.group())
    people = select(_people.c.id).where(
        or_(
            _people.c.name.icontains(text, autoescape=True),
            func.lower(_people.c.email) == text.lower(),
        )
    )
    return or_(
        Credential.recipient_name.icontains(text, autoescape=True),
        Credential.person_id.in_(people),
    )


def _in_state(state: str, now: datetime) -> ColumnElement[bool]:
    until, signed = Credential.valid_until, Credential.state == "signed"
    conditions = {
        "valid": and_(signed, or_(until.is_(None), until > now)),
        "ending": and_(signed, until > now, until <= now + ENDING),
        "ended": and_(signed, until <= now),
        "withdrawn": Credential.state == "revoked",
        "signing": Credential.state == "accepted",
    }
    return conditions[state]


def _count(session: Session, wanted: Sequence[ColumnElement[bool]]) -> int:
    return session.scalar(select(func.count(Credential.id)).where(*wanted)) or 0


def _some(session: Session) -> uuid.UUID | None:
    return session.scalar(select(Credential.id).limit(1))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
