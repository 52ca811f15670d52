"""Scores on their way into the LMS's gradebook, and what was handed in.

The jobs `review.decided>grade.post` and `evidence.sent>grade.submitted` (AGS 2.0, section 3.4). The
score is sent and then recorded; a process that dies in between sends it again, which leaves the
same grade. What an older decision says is not sent after a newer one's, and what a teacher changed
in the gradebook stays as the teacher left it.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from core.crash import crash_point
from core.identity import owner_like
from core.outbox import DeliveryError, Job, publish
from core.runtime import Runtime
from core.scope import unscoped
from keys.ring import KeyRing
from lti_tool.lti.columns import Column, Columns, Subject
from lti_tool.lti.grade_news import Decision, Sent
from lti_tool.lti.keeping import GradeBefore, note_after, note_before
from lti_tool.lti.models import GradeDelivery, PlatformUser, ResourceLink
from lti_tool.lti.names import SCOPE_RESULT, SCOPE_SCORE
from lti_tool.lti.platforms import KnownPlatform, Platforms
from lti_tool.lti.quirks import quirks_of
from lti_tool.lti.quirks.kinds import Handed
from lti_tool.lti.services.connector import RefusedByPlatformError
from lti_tool.lti.services.scores import Result, Score, plain_text
from lti_tool.lti.services.shared import Services

log = logging.getLogger("milepost.grades")
TOPIC, SUBSCRIBER = "review.decided", "grade.post"
SENT_TOPIC, SENT_SUBSCRIBER = "evidence.sent", "grade.submitted"
KEPT_TOPIC = "grade.kept"
SUBMISSION_TARGET = "submission"
_REASON = "a job works for the organisation of the row it is about"


@dataclass(frozen=True)
class _Route:
    """Where a decision's score goes."""

    link: ResourceLink
    sub: str
    platform: KnownPlatform


class GradePoster:
    """The handler of decisions and of submissions. One per process."""

    def __init__(self, runtime: Runtime, ring: KeyRing, services: Services | None = None) -> None:
        self._runtime = runtime
        self._platforms = Platforms(runtime.database)
        made = services or Services.make(runtime, ring)
        self._scores = made.scores
        self._columns = Columns(runtime, made.line_items)

    def __call__(self, job: Job) -> None:
        """Send the score of the decision in `job`, unless it was sent. Raises DeliveryError."""
        decision = Decision.read(job.payload)
        if decision.resource_link_id is None:
            log.info("no gradebook", extra={"job": str(job.id)})
            return
        route = self._route(decision)
        if route is None:
            return
        column, score = self._column(route, decision), self._score(route, decision)
        if column is None:
            log.info("no gradebook", extra={"job": str(job.id)})
            return
        _check_scope(route.link)
        note = self._kept_before(route, column, score, decision.person_id)
        if note is not None:
            self._record(decision, route.link, column.url, "kept", self._runtime.now(), note)
            return
        try:
            scaled = score.scaled_to(column.maximum or route.link.maximum)
        except ValueError as error:
            raise DeliveryError(f"This score cannot be sent: {error}.", permanent=True) from error
        sent_at = self._send(route, column, scaled)
        crash_point("score-sent-not-recorded", self._runtime.config.environment)
        note = self._kept_after(route, column, score)
        state = "sent" if note is None else "kept"
        self._record(decision, route.link, column.url, state, sent_at, note)

    def _send(self, route: _Route, column: Column, score: Score) -> datetime:
        try:
            return self._scores.send(route.platform, column.url, score)
        except RefusedByPlatformError as error:
            if error.status == 404 and self._columns.forget(column.url):
                raise DeliveryError(
                    f"{error} Milepost had made this column; a retry makes it anew.",
                    permanent=True,
                ) from error
            raise

    def tell_submission(self, job: Job) -> None:
        """Tell the gradebook that something was handed in, where that is safe and new.

        Raises DeliveryError.
        """
        sent = Sent.read(job.payload)
        route = self._submission_route(sent)
        if route is None or not quirks_of(route.platform.family).tells_submissions:
            return
        if SCOPE_SCORE not in route.link.scopes:
            return
        column = self._column(route, sent)
        if column is not None:
            handed = self._handed(sent.submission_id, sent.sent_at)
            self._scores.tell_submission(route.platform, column.url, route.sub, handed)

    def _handed(self, submission_id: uuid.UUID, at: datetime) -> Handed:
        base = self._runtime.config.base_url
        return Handed(f"{base}/to/{SUBMISSION_TARGET}/{submission_id}", at)

    def _score(self, route: _Route, decision: Decision) -> Score:
        handed = None
        if decision.submission_id is not None and decision.sent_at is not None:
            handed = self._handed(decision.submission_id, decision.sent_at)
        try:
            return Score(
                route.sub, decision.score, decision.maximum, decision.comment, decision.met, handed
            )
        except ValueError as error:
            raise DeliveryError(f"This score cannot be sent: {error}.", permanent=True) from error

    def _column(self, route: _Route, news: Decision | Sent) -> Column | None:
        subject = Subject(route.link, route.platform, news.achievement_id, news.title, news.maximum)
        try:
            return self._columns.of(subject)
        except ValueError as error:
            raise DeliveryError(f"This score cannot be sent: {error}.", permanent=True) from error

    def _kept_before(
        self, route: _Route, column: Column, score: Score, person_id: uuid.UUID
    ) -> str | None:
        """Why the gradebook is left as it is; None where the score may go there."""
        try:
            result = self._result(route, column)
        except RefusedByPlatformError as error:
            if not error.permanent:
                raise
            # It lets us read nothing: the score is sent as to a gradebook without results.
            log.info("results cannot be read", extra={"reason": str(error.status)})
            return None
        if result is None:
            return None
        with self._runtime.database.snapshot() as session, unscoped(session, _REASON):
            before = _before(session, person_id, column.url)
        return note_before(result, before, score, quirks_of(route.platform.family))

    def _kept_after(self, route: _Route, column: Column, score: Score) -> str | None:
        """Why the gradebook did not take what it answered 200 to; None where it did."""
        if not quirks_of(route.platform.family).reads_back or SCOPE_RESULT not in route.link.scopes:
            return None
        try:
            return note_after(self._result(route, column), score)
        except DeliveryError:
            return None  # the score was taken, and nothing says otherwise

    def _result(self, route: _Route, column: Column) -> Result | None:
        if SCOPE_RESULT not in route.link.scopes:
            return None
        return self._scores.result(route.platform, column.url, route.sub)

    def _route(self, decision: Decision) -> _Route | None:
        """Link, user id and platform; None where there is nothing to send (any more)."""
        with self._runtime.database.snapshot() as session, unscoped(session, _REASON):
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

    def _submission_route(self, sent: Sent) -> _Route | None:
        """As for a decision; None also where one that came meanwhile has been delivered."""
        if sent.resource_link_id is None:
            return None
        with self._runtime.database.snapshot() as session, unscoped(session, _REASON):
            link = session.get(ResourceLink, sent.resource_link_id)
            if link is None or _decided_since(session, sent, link):
                return None
            sub = _sub(session, link, sent.person_id)
        platform = self._platforms.get(link.platform_id)
        if sub is None or platform is None or platform.disabled:
            return None
        return _Route(link, sub, platform)

    def _record(
        self,
        decision: Decision,
        link: ResourceLink,
        url: str,
        state: str,
        at: datetime,
        note: str | None = None,
    ) -> None:
        with self._runtime.database.transaction() as session, unscoped(session, _REASON):
            if _is_delivered(session, decision):
                return
            session.add(
                GradeDelivery(
                    **owner_like(link),
                    decision_id=decision.decision_id,
                    person_id=decision.person_id,
                    resource_link_id=link.id,
                    achievement_id=decision.achievement_id,
                    line_item_url=url,
                    score=decision.score,
                    maximum=decision.maximum,
                    state=state,
                    comment=plain_text(decision.comment),
                    note=note,
                    decided_at=decision.decided_at,
                    sent_at=at,
                )
            )
            if state == "kept" and decision.revision_id is not None:
                publish(
                    session,
                    KEPT_TOPIC,
                    str(decision.decision_id),
                    {"revision_id": str(decision.revision_id), "at": at.isoformat()},
                    organisation_id=link.owner_id,
                )


def _check_scope(link: ResourceLink) -> None:
    if SCOPE_SCORE not in link.scopes:
        raise DeliveryError(
            "The platform offers no scope to send scores; allow lti-ags/scope/score for"
            " Milepost in the LMS, then open the activity once and retry.",
            permanent=True,
        )


def _is_delivered(session: Session, decision: Decision) -> bool:
    statement = select(GradeDelivery.id).where(GradeDelivery.decision_id == decision.decision_id)
    return session.scalar(statement) is not None


def _newer_exists(session: Session, decision: Decision, link: ResourceLink) -> bool:
    """Whether a later decision on the same work was delivered; other work does not count."""
    found = session.scalar(
        select(GradeDelivery.id).where(
            GradeDelivery.person_id == decision.person_id,
            GradeDelivery.resource_link_id == link.id,
            _same_work(decision.achievement_id),
            GradeDelivery.decided_at > decision.decided_at,
        )
    )
    return found is not None


def _decided_since(session: Session, sent: Sent, link: ResourceLink) -> bool:
    found = session.scalar(
        select(GradeDelivery.id).where(
            GradeDelivery.person_id == sent.person_id,
            GradeDelivery.resource_link_id == link.id,
            _same_work(sent.achievement_id),
            GradeDelivery.decided_at >= sent.sent_at,
        )
    )
    return found is not None


def _same_work(achievement_id: str | None) -> ColumnElement[bool]:
    """Deliveries of that micro-credential, and those from before it was noted."""
    of = GradeDelivery.achievement_id
    return of.is_(None) if achievement_id is None else or_(of.is_(None), of == achievement_id)


def _before(session: Session, person_id: uuid.UUID, url: str) -> GradeBefore | None:
    """What the column last took from us for this person."""
    row = session.scalar(
        select(GradeDelivery)
        .where(
            GradeDelivery.person_id == person_id,
            GradeDelivery.line_item_url == url,
            GradeDelivery.state == "sent",
        )
        .order_by(GradeDelivery.sent_at.desc())
        .limit(1)
    )
    return GradeBefore(row.score, row.maximum, row.comment) if row else None


def _sub(session: Session, link: ResourceLink, person_id: uuid.UUID) -> str | None:
    """The platform's own id of the person; the newest where there are several."""
    return session.scalar(
        select(PlatformUser.sub)
        .where(PlatformUser.platform_id == link.platform_id, PlatformUser.person_id == person_id)
        .order_by(PlatformUser.created_at.desc())
        .limit(1)
    )
