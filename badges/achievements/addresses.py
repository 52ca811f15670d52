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


def issuer_image_url(badge_url: str, slug: str) -> str:
    """The issuer's picture, where it has one."""
    return f"{issuer_url(badge_url, slug)}/image"


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


def evidence_url(badge_url: str, credential_id: uuid.UUID, piece_id: uuid.UUID) -> str:
    """The `id` of a piece of evidence that its earner published with a credential."""
    return f"{credential_url(badge_url, credential_id)}/evidence/{piece_id}"


def status_list_url(badge_url: str, list_id: uuid.UUID) -> str:
    """The `id` of a status list, and where it is served."""
    return f"{badge_url}/status/{list_id}"


def issuer_2_url(badge_url: str, slug: str) -> str:
    """The issuer's profile of Open Badges 2.0."""
    return f"{badge_url}/ob2/issuers/{slug}"


def class_2_url(badge_url: str, version_id: uuid.UUID) -> str:
    """The badge class of Open Badges 2.0 that stands for an achievement."""
    return f"{badge_url}/ob2/classes/{version_id}"


def assertion_2_url(badge_url: str, credential_id: uuid.UUID) -> str:
    """The hosted assertion of Open Badges 2.0 beside a credential."""
    return f"{badge_url}/ob2/assertions/{credential_id}"


def terms_url(badge_url: str, slug: str, number: int) -> str:
    """One published text of an issuer's terms of use."""
    return f"{issuer_url(badge_url, slug)}/terms/{number}"


def endorsement_url(badge_url: str, endorsement_id: uuid.UUID) -> str:
    """The `id` of an endorsement, and its page."""
    return f"{badge_url}/endorsements/{endorsement_id}"


def refresh_url(badge_url: str, credential_id: uuid.UUID) -> str:
    """Where a wallet gets what a credential says now (R33)."""
    return f"{credential_url(badge_url, credential_id)}/refresh"
