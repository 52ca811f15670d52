"""What reviews do when the LMS has news: people who left, grades that a teacher keeps."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime

from sqlalchemy import select

from core.outbox import DeliveryError, Job, Registry
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.courses.rosters import LEFT_TOPIC
from lti_tool.evidence.models import Event, Revision
from lti_tool.evidence.reading import note
from lti_tool.review.leaving import release

GRADE_KEPT = "grade.kept"
_REASON = "a job works for the organisation of the row it is about"
log = logging.getLogger("milepost.review")


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Release the seats of whoever left, and note where a gradebook kept a teacher's grade."""

    def left(job: Job) -> None:
        try:
            context_id = uuid.UUID(job.payload["context_id"])
            person_ids = [uuid.UUID(one) for one in job.payload["person_ids"]]
        except (KeyError, TypeError, ValueError) as error:
            raise DeliveryError("This names nobody who left.", permanent=True) from error
        with runtime.database.transaction() as session, unscoped(session, _REASON):
            released = release(session, context_id, person_ids, runtime.now())
        if released:
            log.info("%d seats of people who left are open again", released)

    def kept(job: Job) -> None:
        try:
            revision_id = uuid.UUID(job.payload["revision_id"])
            at = datetime.fromisoformat(job.payload["at"])
        except (KeyError, TypeError, ValueError) as error:
            raise DeliveryError("This names no work.", permanent=True) from error
        with runtime.database.transaction() as session, unscoped(session, _REASON):
            revision = session.get(Revision, revision_id)
            told = select(Event.id).where(
                Event.revision_id == revision_id, Event.kind == GRADE_KEPT, Event.at == at
            )
            if revision is not None and session.scalar(told) is None:
                note(session, revision, GRADE_KEPT, actor_id=None, now=at)

    registry.subscribe(LEFT_TOPIC, "review.release", left)
    registry.subscribe(GRADE_KEPT, "review.note", kept)
