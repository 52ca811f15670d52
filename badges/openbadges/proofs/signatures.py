"""Raw signatures of Data Integrity proofs: Ed25519, and ECDSA as r and s side by side."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from badges.openbadges.errors import ProofError
from badges.openbadges.messages import N_
from badges.openbadges.multikey import PublicKey


def check_raw(key: PublicKey, signature: bytes, data: bytes) -> None:
    """Check one signature; raises ProofError."""
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            size = (key.curve.key_size + 7) // 8
            if len(signature) != 2 * size:
                raise ProofError(N_("The signature does not have the length of its curve."))
            r, s = (int.from_bytes(signature[at : at + size], "big") for at in (0, size))
            algorithm = hashes.SHA256() if size == 32 else hashes.SHA384()
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(algorithm))
    except InvalidSignature as error:
        raise ProofError(N_("The signature does not match the document and the key.")) from error
