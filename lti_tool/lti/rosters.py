"""Reading a course's list from its LMS: the jobs `lti.roster` (one course) and `lti.rosters` (due).

NRPS 2.0. The list is read first and written afterwards, in batches: no transaction waits for the
network. People become ours by the same rules as at a launch; whoever a whole list no longer names
is closed.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.identity import Person, owner_like
from core.outbox import DeliveryError, Job
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.courses import rosters
from lti_tool.courses.models import Context
from lti_tool.courses.rosters import Listed
from lti_tool.lti.models import PlatformUser
from lti_tool.lti.names import SCOPE_MEMBERSHIPS
from lti_tool.lti.platforms import KnownPlatform, Platforms
from lti_tool.lti.quirks import quirks_of
from lti_tool.lti.roles import is_test_user, milepost_roles
from lti_tool.lti.services.connector import RefusedByPlatformError
from lti_tool.lti.services.nrps import Member, NamesAndRoles, Roster

log = logging.getLogger("milepost.rosters")
DUE_TOPIC: Final = "lti.rosters"
LOOK_EVERY: Final = timedelta(minutes=10)
# What differences left out is made good by a whole list at least this often.
WHOLE_EVERY: Final = timedelta(days=7)
AT_A_TIME: Final = 200
NOBODY: Final = "The LMS answered with an empty list, so nobody was closed."
_REASON = "a job works for the organisation of the row it is about"
_people: Any = Person.__table__
_users: Any = PlatformUser.__table__


@dataclass(frozen=True)
class _Read:
    """A list that was read: the whole one, or what has changed since the last."""

    roster: Roster
    differences: bool

    @property
    def whole(self) -> bool:
        """Whether whoever is missing from it is not in the course."""
        return not self.differences and self.roster.complete and self.has_people

    @property
    def has_people(self) -> bool:
        """Whether anybody stands on it; a course has its teacher at least."""
        return any(member.active for member in self.roster.members)

    @property
    def note(self) -> str | None:
        """What to tell about it."""
        if not self.roster.complete:
            return f"The list was not read to its end, so nobody was closed. {self.roster.stopped}"
        return None if self.differences or self.has_people else NOBODY


class RosterReader:
    """The handler. One per process."""

    def __init__(self, runtime: Runtime, service: NamesAndRoles) -> None:
        self._runtime = runtime
        self._service = service
        self._platforms = Platforms(runtime.database)

    def __call__(self, job: Job) -> None:
        """Read the list of the course in `job`. Raises DeliveryError where later may be better."""
        context = self._context(job)
        platform = self._platforms.get(context.platform_id) if context else None
        if context is None or platform is None or context.memberships_url is None:
            return
        if platform.disabled:
            self._unread(context, "This platform is switched off.")
            return
        try:
            read = self._read(platform, context)
        except DeliveryError as error:
            if error.tried:
                self._unread(context, _note(error))
            if not error.permanent:
                raise
            # A refusal is for a person, who finds it beside the course; later it is asked again.
            log.warning("a list was refused", extra={"context": str(context.id)})
            return
        here = self._record(platform, context, read)
        self._settle(context, read, here)

    def due(self, _job: Job) -> None:
        """Have every list read that is due."""
        with self._runtime.database.transaction() as session, unscoped(session, _REASON):
            count = rosters.request_due(session, self._runtime.now())
        if count:
            log.info("%d lists are due", count)

    def _context(self, job: Job) -> Context | None:
        try:
            context_id = uuid.UUID(job.payload["context_id"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DeliveryError("This names no course.", permanent=True) from error
        with self._runtime.database.snapshot() as session, unscoped(session, _REASON):
            return session.get(Context, context_id)

    def _read(self, platform: KnownPlatform, context: Context) -> _Read:
        """The changes where the platform tells them and a whole list is not long ago, else all."""
        changes, full_at = context.roster_differences_url, context.roster_full_at
        if changes and full_at and self._runtime.now() - full_at < WHOLE_EVERY:
            try:
                read = _Read(self._service.read(platform, changes), differences=True)
            except RefusedByPlatformError as error:
                if not error.permanent:
                    raise
            else:
                if read.roster.complete:
                    return read
        whole = self._service.read(platform, str(context.memberships_url))
        return _Read(whole, differences=False)

    def _record(self, platform: KnownPlatform, context: Context, read: _Read) -> set[uuid.UUID]:
        """Write everybody on the list, in batches; returns who is in the course by it."""
        here: set[uuid.UUID] = set()
        active = [member for member in read.roster.members if member.active]
        for some in _batches(active):
            here |= self._batch(platform, context, some)
        return here

    def _batch(
        self, platform: KnownPlatform, context: Context, members: Sequence[Member]
    ) -> set[uuid.UUID]:
        for last in (False, True):
            try:
                with self._runtime.database.transaction() as session, unscoped(session, _REASON):
                    return _record_batch(session, platform, context, members, self._runtime)
            except IntegrityError:
                # One of them launched for the first time in this moment: now they are known.
                if last:
                    raise
        raise AssertionError("unreachable")

    def _settle(self, context: Context, read: _Read, here: set[uuid.UUID]) -> None:
        """Close whoever left, and note the reading, in one transaction."""
        now = self._runtime.now()
        with self._runtime.database.transaction() as session, unscoped(session, _REASON):
            gone = _people_of(
                session,
                context.platform_id,
                [member.user_id for member in read.roster.members if not member.active],
            )
            closed = rosters.close(session, context, set(gone.values()) - here, now)
            if read.whole:
                closed += rosters.close_missing(session, context, here, now)
            rosters.record_read(
                session,
                context.id,
                now,
                whole=read.whole,
                differences_url=read.roster.differences_url
                if read.whole or read.differences
                else None,
                note=read.note,
            )
        log.info(
            "a list was read",
            extra={"context": str(context.id), "people": len(here), "closed": len(closed)},
        )

    def _unread(self, context: Context, note: str) -> None:
        with self._runtime.database.transaction() as session:
            rosters.record_unread(session, context.id, note)


def _note(error: DeliveryError) -> str:
    """Why a list could not be read; after a refusal also what to allow."""
    refused = isinstance(error, RefusedByPlatformError) and error.status in {401, 403}
    if not refused or getattr(error, "missing", None):
        return str(error)
    return (
        f"{error} Allow Milepost to read names and roles in the LMS (the scope"
        f" {SCOPE_MEMBERSHIPS.rpartition('/')[2]})."
    )


def _record_batch(
    session: Session,
    platform: KnownPlatform,
    context: Context,
    members: Sequence[Member],
    runtime: Runtime,
) -> set[uuid.UUID]:
    known = _people_of(session, platform.id, [member.user_id for member in members])
    rows = {
        row.id: row
        for row in session.execute(select(_people).where(_people.c.id.in_(list(known.values()))))
    }
    listed: dict[uuid.UUID, Listed] = {}
    for member in members:
        person_id = known.get(member.user_id)
        if person_id is None:
            person_id = _new_person(session, platform, context, member, runtime)
        else:
            _name_person(session, rows[person_id], platform, member, runtime)
        roles = milepost_roles(member.roles, platform.role_overrides)
        # Somebody may have joined two accounts that stand on one list.
        twin = listed.get(person_id, Listed(person_id, frozenset(), ()))
        listed[person_id] = Listed(person_id, roles | twin.roles, (*twin.lti_roles, *member.roles))
    rosters.record_listed(
        session,
        context,
        list(listed.values()),
        runtime.now(),
        roles_count=quirks_of(platform.family).roster_roles_count,
    )
    return set(listed)


def _new_person(
    session: Session,
    platform: KnownPlatform,
    context: Context,
    member: Member,
    runtime: Runtime,
) -> uuid.UUID:
    now, said, new_id = runtime.now(), member.person, uuid.uuid4()
    session.execute(
        insert(_people).values(
            id=new_id,
            **owner_like(context),
            name=said.name,
            given_name=said.given_name,
            email=said.email,
            email_verified_at=now if said.email and platform.verifies_emails else None,
            is_test=is_test_user(member.roles),
            created_at=now,
            updated_at=now,
        )
    )
    session.execute(
        insert(_users).values(
            id=uuid.uuid4(),
            **owner_like(context),
            platform_id=platform.id,
            sub=member.user_id,
            person_id=new_id,
            created_at=now,
        )
    )
    return new_id


def _name_person(
    session: Session, row: Any, platform: KnownPlatform, member: Member, runtime: Runtime
) -> None:
    """Note what the list tells of somebody whom we know; what it leaves out is kept."""
    said, now = member.person, runtime.now()
    email = said.email or row.email
    verified_at = row.email_verified_at if email == row.email else None
    if said.email and platform.verifies_emails:
        verified_at = verified_at or now
    wanted = {
        "name": said.name or row.name,
        "given_name": said.given_name or row.given_name,
        "email": email,
        "email_verified_at": verified_at,
        "is_test": bool(row.is_test) or is_test_user(member.roles),
    }
    if any(getattr(row, name) != value for name, value in wanted.items()):
        session.execute(
            update(_people).where(_people.c.id == row.id).values(**wanted, updated_at=now)
        )


def _people_of(
    session: Session, platform_id: uuid.UUID, subs: Sequence[str]
) -> dict[str, uuid.UUID]:
    found: dict[str, uuid.UUID] = {}
    for start in range(0, len(subs), AT_A_TIME):
        rows = session.execute(
            select(_users.c.sub, _users.c.person_id).where(
                _users.c.platform_id == platform_id,
                _users.c.sub.in_(subs[start : start + AT_A_TIME]),
            )
        )
        found.update({row.sub: row.person_id for row in rows})
    return found


def _batches(members: Sequence[Member]) -> Iterator[Sequence[Member]]:
    for start in range(0, len(members), AT_A_TIME):
        yield members[start : start + AT_A_TIME]
