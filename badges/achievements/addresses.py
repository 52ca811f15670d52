"""The public addresses that badges carry. They are for ever, so they are written in one place.

`badge_url` is an origin without a path (`MILEPOST_BADGE_URL`).
"""

from __future__ import annotations

import uuid

from badges.openbadges.did import did_web


def issuer_did(badge_url: str, slug: str) -> str:
    """`did:web:<host>[%3A<port>]:issuers:<slug>`, which resolves to `issuer_url()/did.json`."""
    return did_web(badge_url, "issuers", slug)


def issuer_url(badge_url: str, slug: str) -> str:
    """The issuer's public page."""
    return f"{badge_url}/issuers/{slug}"


def key_url(badge_url: str, kid: str) -> str:
    """Where one public JWK is found: the `kid` of a VC-JWT's header."""
    return f"{badge_url}/keys/{kid}"


def achievement_url(badge_url: str, version_id: uuid.UUID) -> str:
    """The `id` of an achievement: the page of the version that was earned."""
    return f"{badge_url}/achievements/{version_id}"


def achievement_image_url(badge_url: str, version_id: uuid.UUID) -> str:
    """The badge's picture, without anybody's credential in it."""
    return f"{achievement_url(badge_url, version_id)}/image.png"


def credential_url(badge_url: str, credential_id: uuid.UUID) -> str:
    """The `id` of a credential, and its page."""
    return f"{badge_url}/credentials/{credential_id}"


def status_list_url(badge_url: str, list_id: uuid.UUID) -> str:
    """The `id` of a status list, and where it is served."""
    return f"{badge_url}/status/{list_id}"
