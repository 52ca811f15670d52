"""The pages of endorsements: what was said of ours, what we have said, and saying it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from badges import ends
from badges.achievements import issuers as profiles
from badges.achievements.addresses import endorsement_url
from badges.achievements.models import Issuer
from badges.endorsements import service, targets
from badges.endorsements.models import Endorsement
from badges.endorsements.targets import Target
from core.errors import ConflictError, MilepostError, NotFoundError, UnprocessableError
from core.web.app import runtime
from core.web.buttons import pressed
from core.web.sessions import Principal, principal
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.catalogue import authority


@dataclass(frozen=True)
class Typed:
    """What a lead has filled in."""

    address: str
    issuer: str
    comment: str
    until: str

    @classmethod
    def of_form(cls) -> Typed:
        """The form as it was sent."""
        given = request.form
        return cls(
            given.get("address", "")[:600].strip(),
            given.get("issuer", "")[:40],
            given.get("comment", "")[:10_000],
            given.get("until", "")[:20].strip(),
        )


@dataclass(frozen=True)
class Line:
    """One endorsement in a list or on its page, and what may be done with it."""

    endorsement: Endorsement
    target: Target
    given: bool
    received: bool
    expired: bool

    @property
    def standing(self) -> str:
        """signing, waiting, shown, hidden, ended or revoked."""
        if self.endorsement.revoked_at is not None:
            return "revoked"
        if self.endorsement.signed_at is None:
            return "signing"
        return "ended" if self.expired else self.endorsement.answer


def _lead() -> Principal:
    who = principal()
    authority.require_lead(who)
    return who


@blueprint.context_processor
def _waiting() -> dict[str, Callable[[], int]]:
    """`endorsements_waiting()`: how many the leads of this visit have not answered yet."""

    def endorsements_waiting() -> int:
        who = _lead()
        with runtime().database.snapshot(who.scope) as session:
            said = _said(session, who, _own_issuers(session, who))
        return sum(line.standing == "waiting" for line in said)

    return {"endorsements_waiting": endorsements_waiting}


@blueprint.get("/endorsements")
def endorsements() -> str:
    """What waits for an answer, what is said of ours, and what we said of others."""
    who = _lead()
    with runtime().database.snapshot(who.scope) as session:
        own = _own_issuers(session, who)
        ours = [
            _line(session, one, who, own)
            for one in service.given(session)
            if authority.manages(who, one)
        ]
        said = _said(session, who, own)
    return render_template(
        "programme/endorsing/list.html",
        waiting=[line for line in said if line.standing == "waiting"],
        said=[line for line in said if line.standing != "waiting"],
        ours=ours,
        may_endorse=bool(own),
    )


@blueprint.get("/endorsements/new")
def new_endorsement() -> str:
    """The form; `of` may name the address of what is to be endorsed."""
    _lead()
    return _form(Typed(request.args.get("of", "")[:600].strip(), "", "", ""), {})


@blueprint.post("/endorsements")
def endorse() -> ResponseReturnValue:
    """Sign an endorsement, or say what needs another look; nothing typed is lost."""
    who, typed, shared = _lead(), Typed.of_form(), runtime()
    base, now = shared.config.badge_url, shared.now()
    try:
        with shared.database.transaction(who.scope) as session:
            target, issuer, until = _read(session, who, typed, now)
            shown = target.kind != "credential" and authority.manages(who, target.owner)
            made = service.endorse(
                session, issuer, target, typed.comment, valid_until=until, shown=shown,
                actor_id=who.person_id, badge_url=base, now=now,
            )  # fmt: skip
    except UnprocessableError as error:
        return _form(typed, {name: str(text) for name, text in error.fields.items()}), 422
    except ConflictError as error:
        return _form(typed, {"": _whole(error)}), 409
    flash(
        _("Signed in a moment. Badges made from now on carry it.")
        if shown
        else _("Signed in a moment. It is shown once the other side says so."),
        "good",
    )
    return redirect(url_for("programme.endorsement", endorsement_id=made.id), 303)


@blueprint.get("/endorsements/<uuid:endorsement_id>")
def endorsement(endorsement_id: uuid.UUID) -> str:
    """One endorsement, for those who gave it and those it is about."""
    return _page(endorsement_id, {})


@blueprint.post("/endorsements/<uuid:endorsement_id>/answer")
def answer_endorsement(endorsement_id: uuid.UUID) -> ResponseReturnValue:
    """Show it in our badges and on our pages, or hide it."""
    who, shared = _lead(), runtime()
    shown = pressed("show", "hide") == "show"
    with shared.database.transaction(who.scope) as session:
        line = _found(session, who, endorsement_id)
        if not line.received:
            raise _unknown()
        service.answer(
            session, endorsement_id, shown=shown, actor_id=who.person_id,
            badge_url=shared.config.badge_url, now=shared.now(),
        )  # fmt: skip
    flash(
        _("Badges made from now on carry it, and its page is public.")
        if shown
        else _("Badges made from now on do not carry it, and its page is gone."),
        "good",
    )
    return redirect(url_for("programme.endorsement", endorsement_id=endorsement_id), 303)


@blueprint.post("/endorsements/<uuid:endorsement_id>/revoke")
def revoke_endorsement(endorsement_id: uuid.UUID) -> ResponseReturnValue:
    """Take back what we said."""
    who, shared = _lead(), runtime()
    reason = request.form.get("reason", "")
    try:
        with shared.database.transaction(who.scope) as session:
            line = _found(session, who, endorsement_id)
            if not line.given:
                raise _unknown()
            service.revoke(
                session, endorsement_id, reason, actor_id=who.person_id,
                badge_url=shared.config.badge_url, now=shared.now(),
            )  # fmt: skip
    except UnprocessableError as error:
        faults = {name: str(text) for name, text in error.fields.items()}
        return _page(endorsement_id, faults, reason=reason), 422
    flash(_("Taken back. Whoever checks it from now on reads so."), "good")
    return redirect(url_for("programme.endorsement", endorsement_id=endorsement_id), 303)


def _read(
    session: Session, who: Principal, typed: Typed, now: datetime
) -> tuple[Target, Issuer, datetime | None]:
    """The target, the issuer and the last moment; every fault at once."""
    faults: dict[str, object] = {}
    target, issuer, until = None, None, None
    try:
        target = targets.find(session, typed.address, runtime().config.badge_url)
    except NotFoundError:
        faults["address"] = _(
            "Nothing that can be endorsed was found at this address. Copy it from the public page"
            " of an issuer, a micro-credential or a published badge."
        )
    chosen = [one for one in _own_issuers(session, who) if str(one.id) == typed.issuer]
    if chosen:
        issuer = chosen[0]
    else:
        faults["issuer"] = _("Choose the issuer that endorses.")
    try:
        until = ends.read(typed.until)
    except UnprocessableError as error:
        faults.update(error.fields)
    if late := service.until_fault(until, now):
        faults["until"] = late
    if not typed.comment.strip() or len(typed.comment.strip()) > service.COMMENT_LIMIT:
        faults["comment"] = _(
            "Say what you endorse it for, in at most %(limit)d characters.",
            limit=service.COMMENT_LIMIT,
        )
    if faults or target is None or issuer is None:
        raise UnprocessableError(
            _("This endorsement cannot be signed as it is."),
            code="endorsement_invalid",
            fields=faults,
        )
    return target, issuer, until


def _form(typed: Typed, errors: dict[str, str]) -> str:
    who, base = principal(), runtime().config.badge_url
    target = None
    with runtime().database.snapshot(who.scope) as session:
        own = _own_issuers(session, who)
        if typed.address:
            try:
                target = targets.find(session, typed.address, base)
            except NotFoundError:
                target = None
    return render_template(
        "programme/endorsing/new.html",
        typed=typed,
        target=target,
        issuers=[(str(one.id), one.name) for one in own],
        limit=service.COMMENT_LIMIT,
        errors=errors,
    )


def _page(endorsement_id: uuid.UUID, errors: dict[str, str], *, reason: str = "") -> str:
    who = _lead()
    with runtime().database.snapshot(who.scope) as session:
        line = _found(session, who, endorsement_id)
    return render_template(
        "programme/endorsing/one.html",
        line=line,
        address=endorsement_url(runtime().config.badge_url, endorsement_id),
        reason=reason,
        errors=errors,
    )


def _found(session: Session, who: Principal, endorsement_id: uuid.UUID) -> Line:
    """An endorsement that is ours to see. Raises NotFoundError for any other."""
    found = service.find(session, endorsement_id)
    line = _line(session, found, who, _own_issuers(session, who))
    if not line.given and not (line.received and found.signed_at is not None):
        raise _unknown()
    return line


def _said(session: Session, who: Principal, own: list[Issuer]) -> list[Line]:
    """What was said of these issuers and their micro-credentials, the latest first."""
    found = service.received(session, [issuer.id for issuer in own])
    return [_line(session, one, who, own) for one in found]


def _line(session: Session, found: Endorsement, who: Principal, own: list[Issuer]) -> Line:
    target = targets.of(session, found, runtime().config.badge_url)
    return Line(
        found,
        target,
        given=authority.manages(who, found),
        received=target.kind != "credential" and target.owner.id in {one.id for one in own},
        expired=found.valid_until is not None and found.valid_until <= runtime().now(),
    )


def _own_issuers(session: Session, who: Principal) -> list[Issuer]:
    """The issuers that this lead answers for."""
    return [one for one in profiles.issuers(session) if authority.manages(who, one)]


def _unknown() -> NotFoundError:
    return NotFoundError(
        _("There is no endorsement of yours at this address."), code="endorsement_unknown"
    )


def _whole(error: MilepostError) -> str:
    return " ".join(str(part) for part in (error.message, error.advice) if part)
