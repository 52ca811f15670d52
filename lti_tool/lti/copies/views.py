"""The page that asks a coach or lead, once, what a link of a copied course shall open."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.errors import NotFoundError, UnprocessableError
from core.identity import Role
from core.web.app import runtime
from core.web.errors import wants_json
from core.web.sessions import Principal, SessionBlueprint, principal, touch_session
from lti_tool.lti.copies import answering
from lti_tool.lti.copies.recognising import ASKED
from lti_tool.lti.models import ResourceLink
from lti_tool.lti.targets import Choice, Target, Visit
from lti_tool.lti.tool import EXTENSION, LtiTool

blueprint = SessionBlueprint("copies", __name__)


@blueprint.get("/copied-link")
def ask() -> ResponseReturnValue:
    """What shall it open? Answered before: straight on."""
    who = principal()
    who.require(Role.COACH, Role.LEAD)
    with runtime().database.snapshot(who.scope) as session:
        link = _link(session, who)
        if link.copy_state != ASKED:
            return redirect(_page(who, _target(link)), 303)
        return _asking(session, who, link, {})


@blueprint.post("/copied-link")
def answer() -> ResponseReturnValue:
    """Note the answer, and open what it says."""
    who = principal()
    who.require(Role.COACH, Role.LEAD)
    with runtime().database.transaction(who.scope) as session:
        link = _link(session, who)
        target = _target(link)
        try:
            other = _other(session, who)
        except UnprocessableError as error:
            if wants_json():
                raise
            return _asking(session, who, link, error.fields), 422
        heard = answering.answer(session, link, other, actor_id=who.person_id, now=runtime().now())
        if heard and other is not None:
            target = other
        data = {**who.data, "target": {"kind": target.kind, "argument": target.argument}}
        touch_session(session, who.session_id, data)
    if heard:
        flash(_("Noted. You are not asked again for this activity."), "good")
    else:
        flash(_("A colleague has answered this in the meantime."))
    return redirect(_page(who, target), 303)


def _tool() -> LtiTool:
    found: LtiTool = current_app.extensions[EXTENSION]
    return found


def _link(session: Session, who: Principal) -> ResourceLink:
    named = who.data.get("resource_link_id")
    found = answering.link(session, uuid.UUID(named) if named else None)
    if found is None:
        raise NotFoundError(_("There is no activity to be asked about here."))
    return found


def _target(link: ResourceLink) -> Target:
    return Target(link.target_kind, link.target_argument)


def _other(session: Session, who: Principal) -> Target | None:
    """What was chosen instead; None for "the same". Raises UnprocessableError."""
    if request.form.get("answer") == "same":
        return None
    if request.form.get("answer") != "other":
        told = _("Choose one of the two.")
        raise UnprocessableError(told, code="answer_missing", fields={"answer": told})
    wanted = request.form.get("choice", "")
    for choice in _tool().targets.choices(session, who.scope):
        if choice.value == wanted:
            return choice.target
    told = _("Choose what it shall open.")
    raise UnprocessableError(told, code="choice_unknown", fields={"choice": told})


def _page(who: Principal, target: Target) -> str:
    named = who.data.get("resource_link_id")
    visit = Visit(
        who.session_id, who.person_id, who.roles, who.context_id,
        uuid.UUID(named) if named else None,
    )  # fmt: skip
    return _tool().targets.path(target, visit)


def _asking(session: Session, who: Principal, link: ResourceLink, errors: dict[str, Any]) -> str:
    offered = _tool().targets.choices(session, who.scope)
    opened = _target(link)
    same: Choice | None = next((one for one in offered if one.target == opened), None)
    return render_template(
        "lti/copied_link.html",
        same=same.title if same else link.title or _("what it opened before"),
        former=answering.former_course(session, link),
        course=who.data.get("context_title"),
        others=[(one.value, one.label) for one in offered if one.target != opened],
        answer=request.form.get("answer", ""),
        chosen=request.form.get("choice", ""),
        later=_page(who, opened),
        errors=errors,
    )
