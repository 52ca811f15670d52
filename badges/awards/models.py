"""Awards, credentials and their versions, status lists, renewals."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from badges.achievements.models import AchievementVersion, Issuer
from core.db import Base, Identified, Json
from core.scope import OwnedByPeople, OwnedContent


class Award(OwnedByPeople, Identified, Base):
    """A pathway's criteria were met: granted once per enrolment, achievement and cycle.

    `receipt` = {rule_hash, pathway_version, evaluated_at, facts: [[source, source_id, revision]],
    reviewers: [{role, at}]}: enough to compute the decision again.
    """

    __tablename__ = "awards"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "achievement_id", "cycle"),
        CheckConstraint("state in ('offered','accepted','declined')", name="state"),
    )

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolments.id"))
    achievement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievements.id"), index=True)
    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"))
    cycle: Mapped[int] = mapped_column(default=1)
    receipt: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(10), default="offered")
    granted_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    version: Mapped[AchievementVersion] = relationship(lazy="joined")


class StatusList(OwnedContent, Identified, Base):
    """A Bitstring status list of an issuer; `bits` is the plain bitstring, first entry first.

    `version` counts the changes of `bits`; `document` and `jwt` say what `signed_version` said,
    signed with the keys whose ids are in `signed_kids`. Where either differs from what is current,
    the list is signed anew before it is served.
    """

    __tablename__ = "status_lists"

    issuer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issuers.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    size: Mapped[int]
    bits: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    allocated: Mapped[int] = mapped_column(default=0)
    document: Mapped[str | None] = deferred(mapped_column(Text))
    jwt: Mapped[str | None] = deferred(mapped_column(Text))
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    signed_version: Mapped[int | None]
    signed_kids: Mapped[str | None] = mapped_column(String(140))
    signed_at: Mapped[datetime | None]

    issuer: Mapped[Issuer] = relationship(lazy="joined")


class BadgeAddress(Base):
    """The origin that every badge of this installation names: one row, kept at the first issue."""

    __tablename__ = "badge_address"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin: Mapped[str] = mapped_column(String(300))
    kept_at: Mapped[datetime]


class Credential(OwnedByPeople, Identified, Base):
    """An accepted award on its way to, or already as, a signed Open Badges 3.0 credential.

    Everything that goes under the signature (`unsigned`, with id, status index, dates, salt) is
    fixed on acceptance, so that signing again after a crash gives the same document.
    """

    __tablename__ = "credentials"
    __table_args__ = (
        UniqueConstraint("status_list_id", "status_index"),
        CheckConstraint("state in ('accepted','signed','revoked')", name="state"),
        Index(
            "uq_credentials_one_live",
            "award_id",
            unique=True,
            sqlite_where=text("state <> 'revoked'"),
            postgresql_where=text("state <> 'revoked'"),
        ),
    )

    award_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("awards.id"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    issuer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issuers.id"))
    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"))
    state: Mapped[str] = mapped_column(String(10), default="accepted")
    recipient_name: Mapped[str | None] = mapped_column(String(200))
    # Plain JSON, not JSONB: the order of its members is what people and tokens show.
    unsigned: Mapped[dict[str, Any]] = deferred(mapped_column(JSON))
    status_list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("status_lists.id"))
    status_index: Mapped[int]
    document: Mapped[str | None] = deferred(mapped_column(Text))
    jwt: Mapped[str | None] = deferred(mapped_column(Text))
    proof_created_at: Mapped[datetime]
    awarded_at: Mapped[datetime]
    accepted_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revocation_reason: Mapped[str | None] = mapped_column(Text)
    # Which version of the badge this is, from 1, and when it took the earlier one's place.
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    revised_at: Mapped[datetime | None]

    issuer: Mapped[Issuer] = relationship(lazy="joined")
    version: Mapped[AchievementVersion] = relationship(lazy="joined")


class CredentialRevision(OwnedByPeople, Identified, Base):
    """One version of a credential that was issued anew; there is none before that happens.

    Number 1 is what acceptance fixed. The newest row with neither `signed_at` nor `replaced_at`
    waits to be signed; the one with `signed_at` alone is what the credential says now. A replaced
    one keeps what it said in `document` and `jwt`. One with `refused_at` could not be signed as it
    was written and never counts. `note` says what was wrong, to its holder.
    """

    __tablename__ = "credential_revisions"
    __table_args__ = (
        UniqueConstraint("credential_id", "number"),
        UniqueConstraint("status_list_id", "status_index"),
        CheckConstraint(
            "reason in ('issued','corrected','recipient','holder','renewed','key','evidence',"
            "'endorsed')",
            name="reason",
        ),
    )

    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id"))
    number: Mapped[int]
    reason: Mapped[str] = mapped_column(String(10))
    note: Mapped[str | None] = mapped_column(Text)
    recipient_name: Mapped[str | None] = mapped_column(String(200))
    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"))
    valid_until: Mapped[datetime | None]
    # Plain JSON, not JSONB: see Credential.
    unsigned: Mapped[dict[str, Any]] = deferred(mapped_column(JSON))
    status_list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("status_lists.id"))
    status_index: Mapped[int]
    document: Mapped[str | None] = deferred(mapped_column(Text))
    jwt: Mapped[str | None] = deferred(mapped_column(Text))
    proof_created_at: Mapped[datetime]
    created_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    replacement_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("key_replacements.id"), index=True
    )


class KeyReplacement(OwnedContent, Identified, Base):
    """A key of an issuer was withdrawn, and everything that it signed is issued anew.

    `cursor` is the last credential that was looked at, by id; `found_all_at` says that there is
    none left to look for. What was found names this row in its revision.
    """

    __tablename__ = "key_replacements"

    issuer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issuers.id"), index=True)
    kid: Mapped[str] = mapped_column(String(64), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    started_at: Mapped[datetime]
    cursor: Mapped[uuid.UUID | None]
    looked_at: Mapped[int] = mapped_column(default=0)
    found_all_at: Mapped[datetime | None]

    issuer: Mapped[Issuer] = relationship(lazy="joined")


class RenewalRequest(OwnedByPeople, Identified, Base):
    """A holder asks for a badge to be valid for another while; one at a time for each badge.

    `valid_until` is what was granted. `by_rule` says that newer facts met the pathway's rule again,
    so that nobody had to be asked.
    """

    __tablename__ = "renewal_requests"
    __table_args__ = (
        CheckConstraint("state in ('asked','granted','declined','withdrawn')", name="state"),
        Index(
            "uq_renewal_requests_one_asked",
            "credential_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
    )

    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="asked")
    words: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    by_rule: Mapped[bool] = mapped_column(default=False)
    valid_until: Mapped[datetime | None]
