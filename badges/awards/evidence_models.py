"""What an earner has published of the evidence behind a badge, a row for each piece."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, deferred, mapped_column

from core.db import Base, Identified
from core.scope import OwnedByPeople

KINDS: Final = ("text", "link", "file")
SHOWN_AS: Final = ("text", "link", "image", "video", "audio", "download")


class PublishedEvidence(OwnedByPeople, Identified, Base):
    """One piece, as strangers get it. Withdrawn, its row says when, and holds nothing of it.

    `piece` names it among its author's evidence; `name` is what was asked for, `genre` its kind in
    words. `sha256` is the digest of the file that is given out, `read_sha256` of the one that the
    reviewers read: a picture is given out as it was drawn anew. `size` is in bytes.
    """

    __tablename__ = "published_evidence"
    __table_args__ = (
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        CheckConstraint(f"shown_as in {SHOWN_AS!r}", name="shown_as"),
        CheckConstraint(
            "case when withdrawn_at is not null"
            " then text is null and url is null and file_key is null and filename is null"
            " else (kind = 'text') = (text is not null) and (kind = 'link') = (url is not null)"
            " and (kind = 'file') = (file_key is not null) end",
            name="holds_its_kind",
        ),
        Index(
            "uq_published_evidence_one_open",
            "credential_id",
            "piece",
            unique=True,
            sqlite_where=text("withdrawn_at is null"),
            postgresql_where=text("withdrawn_at is null"),
        ),
    )

    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    piece: Mapped[str] = mapped_column(String(120))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(4))
    shown_as: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(200))
    genre: Mapped[str] = mapped_column(String(80))
    description: Mapped[str] = mapped_column(String(200))
    text: Mapped[str | None] = deferred(mapped_column(Text))
    url: Mapped[str | None] = mapped_column(String(2000))
    file_key: Mapped[str | None] = mapped_column(String(200))
    filename: Mapped[str | None] = mapped_column(String(200))
    media_type: Mapped[str | None] = mapped_column(String(120))
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(String(64))
    read_sha256: Mapped[str | None] = mapped_column(String(64))
    published_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
