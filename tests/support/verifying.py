"""Verifying a district's badges offline, with what the district publishes at this moment."""

from __future__ import annotations

import json
from typing import Any

from badges.achievements import service as achievements
from badges.achievements.addresses import key_url, status_list_url
from badges.awards.models import Credential
from badges.awards.status import signed_list
from badges.openbadges.report import Report
from badges.openbadges.resolution import OfflineResolver
from badges.openbadges.verify import verify
from tests.support.badges import District


def published_documents(district: District, credential: Credential) -> dict[str, Any]:
    """What anybody can fetch: the DID document, each key, and the status list."""
    with district.runtime.database.snapshot() as session:
        issuer = achievements.issuer_by_slug(session, district.issuer.slug)
        documents = {issuer.did: achievements.issuer_document(session, issuer)}
        for key in achievements.issuer_keys(session, issuer):
            documents[key_url(district.badge_url, key.kid)] = district.ring.jwk(key.kid)
    listed = signed_list(district.runtime, district.ring, credential.status_list_id)
    address = status_list_url(district.badge_url, credential.status_list_id)
    return {**documents, address: json.loads(listed.document)}


def verify_badge(
    district: District,
    credential: Credential,
    data: str | bytes | None = None,
    *,
    recipient: str | None = None,
) -> Report:
    """The report on `data` (the stored JSON by default)."""
    return verify(
        data if data is not None else credential.document or "",
        resolver=OfflineResolver(published_documents(district, credential)),
        now=credential.proof_created_at,  # of this version; acceptance for the first
        recipient=recipient,
    )
