"""The Signer interface: what signs, wherever the private half is kept.

`SoftwareSigner` holds it in this process. A key service or a hardware module implements the same
protocol without ever showing its private half.
"""

from __future__ import annotations

from typing import Literal, NoReturn, Protocol, get_args

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from keys.encoding import PublicKey

Algorithm = Literal["RS256", "Ed25519"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
PrivateKey = Ed25519PrivateKey | rsa.RSAPrivateKey

# What LMSs and badge validators are known to accept; rotation, not length, limits its life.
RSA_BITS = 2048


class Signer(Protocol):
    """Signs with one key. Both algorithms are deterministic: same data, same signature."""

    @property
    def algorithm(self) -> Algorithm:
        """RS256 (RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 3.3) or Ed25519 (RFC 8032)."""
        ...

    @property
    def public_key(self) -> PublicKey:
        """The half that everybody may see."""
        ...

    @property
    def private_key(self) -> PrivateKey | None:
        """The key object for libraries that insist on one; None where it cannot leave its vault."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The signature over `data`: 64 bytes for Ed25519, the modulus' length for RS256."""
        ...


class SoftwareSigner:
    """A private key in memory. It shows nothing of itself and refuses to be pickled."""

    __slots__ = ("_key", "algorithm")

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self.algorithm: Algorithm = "Ed25519" if isinstance(key, Ed25519PrivateKey) else "RS256"

    @classmethod
    def generate(cls, algorithm: Algorithm) -> SoftwareSigner:
        """A signer with a new key. Raises ValueError for an algorithm that is not known here."""
        if algorithm == "Ed25519":
            return cls(Ed25519PrivateKey.generate())
        if algorithm == "RS256":
            return cls(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))
        raise ValueError(f"no keys are made for {algorithm!r}; use one of {', '.join(ALGORITHMS)}")

    @classmethod
    def from_private_bytes(cls, data: bytes) -> SoftwareSigner:
        """A signer from unencrypted PKCS #8 DER that `private_bytes` gave.

        The seal has shown that these are our own bytes, so an RSA key's numbers are not checked
        anew, which would take 45 ms.
        """
        key = load_der_private_key(data, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, Ed25519PrivateKey | rsa.RSAPrivateKey):
            raise ValueError("neither an Ed25519 nor an RSA private key")
        return cls(key)

    def private_bytes(self) -> bytes:
        """Unencrypted PKCS #8 DER, to be sealed at once and kept nowhere else."""
        return self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._key.public_key()

    @property
    def private_key(self) -> PrivateKey:
        """The key object, for PyJWT."""
        return self._key

    def sign(self, data: bytes) -> bytes:
        """Sign `data` (see `Signer.sign`)."""
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(data)
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def __repr__(self) -> str:
        return f"<SoftwareSigner {self.algorithm}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")
