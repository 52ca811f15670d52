"""Frameworks of standards: bring one in from CASE JSON, look through it, pick items for a draft."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from badges.achievements import frameworks
from badges.achievements.case import MOST_BYTES, read_case
from core.errors import ConflictError, TooLargeError, UnprocessableError
from core.identity import Organisation
from core.numbers import page_number
from core.web.app import runtime
from core.web.bodies import take_files
from core.web.i18n import filesize
from core.web.sessions import principal
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.catalogue import authority, drafts


def _too_large(size: int) -> TooLargeError:
    return TooLargeError(
        _(
            "This file is %(size)s; the limit is %(limit)s. Export a part of the framework"
            " instead.",
            size=filesize(size),
            limit=filesize(MOST_BYTES),
        ),
        code="case_too_large",
    )


take_files(
    blueprint,
    {"programme.bring_in_framework": "programme.list_frameworks"},
    most=MOST_BYTES,
    too_large=_too_large,
)


@blueprint.get("/frameworks")
def list_frameworks() -> str:
    """The frameworks that were brought in, and the form that brings in another."""
    return _list({})


def _list(errors: dict[str, str]) -> str:
    who = principal()
    authority.require_lead(who)
    with runtime().database.snapshot(who.scope) as session:
        found = frameworks.frameworks(session)
    return render_template(
        "programme/catalogue/frameworks.html",
        frameworks=[(one, authority.manages(who, one)) for one in found],
        draft=request.values.get("draft", ""),
        most=filesize(MOST_BYTES),
        errors=errors,
    )


@blueprint.post("/frameworks")
def bring_in_framework() -> ResponseReturnValue:
    """Read a file of CASE JSON; one that was brought in before is replaced."""
    who, shared = principal(), runtime()
    authority.require_lead(who)
    given = request.files.get("file")
    try:
        if given is None or not given.filename:
            raise UnprocessableError(_("Choose a file first."), code="file_missing")
        read = read_case(given.stream.read(MOST_BYTES + 1))
        with shared.database.transaction(who.scope) as session:
            organisation = session.get_one(Organisation, who.organisation_id)
            made = frameworks.bring_in(
                session, organisation, read, actor_id=who.person_id, now=shared.now()
            )
    except (UnprocessableError, TooLargeError) as error:
        advice = f" {error.advice}" if error.advice else ""
        return _list({"file": f"{error.message}{advice}"}), error.status
    flash(
        ngettext(
            "%(title)s is here, with %(num)d item.",
            "%(title)s is here, with %(num)d items.",
            made.count,
            title=made.title,
        ),
        "good",
    )
    draft = request.form.get("draft", "")
    return redirect(url_for("programme.framework", framework_id=made.id, draft=draft or None), 303)


@blueprint.get("/frameworks/<uuid:framework_id>")
def framework(framework_id: uuid.UUID) -> str:
    """Look through a framework; for a draft (`?draft=`), with boxes to pick from."""
    return _shown(framework_id)


def _shown(framework_id: uuid.UUID, error: str = "") -> str:
    who = principal()
    authority.require_lead(who)
    said = request.values
    page = page_number(said.get("page", "1"))
    with runtime().database.snapshot(who.scope) as session:
        found = frameworks.find(session, framework_id)
        items = frameworks.search(session, found, said.get("q", "")[:200], page)
        draft_id = _id(said.get("draft", ""))
        draft = drafts.find(session, draft_id) if draft_id else None
    return render_template(
        "programme/catalogue/framework.html",
        framework=found,
        found=items,
        words_searched=said.get("q", "")[:200],
        draft=draft,
        line=said.get("line", ""),
        picked=frozenset(request.form.getlist("item")),
        there={row["url"] for row in draft.content["alignment"]} if draft else set(),
        errors={"": error} if error else {},
    )


@blueprint.post("/frameworks/<uuid:framework_id>/pick")
def pick_standards(framework_id: uuid.UUID) -> ResponseReturnValue:
    """Add the ticked items to a draft."""
    who, shared = principal(), runtime()
    authority.require_lead(who)
    draft_id = _id(request.form.get("draft", ""))
    picked = {one for text in request.form.getlist("item") if (one := _id(text))}
    if not picked:
        return _shown(framework_id, _("Tick at least one item first.")), 422
    try:
        with shared.database.transaction(who.scope) as session:
            draft = drafts.find(session, draft_id or uuid.UUID(int=0), lock=True)
            found = frameworks.find(session, framework_id)
            added = drafts.align(
                session,
                draft,
                frameworks.alignments(session, found, picked),
                line=request.form.get("line") or None,
                now=shared.now(),
            )
    except (UnprocessableError, ConflictError) as error:
        return _shown(framework_id, str(error.message)), error.status
    if added:
        flash(ngettext("%(num)d standard added.", "%(num)d standards added.", added), "good")
    else:
        flash(_("These are in the draft already."), "good")
    return redirect(url_for("programme.draft", draft_id=draft.id) + "#standards", 303)


@blueprint.post("/frameworks/<uuid:framework_id>/put-away")
def put_away_framework(framework_id: uuid.UUID) -> ResponseReturnValue:
    """Take a framework off the list."""
    who, shared = principal(), runtime()
    with shared.database.transaction(who.scope) as session:
        found = frameworks.find(session, framework_id)
        authority.require_manager(who, found)
        frameworks.put_away(session, found, actor_id=who.person_id, now=shared.now())
        title = found.title
    flash(_("%(title)s is off the list. What was aligned with it stays.", title=title), "good")
    return redirect(url_for("programme.list_frameworks"), 303)


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
