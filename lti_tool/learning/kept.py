"""What is kept about a person, counted from the rows that hold it, and for how long.

The data privacy launch of an LMS leads here, and everybody may open it for themselves.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from badges.awards.batches.models import BatchLine
from badges.awards.evidence_models import PublishedEvidence
from badges.awards.links import CredentialLink
from badges.awards.models import Credential, RenewalRequest
from badges.holdings.models import ImportedBadge, Portfolio
from badges.wallets.models import WalletExchange
from core import addresses
from core.audit import AuditEvent
from core.identity import Person, ids_of
from core.scope import unscoped
from core.web.sessions import WebSession
from lti_tool.courses.models import Context, Membership
from lti_tool.evidence.models import EvidenceItem, Revision, Submission
from lti_tool.review.models import Review

LAST_LOOKS: Final = 20
# What somebody does with a colleague's work that its author is told of.
LOOKS: Final = ("evidence.viewed", "evidence.file_viewed", "submission.state_viewed")


@dataclass(frozen=True)
class Look:
    """Somebody's look at one's work."""

    at: datetime
    action: str


@dataclass(frozen=True)
class Kept:
    """One person's data, in numbers, with the last looks at it."""

    name: str | None
    email: str | None
    own_address: str | None
    language: str | None
    timezone: str | None
    is_test: bool
    since: datetime
    courses: tuple[str, ...]
    submissions: int
    revisions: int
    files: int
    file_bytes: int
    reviews: int
    credentials: int
    renewals: int
    lists: int
    brought: int
    pages: int
    links: int
    published: int
    wallets: int
    visits: int
    looks: int
    last_looks: tuple[Look, ...]


@dataclass(frozen=True)
class Summary:
    """An organisation's data, in numbers; nobody is named."""

    people: int
    test_people: int
    courses: int
    submissions: int
    files: int
    file_bytes: int
    reviews: int
    credentials: int


def about(session: Session, person_id: uuid.UUID) -> Kept:
    """What is kept about this person in the scope of their visit."""
    with unscoped(session, "the visit's own person"):
        person = session.get_one(Person, person_id)
    own = addresses.current(session, person_id)
    files, file_bytes = _files(session, Submission.person_id == person_id)
    looked = (
        AuditEvent.about_id.in_(ids_of(session, person_id)),
        AuditEvent.action.in_(LOOKS),
    )
    last = session.execute(
        select(AuditEvent.at, AuditEvent.action)
        .where(*looked)
        .order_by(AuditEvent.at.desc())
        .limit(LAST_LOOKS)
    )
    sent = select(func.count(Revision.id)).join(Submission).where(
        Submission.person_id == person_id
    )  # fmt: skip
    return Kept(
        name=person.name,
        email=person.email,
        own_address=own.address if own else None,
        language=person.locale,
        timezone=person.timezone,
        is_test=person.is_test,
        since=person.created_at,
        courses=_courses(session, person_id),
        submissions=_count(session, Submission, Submission.person_id == person_id),
        revisions=_number(session, sent),
        files=files,
        file_bytes=file_bytes,
        reviews=_count(session, Review, Review.reviewer_id == person_id),
        credentials=_count(session, Credential, Credential.person_id == person_id),
        renewals=_count(session, RenewalRequest, RenewalRequest.person_id == person_id),
        lists=_count(session, BatchLine, BatchLine.person_id == person_id),
        brought=_count(session, ImportedBadge, ImportedBadge.person_id == person_id),
        pages=_count(session, Portfolio, Portfolio.person_id == person_id),
        links=_count(session, CredentialLink, CredentialLink.person_id == person_id),
        published=_count(session, PublishedEvidence, PublishedEvidence.person_id == person_id),
        wallets=_count(session, WalletExchange, WalletExchange.person_id == person_id),
        visits=_count(session, WebSession, WebSession.person_id == person_id),
        looks=_count(session, AuditEvent, *looked),
        last_looks=tuple(Look(at, action) for at, action in last),
    )


def summary(session: Session) -> Summary:
    """What the organisation of the session's scope holds, and those below it."""
    files, file_bytes = _files(session)
    return Summary(
        people=_count(session, Person, Person.is_test.is_(False)),
        test_people=_count(session, Person, Person.is_test.is_(True)),
        courses=_count(session, Context),
        submissions=_count(session, Submission),
        files=files,
        file_bytes=file_bytes,
        reviews=_count(session, Review),
        credentials=_count(session, Credential),
    )


def _courses(session: Session, person_id: uuid.UUID) -> tuple[str, ...]:
    rows = session.scalars(
        select(Context.title)
        .join(Membership, Membership.context_id == Context.id)
        .where(Membership.person_id == person_id)
        .order_by(Context.title)
    )
    return tuple(title or "-" for title in rows)


def _files(session: Session, *conditions: Any) -> tuple[int, int]:
    """How many files were sent or are in drafts, each once, and how many bytes they take."""
    once = (
        select(EvidenceItem.file_key, func.max(EvidenceItem.size).label("size"))
        .join(Revision, Revision.id == EvidenceItem.revision_id)
        .join(Submission, Submission.id == Revision.submission_id)
        .where(EvidenceItem.file_key.is_not(None), *conditions)
        .group_by(EvidenceItem.file_key)
        .subquery()
    )
    row = session.execute(select(func.count(), func.sum(once.c.size)).select_from(once)).one()
    return int(row[0]), int(row[1] or 0)


def _count(session: Session, kind: Any, *conditions: Any) -> int:
    return _number(session, select(func.count(kind.id)).where(*conditions))


def _number(session: Session, query: Select[Any]) -> int:
    return int(session.scalar(query) or 0)
