"""The draft's pages: write, gather, check, send. Every action works as a plain form."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from badges.achievements import service as achievements
from core.errors import ConflictError, MilepostError, TooLargeError, UnprocessableError
from core.web.app import runtime
from core.web.errors import wants_json
from core.web.sessions import principal
from lti_tool.evidence import drafts, links, pages, reading, sending, sniff, uploads
from lti_tool.evidence.assignments import hides_author, policy_for
from lti_tool.evidence.blueprint import bp, posted_version, too_large, typed
from lti_tool.evidence.models import EvidenceItem, Revision
from lti_tool.evidence.requirements import NARRATIVE
from lti_tool.review import intake

Errors = dict[str, Any]


@bp.get("/evidence/<uuid:revision_id>/draft")
def draft(revision_id: uuid.UUID) -> ResponseReturnValue:
    """The draft; once it is sent, its receipt instead."""
    revision = _own(revision_id)
    if revision.state != "draft":
        return redirect(_submission_url(revision), 303)
    return _draft_page(revision)


@bp.post("/evidence/<uuid:revision_id>/draft")
def save_draft(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Save as a plain form; "check" goes on to the check page, "mine" overwrites knowingly."""
    answer = _save_typed(revision_id, overwrite=request.form.get("go") == "mine")
    if not isinstance(answer, Revision):
        return answer
    where = "evidence.check" if request.form.get("go") == "check" else "evidence.draft"
    return redirect(url_for(where, revision_id=revision_id), 303)


@bp.post("/evidence/<uuid:revision_id>/autosave")
def autosave(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Save from <mp-autosave>: 200 with the new version, 409 with where the newer one is."""
    try:
        revision = _save(revision_id, posted_version())
    except (drafts.StaleDraftError, ConflictError) as exc:
        url = url_for("evidence.draft", revision_id=revision_id)
        return jsonify(error=exc.code, message=str(exc.message), url=url), 409
    saved = pages.saved_at(revision.saved_at, runtime().now())
    return jsonify(saved=saved, version=revision.version)


@bp.post("/evidence/<uuid:revision_id>/files/<requirement_id>")
def upload(revision_id: uuid.UUID, requirement_id: str) -> ResponseReturnValue:
    """Take files: from <mp-upload> one at a time, or with the whole form and its texts."""
    answer = _save_typed(revision_id)
    if not isinstance(answer, Revision):
        return answer
    name = f"file-{requirement_id}"
    chosen = [one for one in request.files.getlist(name) if one.filename]
    try:
        if not chosen:
            raise UnprocessableError(_("Choose a file first."), code="file_missing")
        items = [_receive(revision_id, requirement_id, one) for one in chosen]
    except (UnprocessableError, TooLargeError) as exc:
        if wants_json():
            raise
        return _draft_page(_own(revision_id), errors={name: str(exc.message)}, status=exc.status)
    if wants_json():
        rows = "".join(_row(revision_id, item) for item in items)
        return jsonify(row=rows)
    return _back(revision_id, requirement_id)


@bp.post("/evidence/<uuid:revision_id>/links/<requirement_id>")
def add_link(revision_id: uuid.UUID, requirement_id: str) -> ResponseReturnValue:
    """Add the link that was typed beside the requirement."""
    answer = _save_typed(revision_id)
    if not isinstance(answer, Revision):
        return answer
    name = f"link_url-{requirement_id}"
    try:
        url = links.check(request.form.get(name, ""), name)
        with runtime().database.transaction(principal().scope) as session:
            drafts.add_link(
                session,
                revision_id,
                principal().person_id,
                requirement_id,
                url=url,
                title=request.form.get(f"link_title-{requirement_id}", "").strip(),
                now=runtime().now(),
            )
    except UnprocessableError as exc:
        return _draft_page(_own(revision_id), errors={name: str(exc.message)}, status=422)
    return _back(revision_id, requirement_id)


@bp.post("/evidence/<uuid:revision_id>/items/<uuid:item_id>/remove")
def remove_item(revision_id: uuid.UUID, item_id: uuid.UUID) -> ResponseReturnValue:
    """Take a piece off the draft; its file goes when nothing else refers to it."""
    answer = _save_typed(revision_id)
    if not isinstance(answer, Revision):
        return answer
    gone = next((item for item in answer.items if item.id == item_id), None)
    with runtime().database.transaction(principal().scope) as session:
        keys = drafts.remove_item(session, revision_id, principal().person_id, item_id)
    for key in keys:
        runtime().files.delete(key)
    return _back(revision_id, gone.requirement_id if gone else "")


@bp.get("/evidence/<uuid:revision_id>/check")
def check(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Everything once more before it is sent, and what is still missing."""
    revision = _own(revision_id)
    if revision.state != "draft":
        return redirect(_submission_url(revision), 303)
    return _check_page(revision)


@bp.post("/evidence/<uuid:revision_id>/send")
def send(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Send it; pressed twice it is sent once, and both answers lead to the same receipt."""
    try:
        with runtime().database.transaction(principal().scope) as session:
            revision = intake.send(
                session,
                revision_id,
                principal().person_id,
                key=request.form.get("key", ""),
                seen=request.form.get("seen"),
                now=runtime().now(),
            )
    except sending.NotReadyError:
        return _check_page(_own(revision_id), status=422)
    except ConflictError as exc:
        message = f"{exc.message} {exc.advice or ''}".strip()
        return _check_page(_own(revision_id), errors={"": message}, status=409)
    return redirect(_submission_url(revision), 303)


def _own(revision_id: uuid.UUID) -> Revision:
    with runtime().database.snapshot(principal().scope) as session:
        return reading.own_revision(session, revision_id, principal().person_id)


def _save(revision_id: uuid.UUID, version: int | None) -> Revision:
    with runtime().database.transaction(principal().scope) as session:
        return drafts.save(
            session,
            revision_id,
            principal().person_id,
            texts=typed("text-"),
            releases=typed("release-"),
            version=version,
            now=runtime().now(),
        )


def _save_typed(
    revision_id: uuid.UUID, *, overwrite: bool = False
) -> Revision | ResponseReturnValue:
    """Save the form's texts: the revision, or a page that says why not, with all that was typed."""
    try:
        return _save(revision_id, None if overwrite else posted_version())
    except drafts.StaleDraftError as exc:
        if wants_json():
            raise
        return _conflict_page(_own(revision_id), exc)
    except UnprocessableError as exc:
        if wants_json():
            raise
        fields = {name: str(text) for name, text in exc.fields.items()}
        return _draft_page(_own(revision_id), errors=fields, status=exc.status)


def _receive(revision_id: uuid.UUID, requirement_id: str, file: FileStorage) -> EvidenceItem:
    """Check and store outside any transaction, then attach; a file that has no place goes again."""
    shared, who = runtime(), principal()
    with shared.database.snapshot(who.scope) as session:
        revision, _asked = drafts.draft_of(session, revision_id, who.person_id, requirement_id)
    size = _size(file)
    if size > shared.config.upload_max_bytes:
        raise too_large(size)
    received = uploads.receive(
        shared.files,
        file.stream,
        file.filename or "",
        folder=revision.owner_id,
        max_bytes=shared.config.upload_max_bytes,
        hides_author=hides_author(policy_for(revision)),
    )
    attached: EvidenceItem | None = None
    try:
        with shared.database.transaction(who.scope) as session:
            attached = drafts.add_file(
                session, revision_id, who.person_id, requirement_id, received, shared.now()
            )
    finally:
        if attached is None or attached.file_key != received.key:
            uploads.discard(shared.files, received)
    return attached


def _size(file: FileStorage) -> int:
    size = file.stream.seek(0, io.SEEK_END)
    file.stream.seek(0)
    return size


def _row(revision_id: uuid.UUID, item: EvidenceItem) -> str:
    return render_template("evidence/_row.html", revision_id=revision_id, item=item, pages=pages)


def _back(revision_id: uuid.UUID, requirement_id: str) -> ResponseReturnValue:
    anchor = f"r-{requirement_id}" if requirement_id else None
    return redirect(url_for("evidence.draft", revision_id=revision_id, _anchor=anchor), 303)


def _submission_url(revision: Revision) -> str:
    return url_for("evidence.submission", submission_id=revision.submission_id)


def _draft_page(
    revision: Revision, *, errors: Errors | None = None, status: int = 200
) -> ResponseReturnValue:
    """The draft with what is saved, or with what was typed if this answers a form."""
    if revision.state != "draft":
        raise ConflictError(
            _("This has already been sent, so it stays as it is."), code="already_sent"
        )
    document = achievements.micro_credential(revision.achievement_version)
    given = request.form if request.method == "POST" else {}
    texts = typed("text-") if given else {}
    label, optional = pages.narrative_label(document)
    hidden = hides_author(policy_for(revision))
    page = render_template(
        "evidence/draft.html",
        revision=revision,
        document=document,
        sections=pages.sections(revision, texts, typed("release-") if given else {}),
        narrative=texts.get(NARRATIVE, revision.texts.get(NARRATIVE, "")),
        narrative_key=NARRATIVE,
        narrative_label=label,
        narrative_optional=optional,
        asked_for=_asked_for(revision),
        given=given,
        errors=errors or {},
        saved="" if errors else pages.saved_text(revision, runtime().now()),
        accept=sniff.accepted_endings(hides_author=hidden),
        max_bytes=runtime().config.upload_max_bytes,
        hides_author=hidden,
        rubric=pages.rubric_table(document),
        pages=pages,
    )
    return page, status


def _asked_for(revision: Revision) -> Any:
    """What the reviewers of the last revision said, to be read while revising."""
    from lti_tool.review import feedback

    if revision.n == 1:
        return None
    with runtime().database.snapshot(principal().scope) as session:
        before = reading.revisions(session, revision.submission_id)
        last = next((one for one in before if one.n < revision.n and one.decided_at), None)
        return feedback.of_revision(session, last) if last else None


def _check_page(
    revision: Revision, *, errors: Mapping[str, Any] | None = None, status: int = 200
) -> ResponseReturnValue:
    if revision.state != "draft":
        return redirect(_submission_url(revision), 303)
    document = achievements.micro_credential(revision.achievement_version)
    missing = sending.gaps_of(revision)
    page = render_template(
        "evidence/check.html",
        revision=revision,
        document=document,
        sections=pages.sections(revision),
        narrative=revision.texts.get(NARRATIVE, ""),
        gaps=[(pages.gap_text(gap, document), pages.field_of(gap, document)) for gap in missing],
        errors=dict(errors or {}),
        key=uuid.uuid4().hex,
        seen=sending.fingerprint(revision),
        pages=pages,
    )
    return page, status


def _conflict_page(revision: Revision, exc: MilepostError) -> ResponseReturnValue:
    """409: both versions, side by side, and a choice."""
    texts, releases = typed("text-"), typed("release-")
    document = achievements.micro_credential(revision.achievement_version)
    label, _optional = pages.narrative_label(document)
    titles = {asked.id: asked.title for asked in document.evidence_asked} | {NARRATIVE: label}
    differing = [
        (key, titles[key], drafts.clean(mine), str(revision.texts.get(key, "")))
        for key, mine in texts.items()
        if key in titles and drafts.clean(mine) != str(revision.texts.get(key, ""))
    ]
    page = render_template(
        "evidence/conflict.html",
        revision=revision,
        document=document,
        message=exc.message,
        differing=differing,
        releases=releases,
        saved=pages.saved_at(revision.saved_at, runtime().now()),
    )
    return page, 409
