"""The secrets of mailed links: made from a row's id and the master key, kept as a hash alone.

So neither the table nor the outbox holds what opens a door, and a mail that has to be sent again
carries the same link as the first time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid

LONGEST = 100


def token(master_key: bytes, purpose: str, row_id: uuid.UUID) -> str:
    """The secret of one row, 43 characters that stand in an address as they are."""
    made = hmac.digest(master_key, f"milepost {purpose} {row_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def digest(text: str) -> bytes:
    """What the table keeps of a secret."""
    return hashlib.sha256(text[:LONGEST].encode("utf-8", "replace")).digest()
