"""Badges that were given: the list, one of them, and withdrawing one or many."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from badges.achievements import service as achievements
from badges.achievements.addresses import credential_url
from badges.awards import renewing, revoking, versions
from badges.awards.models import Credential
from badges.public.reading import read_badge
from core.errors import NotFoundError, UnprocessableError
from core.identity import Role
from core.numbers import page_number
from core.web.app import runtime
from core.web.sessions import Principal, principal
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.issued import reading, words


def leading() -> Principal:
    """Who acts in this request. Raises NotAllowedError for whoever leads nothing."""
    who = principal()
    who.require(Role.LEAD, Role.ADMINISTRATOR)
    return who


@blueprint.get("/issued")
def issued() -> str:
    """Every badge that was given, by filters."""
    who, filters, now = leading(), reading.Filters.read(request.args), runtime().now()
    number = page_number(request.args.get("page", "1"))
    with runtime().database.snapshot(who.scope) as session:
        found = reading.page(session, filters, number, now)
        offered = reading.achievements_given(session)
        waiting = reading.renewals_asked(session)
    return render_template(
        "programme/issued/list.html",
        found=found,
        filters=filters,
        achievements=offered,
        waiting=waiting,
        words=words,
        may_see_keys=who.has(Role.ADMINISTRATOR),
    )


@blueprint.get("/issued/<uuid:credential_id>")
def issued_badge(credential_id: uuid.UUID) -> str:
    """One badge: what it says, its versions, and what can be done."""
    return badge_page(credential_id)


def badge_page(
    credential_id: uuid.UUID, *, until: str = "", errors: Mapping[str, object] | None = None
) -> str:
    """The page of one badge; `until` is what somebody typed into its renewal, `errors` by field."""
    who, now = leading(), runtime().now()
    with runtime().database.snapshot(who.scope) as session:
        credential = of_scope(session, credential_id)
        [row] = reading.rows_of(session, [credential], now)
        history = versions.history(session, credential.id)
        renewal = renewing.standing(session, credential, now)
        held_up = reading.held_up(session, credential)
    return render_template(
        "programme/issued/badge.html",
        row=row,
        credential=credential,
        badge=read_badge(json.loads(credential.document or "{}")),
        history=history,
        waits=any(one.signed_at is None and one.replaced_at is None for one in history),
        held_up=held_up,
        renewal=renewal,
        until=until,
        errors={name: str(text) for name, text in (errors or {}).items()},
        own=credential.person_id == who.person_id,
        made=achievements.micro_credential(credential.version),
        image=url_for("achievements.image_svg", version_id=credential.achievement_version_id),
        address=credential_url(runtime().config.badge_url, credential.id),
        words=words,
    )


@blueprint.post("/issued/withdraw")
def withdraw_badges() -> ResponseReturnValue:
    """Ask once what is lost, then withdraw the chosen badges for one reason."""
    who, now = leading(), runtime().now()
    chosen = _chosen(request.form.getlist("credential"))
    back = url_for("programme.issued", **reading.Filters.read(request.form).given())
    if not chosen:
        flash(_("Choose at least one badge first."), "warn")
        return redirect(back, 303)
    reason = request.form.get("reason", "")
    if request.form.get("do") != "withdraw":
        return _ask_once(who, chosen, reason, {})
    try:
        with runtime().database.transaction(who.scope) as session:
            done = revoking.revoke_many(session, chosen, reason, who.person_id, now)
    except UnprocessableError as error:
        return _ask_once(who, chosen, reason, error.fields), 422
    if number := len(done.revoked):
        flash(
            ngettext(
                "%(num)d badge is withdrawn. Whoever checks it is told so from now on.",
                "%(num)d badges are withdrawn. Whoever checks them is told so from now on.",
                number,
            ),
            "good",
        )
    else:
        flash(_("Nothing was left to withdraw: somebody has done it before you."), "warn")
    if len(chosen) == 1:
        return redirect(url_for("programme.issued_badge", credential_id=chosen[0]), 303)
    return redirect(back, 303)


def of_scope(session: Session, credential_id: uuid.UUID) -> Credential:
    """A badge of the session's scope, with its documents. Raises NotFoundError."""
    found = session.scalar(
        select(Credential)
        .where(Credential.id == credential_id)
        .options(undefer(Credential.document), undefer(Credential.unsigned))
    )
    if found is None:
        raise NotFoundError(_("There is no badge at this address."), code="credential_unknown")
    return found


def _ask_once(
    who: Principal, chosen: Sequence[uuid.UUID], reason: str, errors: dict[str, object]
) -> str:
    now = runtime().now()
    with runtime().database.snapshot(who.scope) as session:
        outcome = revoking.look_up(session, chosen)
        rows = reading.rows_of(session, outcome.revoked, now)
        before = reading.rows_of(session, outcome.before, now)
    if not rows and not before:
        raise NotFoundError(_("There is no badge at this address."), code="credential_unknown")
    filters = reading.Filters.read(request.form)
    return render_template(
        "programme/issued/withdraw.html",
        rows=sorted(rows, key=lambda row: (row.title, row.name)),
        before=before,
        reason=reason,
        filters=filters,
        errors={name: str(text) for name, text in errors.items()},
    )


def _chosen(values: Sequence[str]) -> list[uuid.UUID]:
    found = []
    for value in values[: revoking.AT_ONCE]:
        try:
            found.append(uuid.UUID(value))
        except ValueError:
            continue
    return sorted(set(found))
