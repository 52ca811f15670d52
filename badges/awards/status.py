"""Status lists: a random free place for each credential, its bit set on revocation, signed on read.

W3C Bitstring Status List 1.0. A list is signed when somebody reads it and it has changed (or its
keys were rotated) since it was last signed; so a revocation shows at once, and a thousand of them
cost one signature.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select, union_all, update
from sqlalchemy.orm import Session, undefer

from badges.achievements.addresses import status_list_url
from badges.achievements.models import Issuer
from badges.awards.models import StatusList
from badges.awards.proofs import IssuerKeys, Signed, sign_both
from badges.openbadges.status_list import MIN_ENTRIES, status_list_document
from badges.openbadges.status_list import StatusList as Bits
from core.errors import NotFoundError
from core.identity import owner_like
from core.runtime import Runtime
from core.scope import unscoped
from keys.ring import KeyRing

REVOCATION = "revocation"
_REASON = "status lists are public, and a credential's place is chosen by its issuer's list"


@dataclass(frozen=True)
class SignedList:
    """A status list as served: JSON with an embedded proof, the same as a JWT, and its ETag."""

    document: str
    jwt: str
    etag: str
    signed_at: datetime


def allocate(session: Session, issuer: Issuer, now: datetime) -> tuple[StatusList, int]:
    """A random free index in the issuer's newest list, which is at most half full.

    Random, so that an index says nothing about when a badge was issued or who else has one. The
    list's row stays locked until the transaction ends, so that nobody draws the same one meanwhile.
    """
    status_list, indexes = allocate_many(session, issuer, 1, now)
    return status_list, indexes[0]


def allocate_many(
    session: Session, issuer: Issuer, number: int, now: datetime
) -> tuple[StatusList, list[int]]:
    """As `allocate`, for `number` different indexes of one list."""
    status_list = _open_list(session, issuer, now)
    free: set[int] = set()
    while len(free) < number:  # at most half full, so two draws each on average
        drawn = {secrets.randbelow(status_list.size) for _draw in range(number - len(free))}
        free |= drawn - _taken(session, status_list.id, drawn)
    # A set of small numbers is ordered by them, which would tell who came first.
    indexes = list(free)
    secrets.SystemRandom().shuffle(indexes)
    return status_list, indexes


def _taken(session: Session, list_id: uuid.UUID, indexes: Iterable[int]) -> set[int]:
    """Which places anything has: credentials, their versions, whatever else has a status."""
    wanted = list(indexes)
    found = session.connection().execute(
        union_all(
            *(
                select(table.c.status_index).where(
                    table.c.status_list_id == list_id, table.c.status_index.in_(wanted)
                )
                for table in StatusList.metadata.tables.values()
                if "status_list_id" in table.c and "status_index" in table.c
            )
        )
    )
    return set(found.scalars())


def count_allocation(session: Session, list_id: uuid.UUID, number: int = 1) -> None:
    """Note that so many more places of the list are in use."""
    table = StatusList.__table__
    session.connection().execute(
        update(table)  # type: ignore[arg-type]
        .where(table.c.id == list_id)
        .values(allocated=table.c.allocated + number)
    )


def set_bit(session: Session, list_id: uuid.UUID, index: int, now: datetime) -> None:
    """Set one bit for ever; the list counts as changed. The list's row is locked."""
    set_bits(session, list_id, (index,), now)


def set_bits(session: Session, list_id: uuid.UUID, indexes: Iterable[int], now: datetime) -> None:
    """Set several bits of one list for ever, as one change of it."""
    with unscoped(session, _REASON):
        found = session.scalars(
            select(StatusList)
            .where(StatusList.id == list_id)
            .options(undefer(StatusList.bits))
            .with_for_update(of=StatusList)
            .execution_options(populate_existing=True)
        ).one()
    bits = bytearray(found.bits)
    for index in indexes:
        bits[index >> 3] |= 0x80 >> (index & 7)  # the first entry is the leftmost bit
    found.bits, found.version, found.changed_at = bytes(bits), found.version + 1, now
    session.flush()


def signed_list(runtime: Runtime, ring: KeyRing, list_id: uuid.UUID) -> SignedList:
    """The list as it is to be served now, signed anew if it changed. Raises NotFoundError."""
    with runtime.database.snapshot() as session, unscoped(session, _REASON):
        found = session.scalar(
            select(StatusList)
            .where(StatusList.id == list_id)
            .options(
                undefer(StatusList.document), undefer(StatusList.jwt), undefer(StatusList.bits)
            )
        )
    if found is None:
        raise NotFoundError(_("There is no status list at this address."), code="status_unknown")
    keys = IssuerKeys.of(ring, found.issuer)
    if (
        found.document is not None
        and found.jwt is not None
        and found.signed_at is not None
        and (found.signed_version, found.signed_kids) == (found.version, keys.ids)
    ):
        return _served(found.document, found.jwt, found.signed_at)
    now = runtime.now()
    bits = Bits(found.size)
    bits.set_all(_indexes(found.bits))
    badge_url = runtime.config.badge_url
    unsigned = status_list_document(
        bits,
        url=status_list_url(badge_url, found.id),
        issuer=found.issuer.did,
        valid_from=found.created_at,  # a reader whose clock is slow still accepts it
        purpose=found.purpose,
    )
    signed = sign_both(keys, found.issuer, unsigned, created=now, badge_url=badge_url)
    _store(runtime, found, signed, keys.ids, now)
    return _served(signed.document, signed.jwt, now)


def _store(runtime: Runtime, found: StatusList, signed: Signed, kids: str, now: datetime) -> None:
    """Keep what was signed, unless the list has changed meanwhile: then the next reader signs."""
    table = StatusList.__table__
    with runtime.database.transaction() as session:
        session.connection().execute(
            update(table)  # type: ignore[arg-type]
            .where(table.c.id == found.id, table.c.version == found.version)
            .values(
                document=signed.document,
                jwt=signed.jwt,
                signed_version=found.version,
                signed_kids=kids,
                signed_at=now,
            )
        )


def _served(document: str, jwt: str, signed_at: datetime) -> SignedList:
    digest = hashlib.sha256(document.encode()).hexdigest()
    return SignedList(document, jwt, f'"{digest[:32]}"', signed_at)


def _open_list(session: Session, issuer: Issuer, now: datetime) -> StatusList:
    with unscoped(session, _REASON):
        found = session.scalar(
            select(StatusList)
            .where(
                StatusList.issuer_id == issuer.id,
                StatusList.purpose == REVOCATION,
                StatusList.allocated * 2 < StatusList.size,
            )
            .order_by(StatusList.created_at, StatusList.id)
            .limit(1)
            .with_for_update(of=StatusList)
        )
    if found is None:
        found = StatusList(
            **owner_like(issuer),
            id=uuid.uuid4(),
            issuer_id=issuer.id,
            purpose=REVOCATION,
            size=MIN_ENTRIES,
            bits=bytes(MIN_ENTRIES // 8),
            allocated=0,
            version=0,
            created_at=now,
            changed_at=now,
        )
        found.issuer = issuer
        session.add(found)
        session.flush()
    return found


def _indexes(bits: bytes) -> Iterator[int]:
    for place, byte in enumerate(bits):
        if byte:
            yield from (place * 8 + bit for bit in range(8) if byte & (0x80 >> bit))
