"""Writing a micro-credential: the form, standards by hand or picked, what changes, publish.

Every button of the form saves the whole of it first, so that nothing typed is lost on the way.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from badges.achievements import frameworks, iste
from badges.achievements import service as achievements
from badges.achievements.document import ImageChoice
from badges.achievements.images import render_svg
from badges.public.achievements import rubric_rows
from badges.public.negotiation import DRAWING_POLICY
from core.errors import ConflictError, MilepostError, NotFoundError, UnprocessableError
from core.numbers import whole
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.evidence.pages import saved_at
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.catalogue import authority, changes, drafts, forms, labels, words
from lti_tool.programme.catalogue.models import CredentialDraft


@blueprint.get("/micro-credential-drafts/<uuid:draft_id>")
def draft(draft_id: uuid.UUID) -> str:
    """The form as it was saved."""
    return _page(_find(draft_id))


def _find(draft_id: uuid.UUID) -> CredentialDraft:
    who = principal()
    authority.require_lead(who)
    with runtime().database.snapshot(who.scope) as session:
        return drafts.find(session, draft_id)


def _page(
    found: CredentialDraft,
    *,
    content: dict[str, Any] | None = None,
    errors: dict[str, Any] | None = None,
    stale: bool = False,
) -> str:
    with runtime().database.snapshot(principal().scope) as session:
        known = frameworks.frameworks(session)
        current = drafts.current_of(session, found)
    return render_template(
        "programme/catalogue/draft.html",
        draft=found,
        content=content or drafts.content(found),
        current=current,
        frameworks=known,
        drawable=current is None and _drawing(found) is not None,
        words=words,
        stale=stale,
        saved=saved_at(found.saved_at, runtime().now()),
        page=secrets.token_hex(8),
        iste_typed=request.form.get("iste", "") if errors else "",
        errors={name: str(text) for name, text in (errors or {}).items()},
        summary={name: f"{labels.label(name)}: {text}" for name, text in (errors or {}).items()},
    )


@blueprint.post("/micro-credential-drafts/<uuid:draft_id>")
def save_draft(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Save; `do` says what then: a row's button, `check`, `pick:<framework>`, or `mine`, which
    saves over what somebody else saved meanwhile."""
    what = request.form.get("do", "")
    seen = None if what == "mine" else _posted_version()
    try:
        found, place = _save(draft_id, seen, what)
    except drafts.StaleDraftError:
        found = _find(draft_id)
        typed = forms.typed(request.form.items(), found.content)
        return _page(found, content=typed, stale=True), 409
    except UnprocessableError as error:
        found = _find(draft_id)
        typed = forms.typed(request.form.items(), found.content)
        return _page(found, content=typed, errors=error.fields), 422
    if what == "check":
        return redirect(url_for("programme.check_draft", draft_id=draft_id), 303)
    if what == "iste":
        return _add_iste(draft_id)
    if what.startswith("pick"):
        return _picker(found, what)
    fragment = f"#row-{place}" if place else ""
    return redirect(url_for("programme.draft", draft_id=draft_id) + fragment, 303)


def _add_iste(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Add the ISTE standards whose codes were typed."""
    given = request.form.get("iste", "").replace(",", " ").replace(";", " ").split()[:60]
    picked = {code: iste.of_code(code) for code in given}
    unknown = [code for code, item in picked.items() if item is None]
    found = _find(draft_id)
    if unknown or not picked:
        sentence = (
            _("There is no code %(codes)s. Write them such as 2.1 or 2.5.b.", codes=unknown[0][:20])
            if unknown
            else _("Write one or more codes, such as 2.1 or 2.5.b.")
        )
        return _page(found, errors={"iste": sentence}), 422
    who, shared = principal(), runtime()
    try:
        with shared.database.transaction(who.scope) as session:
            found = drafts.find(session, draft_id, lock=True)
            authority.require_manager(who, found)
            items = [item for item in picked.values() if item is not None]
            drafts.align(session, found, items, line=None, now=shared.now())
    except UnprocessableError as error:
        return _page(found, errors={"iste": error.message}), 422
    return redirect(url_for("programme.draft", draft_id=draft_id) + "#standards", 303)


def _picker(found: CredentialDraft, what: str) -> ResponseReturnValue:
    """Where standards are picked for the whole (`pick`) or a rubric line (`pick:<line's id>`)."""
    framework, line = request.form.get("framework", ""), what.partition(":")[2]
    try:
        framework_id = uuid.UUID(framework)
    except ValueError:
        return redirect(url_for("programme.list_frameworks", draft=found.id), 303)
    url = url_for(
        "programme.framework", framework_id=framework_id, draft=found.id, line=line or None
    )
    return redirect(url, 303)


@blueprint.post("/micro-credential-drafts/<uuid:draft_id>/autosave")
def autosave_draft(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Save from <mp-autosave>: 200 with the new version, 409 with where the newer one is, 422
    with what keeps it from being saved."""
    try:
        found, _place = _save(draft_id, _posted_version(), "")
    except ConflictError as error:
        url = url_for("programme.draft", draft_id=draft_id)
        return jsonify(error=error.code, message=str(error.message), url=url), 409
    except UnprocessableError as error:
        return jsonify(error=error.code, message=str(error.message)), 422
    return jsonify(saved=saved_at(found.saved_at, runtime().now()), version=found.version)


def _posted_version() -> int:
    return whole(request.form.get("version", "")) or 0


def _save(draft_id: uuid.UUID, seen: int | None, what: str) -> tuple[CredentialDraft, str | None]:
    who, shared = principal(), runtime()
    authority.require_lead(who)
    with shared.database.transaction(who.scope) as session:
        found = drafts.find(session, draft_id, lock=True)
        authority.require_manager(who, found)
        place = drafts.save(
            session,
            found,
            request.form.items(),
            seen=seen,
            page=request.form.get("page", "")[:32],
            now=shared.now(),
            what=what,
        )
        if what == "check":
            drafts.tidy(session, found)
    return found, place


@blueprint.get("/micro-credential-drafts/<uuid:draft_id>/check")
def check_draft(draft_id: uuid.UUID) -> ResponseReturnValue:
    """What would be published, and for a next version what is different; faults lead back."""
    return _check(draft_id)


def _check(draft_id: uuid.UUID, notice: str = "") -> ResponseReturnValue:
    who, shared = principal(), runtime()
    authority.require_lead(who)
    with shared.database.snapshot(who.scope) as session:
        found = drafts.find(session, draft_id)
        authority.require_manager(who, found)
        current = drafts.current_of(session, found)
        try:
            made = drafts.checked(found, current)
        except UnprocessableError as error:
            faults: dict[str, Any] | None = dict(error.fields)
        else:
            faults = None
    if faults is not None:
        return _page(found, errors=faults), 422
    before = achievements.micro_credential(current) if current else None
    levels, criteria = rubric_rows(made)
    return render_template(
        "programme/catalogue/check.html",
        draft=found,
        made=made,
        current=current,
        changes=changes.changes(before, made) if before else [],
        rubric_differs=bool(before and before.rubric != made.rubric),
        overtaken=bool(current and found.base_version_id != current.id),
        levels=levels,
        criteria=criteria,
        notice=notice,
        words=words,
    ), 409 if notice else 200


@blueprint.get("/micro-credential-drafts/<uuid:draft_id>/picture.svg")
def draft_picture(draft_id: uuid.UUID) -> Response:
    """The badge of a new micro-credential as it would be drawn."""
    found = _find(draft_id)
    drawing = _drawing(found)
    if drawing is None:
        raise NotFoundError(_("There is no picture with these colours."))
    answer = Response(drawing, mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Content-Security-Policy"] = DRAWING_POLICY
    return answer


def _drawing(found: CredentialDraft) -> str | None:
    """The drawing of a draft; None while something is missing for it."""
    image = forms.document_of(found.content)["image"]
    try:
        choice = ImageChoice(
            image.get("template", ""),
            image.get("primary", ""),
            image.get("accent", ""),
            tuple(image.get("lines", ()))[:2],
        )
        title = found.content["name"].strip() or "…"
        return render_svg(choice, title, found.content["level"], found.issuer.name)
    except UnprocessableError:
        return None


@blueprint.post("/micro-credential-drafts/<uuid:draft_id>/publish")
def publish_draft(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Publish what the page before showed."""
    who, shared = principal(), runtime()
    authority.require_lead(who)
    try:
        with shared.database.transaction(who.scope) as session:
            found = drafts.find(session, draft_id, lock=True)
            authority.require_manager(who, found)
            version = drafts.publish(
                session,
                found,
                seen=(_posted_version(), _seen_version()),
                actor_id=who.person_id,
                now=shared.now(),
            )
    except (ConflictError, UnprocessableError) as error:
        return _check(draft_id, _sentence(error))
    flash(
        _(
            "%(name)s is published as version %(n)d.",
            name=achievements.micro_credential(version).name,
            n=version.number,
        ),
        "good",
    )
    return redirect(
        url_for("programme.micro_credential", achievement_id=version.achievement_id), 303
    )


def _seen_version() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.form.get("current", ""))
    except ValueError:
        return None


def _sentence(error: MilepostError) -> str:
    return f"{error.message} {error.advice}" if error.advice else str(error.message)
