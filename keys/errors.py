"""What can go wrong with keys, as operators need to hear it."""

from __future__ import annotations


class KeyRingError(Exception):
    """Base of what the key ring raises on purpose. Messages never hold key material."""


class KeySealError(KeyRingError):
    """A sealed private key does not open: another master key sealed it, or the row was changed."""


class NoActiveKeyError(KeyRingError):
    """The ring holds no key that may sign with the algorithm asked for."""

    def __init__(self, ring: str, algorithm: str) -> None:
        super().__init__(f"The key ring {ring} has no active {algorithm} key.")
        self.ring = ring
        self.algorithm = algorithm


class KeyWithdrawnError(KeyRingError):
    """A key that was about to be used, or has just signed something, counts as compromised."""

    def __init__(self, kid: str) -> None:
        super().__init__(f"The signing key {kid} was withdrawn.")
        self.kid = kid
