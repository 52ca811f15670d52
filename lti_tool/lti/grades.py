"""A decision's score on its way into the LMS's gradebook: the job `review.decided>grade.post`.

AGS 2.0, section 3.4. The score is sent and then recorded; a process that dies in between sends it
again, which leaves the same grade. What an older decision says is not sent after a newer one's.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core.crash import crash_point
from core.identity import owner_like
from core.outbox import DeliveryError, Job
from core.runtime import Runtime
from core.scope import unscoped
from keys.ring import KeyRing
from lti_tool.lti.models import GradeDelivery, PlatformUser, ResourceLink
from lti_tool.lti.names import SCOPE_SCORE
from lti_tool.lti.platforms import KnownPlatform, Platforms
from lti_tool.lti.services.ags import GradeService, ItemWanted, Score
from lti_tool.lti.services.connector import Connector
from lti_tool.lti.services.tokens import AccessTokens

log = logging.getLogger("milepost.grades")
TOPIC, SUBSCRIBER = "review.decided", "grade.post"
CLAIM_LASTS = timedelta(minutes=1)
LOOK_AGAIN = timedelta(seconds=5)
UNTITLED = "Milepost"


@dataclass(frozen=True)
class Decision:
    """What the news of a decision says, checked."""

    decision_id: uuid.UUID
    person_id: uuid.UUID
    resource_link_id: uuid.UUID | None
    score: float
    maximum: float
    met: bool
    comment: str
    decided_at: datetime

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> Decision:
        """From an outbox payload. Raises DeliveryError for one that cannot be a decision."""
        try:
            link = payload.get("resource_link_id")
            decided_at = datetime.fromisoformat(payload["decided_at"])
            if decided_at.tzinfo is None:
                raise ValueError("decided_at has no zone")
            return cls(
                decision_id=uuid.UUID(payload["decision_id"]),
                person_id=uuid.UUID(payload["person_id"]),
                resource_link_id=uuid.UUID(link) if link else None,
                score=float(payload["score"]),
                maximum=float(payload["max"]),
                met=payload["outcome"] == "met",
                comment=str(payload.get("comment") or ""),
                decided_at=decided_at,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DeliveryError("This is no decision that can be read.", permanent=True) from error


@dataclass(frozen=True)
class _Route:
    """Where a decision's score goes."""

    link: ResourceLink
    sub: str
    platform: KnownPlatform


class GradePoster:
    """The handler. One per process."""

    def __init__(self, runtime: Runtime, ring: KeyRing) -> None:
        self._runtime = runtime
        self._platforms = Platforms(runtime.database)
        tokens = AccessTokens(runtime.http, ring, runtime.now)
        self._grades = GradeService(Connector(runtime.http, tokens), runtime.now)

    def __call__(self, job: Job) -> None:
        """Send the score of the decision in `job`, unless it was sent. Raises DeliveryError."""
        decision = Decision.read(job.payload)
        if decision.resource_link_id is None:
            log.info("no gradebook", extra={"job": str(job.id)})
            return
        route = self._route(decision)
        if route is None:
            return
        url = route.link.line_item_url or self._line_item(route, decision)
        if url is None:
            log.info("no gradebook", extra={"job": str(job.id)})
            return
        if SCOPE_SCORE not in route.link.scopes:
            raise DeliveryError(
                "The platform offers no scope to send scores; allow lti-ags/scope/score for"
                " Milepost in the LMS, then open the activity once and retry.",
                permanent=True,
            )
        try:
            score = Score(
                route.sub, decision.score, decision.maximum, decision.comment, decision.met
            )
        except ValueError as error:
            raise DeliveryError(f"This score cannot be sent: {error}.", permanent=True) from error
        sent_at = self._grades.send(route.platform, url, score)
        crash_point("score-sent-not-recorded", self._runtime.config.environment)
        self._record(decision, route.link, url, "sent", sent_at)

    def _route(self, decision: Decision) -> _Route | None:
        """Link, user id and platform; None where there is nothing to send (any more)."""
        with (
            self._runtime.database.snapshot() as session,
            unscoped(session, "a job works for the organisation of the row it is about"),
        ):
            if _is_delivered(session, decision):
                return None
            link = session.get(ResourceLink, decision.resource_link_id)
            if link is None:
                raise DeliveryError("The link of this decision is not known.", permanent=True)
            newer = _newer_exists(session, decision, link)
            sub = _sub(session, link, decision.person_id)
        if newer:
            self._record(
                decision, link, link.line_item_url or "", "superseded", self._runtime.now()
            )
            return None
        platform = self._platforms.get(link.platform_id)
        if sub is None or platform is None:
            raise DeliveryError(
                "The platform of this link does not know the person.", permanent=True
            )
        if platform.disabled:
            raise DeliveryError("This platform is switched off.", permanent=True)
        return _Route(link, sub, platform)

    def _line_item(self, route: _Route, decision: Decision) -> str | None:
        """Find or make the link's line item, on one worker at a time, and keep its address."""
        link = route.link
        if link.line_items_url is None:
            return None
        if not self._claim(link.id):
            raise DeliveryError(
                "Another delivery is finding the gradebook column.", retry_after=LOOK_AGAIN
            )
        found: str | None = None
        try:
            found = self._grades.find_or_create(
                route.platform,
                link.line_items_url,
                frozenset(link.scopes),
                ItemWanted(link.title or UNTITLED, decision.maximum, link.lti_id),
            )
        finally:
            self._release(link.id, found)
        return found

    def _claim(self, link_id: uuid.UUID) -> bool:
        now = self._runtime.now()
        table: Any = ResourceLink.__table__
        with self._runtime.database.transaction() as session:
            result = session.connection().execute(
                update(table)
                .where(
                    table.c.id == link_id,
                    table.c.line_item_url.is_(None),
                    or_(
                        table.c.line_item_claimed_until.is_(None),
                        table.c.line_item_claimed_until <= now,
                    ),
                )
                .values(line_item_claimed_until=now + CLAIM_LASTS)
            )
            return bool(result.rowcount == 1)

    def _release(self, link_id: uuid.UUID, found: str | None) -> None:
        table: Any = ResourceLink.__table__
        kept = {"line_item_url": found} if found else {}
        with self._runtime.database.transaction() as session:
            session.connection().execute(
                update(table)
                .where(table.c.id == link_id)
                .values(line_item_claimed_until=None, **kept)
            )

    def _record(
        self, decision: Decision, link: ResourceLink, url: str, state: str, at: datetime
    ) -> None:
        with (
            self._runtime.database.transaction() as session,
            unscoped(session, "a job works for the organisation of the row it is about"),
        ):
            if _is_delivered(session, decision):
                return
            session.add(
                GradeDelivery(
                    **owner_like(link),
                    decision_id=decision.decision_id,
                    person_id=decision.person_id,
                    resource_link_id=link.id,
                    line_item_url=url,
                    score=decision.score,
                    maximum=decision.maximum,
                    state=state,
                    decided_at=decision.decided_at,
                    sent_at=at,
                )
            )


def _is_delivered(session: Session, decision: Decision) -> bool:
    statement = select(GradeDelivery.id).where(GradeDelivery.decision_id == decision.decision_id)
    return session.scalar(statement) is not None


def _newer_exists(session: Session, decision: Decision, link: ResourceLink) -> bool:
    found = session.scalar(
        select(GradeDelivery.id).where(
            GradeDelivery.person_id == decision.person_id,
            GradeDelivery.resource_link_id == link.id,
            GradeDelivery.decided_at > decision.decided_at,
        )
    )
    return found is not None


def _sub(session: Session, link: ResourceLink, person_id: uuid.UUID) -> str | None:
    """The platform's own id of the person; the newest where there are several."""
    return session.scalar(
        select(PlatformUser.sub)
        .where(PlatformUser.platform_id == link.platform_id, PlatformUser.person_id == person_id)
        .order_by(PlatformUser.created_at.desc())
        .limit(1)
    )
