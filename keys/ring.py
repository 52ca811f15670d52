"""The key ring: make, load once, rotate with overlap, withdraw, publish.

A ring has at most one active key per algorithm (the database holds that). A retired key signs no
more, but stays published so that what it signed keeps verifying; a compromised one is withdrawn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import case, select
from sqlalchemy.orm import Session

from core.db import Database
from core.errors import ConflictError, GoneError, NotFoundError
from keys.encoding import public_jwk, public_multibase, thumbprint
from keys.errors import KeyRingError, KeyWithdrawnError, NoActiveKeyError
from keys.models import SigningKey
from keys.publish import jwk_set, single_jwk
from keys.seal import Seal
from keys.signer import Algorithm, Signer, SoftwareSigner

LTI_RING = "lti"
STALE_AFTER = 60.0  # seconds


@dataclass(frozen=True)
class LoadedKey:
    """An active key, opened: its public forms and what signs with it."""

    kid: str
    algorithm: str
    public_jwk: dict[str, Any]
    public_multibase: str | None
    signer: Signer


class KeyRing:
    """All rings of one installation. One per process; safe to share between threads."""

    def __init__(
        self,
        database: Database,
        master_key: bytes,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises KeySealError unless `master_key` has 32 bytes."""
        self.database = database
        self._seal = Seal(master_key)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._opened: dict[str, LoadedKey] = {}
        self._active: dict[tuple[str, str], tuple[LoadedKey, float]] = {}

    def create(
        self, session: Session, ring: str, algorithm: Algorithm, now: datetime
    ) -> SigningKey:
        """Add the first active key of `algorithm` to `ring`.

        Raises ConflictError if there is one already: `rotate` replaces it.
        """
        if _active_rows(session, ring, algorithm):
            raise ConflictError(
                f"The key ring {ring} already has an active {algorithm} key.",
                code="key_exists",
            )
        return self._add(session, ring, algorithm, now)

    def rotate(
        self, session: Session, ring: str, now: datetime, *, algorithm: Algorithm | None = None
    ) -> list[SigningKey]:
        """Replace the active keys of `ring` (or only the one of `algorithm`); returns the new ones.

        The old ones sign no more and stay published. Raises NotFoundError where none is active.
        """
        old = _active_rows(session, ring, algorithm)
        if not old:
            raise NotFoundError(f"The key ring {ring} has no active key.", code="key_unknown")
        for row in old:
            row.state, row.retired_at = "retiring", now
        session.flush()  # the index allows one active key, so the old one goes first
        self.forget()
        return [self._add(session, ring, _algorithm(row), now) for row in old]

    def retire(self, session: Session, kid: str, now: datetime) -> list[SigningKey]:
        """Let one key sign no more; returns what signs in its place, none if it signed no more.

        It stays published. Raises NotFoundError.
        """
        row = session.scalar(select(SigningKey).where(SigningKey.kid == kid).with_for_update())
        if row is None:
            raise NotFoundError("There is no such key.", code="key_unknown")
        if row.state != "active":
            return []
        return self.rotate(session, row.ring, now, algorithm=_algorithm(row))

    def withdraw(self, session: Session, kid: str, now: datetime) -> SigningKey | None:
        """Mark a key compromised: published no more. If it was active, returns its replacement."""
        row = session.scalar(select(SigningKey).where(SigningKey.kid == kid).with_for_update())
        if row is None:
            raise NotFoundError("There is no such key.", code="key_unknown")
        was_active = row.state == "active"
        row.state, row.retired_at = "compromised", row.retired_at or now
        session.flush()
        self.forget()
        return self._add(session, row.ring, _algorithm(row), now) if was_active else None

    def active(self, ring: str, algorithm: Algorithm) -> LoadedKey:
        """The key that signs for `ring`, at most 60 s out of date.

        Raises NoActiveKeyError, or KeySealError where the master key is not the right one.
        """
        with self._lock:
            found = self._active.get((ring, algorithm))
            if found and self._monotonic() - found[1] < STALE_AFTER:
                return found[0]
            loaded_at = self._monotonic()
            with self.database.snapshot() as session:
                rows = _active_rows(session, ring, algorithm)
            if not rows:
                self._active.pop((ring, algorithm), None)
                raise NoActiveKeyError(ring, algorithm)
            key = self._opened.get(rows[0].kid) or self._open(rows[0])
            self._active[ring, algorithm] = (key, loaded_at)
            return key

    def published(self, ring: str) -> list[SigningKey]:
        """Every key of `ring` that others may rely on, active ones first, then newest first."""
        with self.database.snapshot() as session:
            return published_keys(session, ring)

    def jwks(self, ring: str) -> dict[str, Any]:
        """The JWK Set of `ring` (RFC 7517 section 5): its RS256 keys."""
        return jwk_set([row for row in self.published(ring) if row.algorithm == "RS256"])

    def jwk(self, kid: str) -> dict[str, Any]:
        """The one public JWK for `/keys/<kid>`. Raises NotFoundError, or GoneError if withdrawn."""
        with self.database.snapshot() as session:
            row = session.scalar(select(SigningKey).where(SigningKey.kid == kid))
        if row is None:
            raise NotFoundError("There is no such key.", code="key_unknown")
        if row.state == "compromised":
            raise GoneError("This key was withdrawn.", code="key_withdrawn")
        return single_jwk(row)

    def check(self) -> None:
        """Open every active key, sign with it and verify the signature.

        For readiness: raises KeySealError or KeyRingError at the first key that does not work.
        """
        with self.database.snapshot() as session:
            rows = list(session.scalars(select(SigningKey).where(SigningKey.state == "active")))
        for row in rows:
            with self._lock:
                key = self._opened.get(row.kid) or self._open(row)
            _prove(key)

    def _add(self, session: Session, ring: str, algorithm: Algorithm, now: datetime) -> SigningKey:
        signer = SoftwareSigner.generate(algorithm)
        jwk = public_jwk(signer.public_key)
        kid = thumbprint(jwk)
        row = SigningKey(
            kid=kid,
            ring=ring,
            algorithm=algorithm,
            state="active",
            public_jwk=jwk,
            public_multibase=public_multibase(signer.public_key),
            sealed=self._seal.close(kid, signer.private_bytes()),
            created_at=now,
        )
        session.add(row)
        session.flush()
        return row

    def _open(self, row: SigningKey) -> LoadedKey:
        signer = SoftwareSigner.from_private_bytes(self._seal.open(row.kid, row.sealed))
        if public_jwk(signer.public_key) != row.public_jwk:
            raise KeyRingError(f"The signing key {row.kid} does not fit its published half.")
        key = LoadedKey(row.kid, row.algorithm, row.public_jwk, row.public_multibase, signer)
        self._opened[row.kid] = key
        return key

    def forget(self) -> None:
        """Drop what is cached about which keys are active; opened keys are kept."""
        with self._lock:
            self._active.clear()

    def __repr__(self) -> str:
        return "<KeyRing>"


def require_trusted(session: Session, kids: Iterable[str]) -> None:
    """Raise KeyWithdrawnError if one of these keys was withdrawn.

    None of them can be until this transaction ends. Whoever stores a signature asks this in the
    storing transaction: another process may have withdrawn the key a moment before.
    """
    wanted = sorted(kids)
    rows = session.execute(
        select(SigningKey.kid, SigningKey.state)
        .where(SigningKey.kid.in_(wanted))
        .order_by(SigningKey.kid)
        .with_for_update(read=True, key_share=True)
    ).all()
    for kid, state in rows:
        if state == "compromised":
            raise KeyWithdrawnError(kid)


def published_keys(session: Session, ring: str) -> list[SigningKey]:
    """Like `KeyRing.published`, inside a session that is already open."""
    order = case((SigningKey.state == "active", 0), else_=1)
    statement = (
        select(SigningKey)
        .where(SigningKey.ring == ring, SigningKey.state != "compromised")
        .order_by(order, SigningKey.created_at.desc(), SigningKey.kid)
    )
    return list(session.scalars(statement))


def _active_rows(session: Session, ring: str, algorithm: str | None) -> list[SigningKey]:
    statement = select(SigningKey).where(SigningKey.ring == ring, SigningKey.state == "active")
    if algorithm is not None:
        statement = statement.where(SigningKey.algorithm == algorithm)
    return list(session.scalars(statement.order_by(SigningKey.algorithm)))


def _algorithm(row: SigningKey) -> Algorithm:
    return "Ed25519" if row.algorithm == "Ed25519" else "RS256"


def _prove(key: LoadedKey) -> None:
    probe = b"milepost readiness probe"
    public = key.signer.public_key
    signature = key.signer.sign(probe)
    if isinstance(public, Ed25519PublicKey):
        public.verify(signature, probe)
    else:
        public.verify(signature, probe, padding.PKCS1v15(), hashes.SHA256())
