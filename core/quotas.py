"""How often something may be asked for, counted in rows: one count for all processes and machines.

A window begins with the first use and ends after its time; who asks is kept as a keyed hash alone.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import LargeBinary, case, delete, or_
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base
from core.errors import MilepostError


@dataclass(frozen=True)
class Limit:
    """At most `most` uses of `name` within `within`, for each of those who ask."""

    name: str
    most: int
    within: timedelta


class TooOftenError(MilepostError):
    """Asked for more often than is allowed."""

    status = 429
    default_code = "too_often"

    def __init__(self, limit: Limit) -> None:
        super().__init__(
            _("This was asked for many times in a short while, so nothing was sent just now."),
            title=_("A moment, please"),
            advice=_("Try again in an hour. What was sent before still works as it says."),
        )
        self.headers["Retry-After"] = str(int(limit.within.total_seconds()))


class Quota(Base):
    """How often one asker has used one limit in the window that ends at `ends_at`."""

    __tablename__ = "quotas"

    who: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    used: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)


def take(session: Session, key: bytes, limit: Limit, asker: str, now: datetime) -> bool:
    """Use one of what `asker` has of `limit`; False where nothing is left.

    Its row is locked until the transaction ends, and a rollback gives the use back: whoever takes
    of several limits does so in one order everywhere. `key` is the master key.
    """
    who = hmac.digest(key, f"milepost quota {limit.name} {asker}".encode(), "sha256")
    make = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    over = Quota.ends_at <= now
    ends = now + limit.within
    statement = (
        make(Quota)
        .values(who=who, used=1, ends_at=ends)
        .on_conflict_do_update(
            index_elements=["who"],
            set_={
                "used": case((over, 1), else_=Quota.used + 1),
                "ends_at": case((over, ends), else_=Quota.ends_at),
            },
            where=or_(over, Quota.used < limit.most),
        )
        .returning(Quota.used)
    )
    return session.connection().execute(statement).first() is not None


def demand(session: Session, key: bytes, limit: Limit, asker: str, now: datetime) -> None:
    """As `take`, but raises TooOftenError where nothing is left."""
    if not take(session, key, limit, asker, now):
        raise TooOftenError(limit)


def forget(session: Session, now: datetime) -> int:
    """Delete windows that have ended; returns how many."""
    table = Quota.__table__
    result = session.connection().execute(delete(table).where(table.c.ends_at <= now))  # type: ignore[arg-type]
    return int(result.rowcount)


def network(address: str | None) -> str:
    """The network that an address belongs to: 256 of IPv4, a household or school of IPv6 (/56)."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 56), strict=False))
