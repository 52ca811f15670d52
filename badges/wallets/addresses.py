"""The addresses of an exchange: for any wallet, and for Learner Credential Wallet's own link."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

LEARNER_WALLET: Final = "https://lcw.app/request.html"
LEARNER_WALLET_SITE: Final = "https://lcw.app/"


def exchange_url(badge_url: str, secret: str) -> str:
    """Where a wallet talks (VC-API), and where a browser finds a page about it."""
    return f"{badge_url}/exchanges/{secret}"


def interaction_url(badge_url: str, secret: str) -> str:
    """What a code or a link shows to any wallet: it asks there which protocols it may speak."""
    return f"{exchange_url(badge_url, secret)}?iuv=1"


def learner_wallet_link(exchange: str, *, issuer: str, challenge: str) -> str:
    """The link that opens Learner Credential Wallet on the same telephone (R51)."""
    values = {
        "issuer": issuer,
        "auth_type": "bearer",
        "challenge": challenge,
        "vc_request_url": exchange,
    }
    return f"{LEARNER_WALLET}?{urlencode(values, quote_via=quote)}"
