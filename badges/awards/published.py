"""A credential as its page needs it; a published one is read by one prepared statement.

The page is opened more often than anything else of ours, and loading objects for it cost more than
the database took to answer.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, select

from badges.achievements.models import Issuer
from badges.awards.models import Credential
from core.db import Database
from core.errors import NotFoundError
from core.prepared import Prepared


@dataclass(frozen=True, slots=True)
class PageRow:
    """What a credential's page is made of, beside the micro-credential's own words."""

    id: uuid.UUID
    state: str
    document: str
    version_id: uuid.UUID
    awarded_at: datetime
    signed_at: datetime | None
    revoked_at: datetime | None
    revocation_reason: str | None
    revision: int
    revised_at: datetime | None
    valid_from: datetime
    valid_until: datetime | None
    issuer_name: str
    issuer_slug: str

    @classmethod
    def of(cls, credential: Credential) -> PageRow:
        """The row of a credential that was loaded with its document."""
        return cls(
            credential.id, credential.state, credential.document or "{}",
            credential.achievement_version_id, credential.awarded_at, credential.signed_at,
            credential.revoked_at, credential.revocation_reason, credential.revision,
            credential.revised_at, credential.proof_created_at, credential.valid_until,
            credential.issuer.name, credential.issuer.slug,
        )  # fmt: skip


_c, _i = Credential.__table__.c, Issuer.__table__.c
# In the order of PageRow's members.
_ROW = Prepared(
    select(_c.id, _c.state, _c.document, _c.achievement_version_id, _c.awarded_at, _c.signed_at,
           _c.revoked_at, _c.revocation_reason, _c.revision, _c.revised_at,
           _c.proof_created_at, _c.valid_until, _i.name.label("issuer_name"),
           _i.slug.label("issuer_slug"))
    .select_from(Credential.__table__)
    .join(Issuer.__table__, _i.id == _c.issuer_id)
    .where(_c.id == bindparam("credential_id"), _c.published_at.is_not(None),
           _c.document.is_not(None))
)  # fmt: skip


def published_row(database: Database, credential_id: uuid.UUID) -> PageRow:
    """The row of a published credential, revoked or not: what is published is public.

    Raises NotFoundError where there is none or its holder keeps it private: the two look alike.
    """
    with database.single() as direct:
        row: Any = _ROW.first(direct, {"credential_id": credential_id})
    if row is None:
        raise NotFoundError(_("There is no badge at this address."), code="credential_unknown")
    return PageRow(*row)
