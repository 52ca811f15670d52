"""Renewal: a badge that ends is valid for another while, under the same address.

Its holder asks, and a programme lead answers; where the work that the pathway asks for was done
again since, the rule answers at once. The renewed badge is the next version of the same one: what
was earned first stays in `awardedDate`, and earlier copies end when they said they would.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges import ends
from badges.achievements.service import micro_credential
from badges.awards.granting import refuse_test_student
from badges.awards.models import Award, Credential, CredentialRevision, RenewalRequest
from badges.awards.reading import locked, locked_own
from badges.awards.reissuing import Change, reissue
from badges.pathways.ledger import facts_of
from badges.pathways.models import Enrolment
from badges.pathways.rules import Status, evaluate, parse
from badges.period import NEVER, Period
from core import audit
from core.errors import ConflictError, NotAllowedError, NotFoundError, UnprocessableError
from core.identity import owner_like
from core.outbox import publish as publish_message
from core.scope import unscoped

ASKED: Final = "badge.renewal_asked"
DECLINED: Final = "badge.renewal_declined"
WORDS_LIMIT: Final = 2000
OPENS: Final = timedelta(days=90)  # before the end, and never before half of the time is over
_OWN = "a person's own badge and what they asked for, found by its id and the person's"


@dataclass(frozen=True)
class Renewal:
    """Whether a badge can be renewed: not at all, from `opens_at` on, or now; and to what end."""

    ends: bool
    opens_at: datetime | None = None
    open: bool = False
    until: datetime | None = None
    asked: RenewalRequest | None = None
    last: RenewalRequest | None = None


def standing(session: Session, credential: Credential, now: datetime) -> Renewal:
    """How it stands with the renewal of a badge."""
    if credential.valid_until is None or credential.state != "signed":
        return Renewal(ends=False)
    opens = opens_at(credential)
    with unscoped(session, _OWN):
        asked = list(
            session.scalars(
                select(RenewalRequest)
                .where(RenewalRequest.credential_id == credential.id)
                .order_by(RenewalRequest.asked_at.desc())
            )
        )
    return Renewal(
        ends=True,
        opens_at=opens,
        open=opens <= now,
        until=next_end(credential, now),
        asked=next((one for one in asked if one.state == "asked"), None),
        last=asked[0] if asked else None,
    )


def opens_at(credential: Credential) -> datetime:
    """From when on the renewal of a badge that ends may be asked for."""
    until = credential.valid_until or NEVER
    return until - min(OPENS, max((until - credential.awarded_at) / 2, timedelta(0)))


def next_end(credential: Credential, now: datetime) -> datetime:
    """The end of another while: counted from the end there is, or from now where that is past.

    As long as the micro-credential says; where it says nothing, as long as the badge was valid.
    Never later than an end can be given at all.
    """
    until = credential.valid_until or now
    begin = max(until, now.replace(microsecond=0))
    most = ends.latest(now)
    validity = micro_credential(credential.version).validity
    if validity is not None:
        return min(Period.parse(validity).after(begin).replace(microsecond=0), most)
    length = max(until - credential.awarded_at, timedelta(days=1))
    return begin + length if length < most - begin else most


def ask(
    session: Session,
    credential_id: uuid.UUID,
    person_id: uuid.UUID,
    words: str,
    *,
    badge_url: str,
    now: datetime,
) -> RenewalRequest:
    """The holder asks for their badge to be renewed; asking again returns what was asked.

    Granted at once where facts since the badge began meet its rule again. Raises NotFoundError for
    somebody else's, ConflictError for a badge without an end, before its renewal opens, and for a
    test student, UnprocessableError for too many words.
    """
    credential = locked_own(session, credential_id, person_id)
    refuse_test_student(session, person_id)
    found = standing(session, credential, now)
    if found.asked is not None:
        return found.asked
    _require_open(found)
    request = RenewalRequest(
        **owner_like(credential),
        id=uuid.uuid4(),
        credential_id=credential.id,
        person_id=person_id,
        state="asked",
        words=_words(words, "words") or None,
        asked_at=now,
        by_rule=False,
    )
    session.add(request)
    session.flush()
    if met_again(session, credential, now):
        request.by_rule = True
        with unscoped(session, _OWN):
            _grant(session, request, credential, found.until, None, badge_url, now)
        return request
    _tell(session, ASKED, request, credential)
    return request


def withdraw(
    session: Session, request_id: uuid.UUID, person_id: uuid.UUID, now: datetime
) -> RenewalRequest:
    """The holder takes back what they asked; nothing happens once it was answered."""
    with unscoped(session, _OWN):
        request = session.scalar(
            select(RenewalRequest)
            .where(RenewalRequest.id == request_id, RenewalRequest.person_id == person_id)
            .with_for_update()
        )
    if request is None:
        raise NotFoundError(_("You did not ask for this."), code="request_unknown")
    if request.state == "asked":
        request.state, request.answered_at = "withdrawn", now
        session.flush()
    return request


def grant(
    session: Session,
    request_id: uuid.UUID,
    *,
    until: datetime | None = None,
    answer: str = "",
    actor_id: uuid.UUID,
    badge_url: str,
    now: datetime,
) -> RenewalRequest:
    """A lead renews the badge until `until` (None: as long as the micro-credential says).

    The session's scope says whose requests are in reach; the caller has checked the role. Raises
    NotFoundError out of scope, NotAllowedError for one's own badge, ConflictError where somebody
    answered before, UnprocessableError for an end that is no later than the one there is.
    """
    request, credential = _asked(session, request_id, actor_id)
    request.answer = _words(answer, "answer") or None
    _grant(session, request, credential, until, actor_id, badge_url, now)
    return request


def decline(
    session: Session, request_id: uuid.UUID, *, answer: str, actor_id: uuid.UUID, now: datetime
) -> RenewalRequest:
    """A lead does not renew the badge, and says why. Errors as `grant`."""
    request, credential = _asked(session, request_id, actor_id)
    text = _words(answer, "answer")
    if not text:
        raise UnprocessableError(
            _("Say why, or what is needed first."),
            code="answer_missing",
            fields={
                "answer": _("Say what is needed first. The holder of the badge will read this.")
            },
        )
    request.state, request.answer = "declined", text
    request.answered_at, request.answered_by = now, actor_id
    session.flush()
    _note(session, credential, request, "renewal.declined", actor_id, now)
    _tell(session, DECLINED, request, credential)
    return request


def renew(
    session: Session,
    credential_id: uuid.UUID,
    *,
    until: datetime | None = None,
    actor_id: uuid.UUID | None,
    badge_url: str,
    now: datetime,
) -> Credential:
    """Renew a badge that nobody asked for (or grant what was asked); errors as `grant`."""
    credential = locked(session, credential_id)
    found = standing(session, credential, now)
    if not found.ends:
        raise _no_end()
    if found.asked is not None and actor_id is not None:
        grant(session, found.asked.id, until=until, actor_id=actor_id, badge_url=badge_url, now=now)
        return credential
    _refuse_own(credential, actor_id)
    if found.asked is not None:
        _grant(session, found.asked, credential, until, None, badge_url, now)
        return credential
    return _extend(session, credential, until, actor_id, badge_url, now)


def requests(session: Session) -> list[tuple[RenewalRequest, Credential]]:
    """What is asked in the session's scope and not answered yet, the longest waiting first."""
    rows = session.execute(
        select(RenewalRequest, Credential)
        .join(Credential, Credential.id == RenewalRequest.credential_id)
        .where(RenewalRequest.state == "asked")
        .order_by(RenewalRequest.asked_at, RenewalRequest.id)
    )
    return [(request, credential) for request, credential in rows]


def met_again(session: Session, credential: Credential, now: datetime) -> bool:
    """Whether what happened since this badge began meets the rule of its pathway by itself."""
    with unscoped(session, _OWN):
        award = session.get_one(Award, credential.award_id)
        enrolment = session.get_one(Enrolment, award.enrolment_id)
        last = session.scalar(
            select(CredentialRevision.created_at)
            .where(
                CredentialRevision.credential_id == credential.id,
                CredentialRevision.reason == "renewed",
            )
            .order_by(CredentialRevision.number.desc())
            .limit(1)
        )
    since = last or award.granted_at
    facts = [fact for fact in facts_of(session, credential.person_id) if fact.at > since]
    return evaluate(parse(enrolment.version.rule), facts, now).status is Status.MET


def _grant(
    session: Session,
    request: RenewalRequest,
    credential: Credential,
    until: datetime | None,
    actor_id: uuid.UUID | None,
    badge_url: str,
    now: datetime,
) -> None:
    _extend(session, credential, until, actor_id, badge_url, now)
    request.state, request.answered_at, request.answered_by = "granted", now, actor_id
    request.valid_until = until or next_end(credential, now)
    session.flush()
    _note(session, credential, request, "renewal.granted", actor_id, now)


def _extend(
    session: Session,
    credential: Credential,
    until: datetime | None,
    actor_id: uuid.UUID | None,
    badge_url: str,
    now: datetime,
) -> Credential:
    end = until or next_end(credential, now)
    ends.check(
        end, after=max(now, credential.valid_until or now), now=now,
        early=_("Choose a day after the one on which it ends now."),
    )  # fmt: skip
    return reissue(
        session, credential.id, Change("renewed", valid_until=end),
        actor_id=actor_id, badge_url=badge_url, now=now,
    )  # fmt: skip


def _asked(
    session: Session, request_id: uuid.UUID, actor_id: uuid.UUID
) -> tuple[RenewalRequest, Credential]:
    request = session.scalar(
        select(RenewalRequest)
        .where(RenewalRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if request is None:
        raise NotFoundError(_("Nobody has asked for this."), code="request_unknown")
    credential = session.scalar(select(Credential).where(Credential.id == request.credential_id))
    if credential is None:
        raise NotFoundError(_("There is no badge at this address."), code="credential_unknown")
    _refuse_own(credential, actor_id)
    if request.state != "asked":
        raise ConflictError(
            _("This was answered already, or taken back; nothing was changed."),
            code="request_answered",
        )
    return request, credential


def _refuse_own(credential: Credential, actor_id: uuid.UUID | None) -> None:
    if actor_id is not None and credential.person_id == actor_id:
        raise NotAllowedError(_("Your own badge is renewed by somebody else."), code="renewal_own")


def _require_open(found: Renewal) -> None:
    if not found.ends:
        raise _no_end()
    if not found.open:
        raise ConflictError(
            _("It is too early to renew this badge: its page says from when on you can ask."),
            code="renewal_early",
        )


def _no_end() -> ConflictError:
    return ConflictError(
        _("Only a badge that is valid until a certain day can be renewed."), code="renewal_endless"
    )


def _words(text: str, field: str) -> str:
    text = text.strip()
    if len(text) > WORDS_LIMIT:
        raise UnprocessableError(
            _("This is too long."),
            code="words_too_long",
            fields={field: _("Write at most %(limit)d characters.", limit=WORDS_LIMIT)},
        )
    return text


def _tell(session: Session, topic: str, request: RenewalRequest, credential: Credential) -> None:
    publish_message(
        session,
        topic,
        str(request.id),
        {"request_id": str(request.id), "credential_id": str(credential.id)},
        organisation_id=credential.owner_id,
    )


def _note(
    session: Session,
    credential: Credential,
    request: RenewalRequest,
    action: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> None:
    audit.record(
        session, owner=credential, actor_id=actor_id, action=action, subject=request,
        about_id=credential.person_id, now=now, details={"by_rule": request.by_rule},
    )  # fmt: skip
