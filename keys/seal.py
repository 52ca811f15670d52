"""Private keys at rest: AES-256-GCM under a key derived from the installation's master key.

The derived key comes from HKDF-SHA256 (RFC 5869) with a purpose of its own, so that the master key
may serve other purposes too. The `kid` is associated data: a sealed key moved to another row does
not open there. Layout: version (1 byte), nonce (12), ciphertext with its tag (NIST SP 800-38D).
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.errors import KeySealError

MASTER_KEY_BYTES = 32
_PURPOSE = b"milepost/keys/seal/1"
_VERSION = b"\x01"
_NONCE = 12


class Seal:
    """Seals and opens private keys with one master key."""

    __slots__ = ("_cipher",)

    def __init__(self, master_key: bytes) -> None:
        """Derive the sealing key. Raises KeySealError unless `master_key` has 32 bytes."""
        if len(master_key) != MASTER_KEY_BYTES:
            raise KeySealError(f"The master key must hold 32 bytes; this holds {len(master_key)}.")
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=_PURPOSE).derive(master_key)
        self._cipher = AESGCM(derived)

    def close(self, kid: str, private: bytes) -> bytes:
        """Seal `private` for the row of `kid`; a fresh nonce every time."""
        nonce = secrets.token_bytes(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, private, kid.encode())

    def open(self, kid: str, sealed: bytes) -> bytes:
        """Open what `close` made. Raises KeySealError, which names the key and the likely cause."""
        if sealed[:1] != _VERSION or len(sealed) <= 1 + _NONCE:
            raise KeySealError(f"The signing key {kid} is sealed in a form that is not known here.")
        nonce, body = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, body, kid.encode())
        except InvalidTag:
            raise KeySealError(
                f"The signing key {kid} does not open with this master key."
                " MILEPOST_MASTER_KEY must be the one that was set when the key was made."
            ) from None

    def __repr__(self) -> str:
        return "<Seal>"
