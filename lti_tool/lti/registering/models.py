"""Links by which an LMS registers itself.

IMS LTI Dynamic Registration 1.0, section 3.3 (registration initiation).
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified
from core.scope import OwnedByPeople


class RegistrationLink(OwnedByPeople, Identified, Base):
    """A way in for one LMS, once; only a digest of its secret is kept.

    `platform_id` is the one platform that it may update, null where it may add one. `registered_id`
    is the platform that came of it. `actor_id` is null where the command made it.
    """

    __tablename__ = "lti_registration_links"

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    platform_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("lti_platforms.id"), index=True
    )
    registered_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("lti_platforms.id"), index=True
    )
    actor_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
