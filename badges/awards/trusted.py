"""Signing with keys that can still be trusted in the moment in which the signature is stored.

Sign outside of any transaction, then store if nobody has yet. Both algorithms are deterministic and
every date was fixed before, so a worker that dies in between leaves no trace: the next one makes
the same document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from badges.achievements.models import Issuer
from badges.awards.proofs import IssuerKeys, Signed, sign_both
from core.crash import crash_point
from core.runtime import Runtime
from core.scope import unscoped
from keys.errors import KeyWithdrawnError
from keys.ring import KeyRing, require_trusted

T = TypeVar("T")
_REASON = "what was signed is stored where it was found, whoever it belongs to"


def sign_and_store(
    runtime: Runtime,
    ring: KeyRing,
    issuer: Issuer,
    unsigned: Mapping[str, Any],
    *,
    created: datetime,
    crash: str,
    store: Callable[[Session, Signed], T],
) -> T:
    """Sign `unsigned` in both forms; returns what `store` does in the storing transaction.

    `created` dates the embedded proof; `crash` names the place between signing and storing. Raises
    InvalidCredentialError for a document that would not verify, KeyRingError without a key.
    """

    def attempt() -> T:
        keys = IssuerKeys.of(ring, issuer)
        badge_url = runtime.config.badge_url
        signed = sign_both(keys, issuer, unsigned, created=created, badge_url=badge_url)
        crash_point(crash, runtime.config.environment)
        with storing(runtime, keys.kids) as session:
            return store(session, signed)

    return with_keys_of_now(ring, attempt)


def with_keys_of_now(ring: KeyRing, attempt: Callable[[], T]) -> T:
    """What `attempt` returns; tried again where another process withdrew a key a moment ago."""
    try:
        return attempt()
    except KeyWithdrawnError:
        ring.forget()
        return attempt()


@contextmanager
def storing(runtime: Runtime, kids: Iterable[str]) -> Iterator[Session]:
    """The transaction in which signatures are stored: none of these keys is withdrawn before it
    ends. Raises KeyWithdrawnError where one was.

    The keys' rows are locked first, by all who store: who withdraws a key meets them in no circle.
    """
    with runtime.database.transaction() as session, unscoped(session, _REASON):
        require_trusted(session, kids)
        yield session
