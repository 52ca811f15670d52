"""Scoring: the evidence, the rubric, saving, finishing, giving back, conflicts."""

from __future__ import annotations

import uuid
from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from core import audit
from core.errors import ConflictError, UnprocessableError
from core.numbers import whole
from core.web.app import runtime
from core.web.errors import wants_json
from core.web.sessions import principal
from lti_tool.evidence import pages, reading
from lti_tool.evidence.drafts import clean
from lti_tool.evidence.models import Revision
from lti_tool.evidence.requirements import NARRATIVE
from lti_tool.review import blind, changes, deciding, desk, people, scoring
from lti_tool.review.access import reviewer_of
from lti_tool.review.blueprint import bp
from lti_tool.review.people import Reviewer
from lti_tool.review.rules import Kind, SlotState, claimable
from lti_tool.review.scoring import Given, Place

Errors = dict[str, Any]


@bp.get("/reviews/<uuid:revision_id>")
def score(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Evidence left, rubric right; each look at it is noted."""
    with runtime().database.snapshot(principal().scope) as session:
        who = reviewer_of(session, principal())
        place = scoring.place(session, who, revision_id)
        why = desk.why_ended(session, who, place.revision, place.slot)
    if why is not None:
        raise people.refuse(why)
    return _page(revision_id)


@bp.post("/reviews/<uuid:revision_id>")
def save(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Save, or with "finish" hand the review in; what was typed is saved first in any case."""
    _require_still_allowed(revision_id)
    overwrite = request.form.get("go") == "mine"
    try:
        place = _save(revision_id, None if overwrite else _version())
        if request.form.get("go") != "finish":
            return redirect(url_for("review.score", revision_id=revision_id), 303)
        if place.slot is None:
            return _page(revision_id, status=409)
        return _finish(revision_id)
    except scoring.StaleReviewError:
        if wants_json():
            raise
        return _conflict_page(revision_id)
    except UnprocessableError as exc:
        if wants_json():
            raise
        fields = {name: str(text) for name, text in exc.fields.items()}
        return _page(revision_id, errors=fields, status=exc.status)


@bp.post("/reviews/<uuid:revision_id>/autosave")
def autosave(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Save from <mp-autosave>; each save extends the lease."""
    _require_still_allowed(revision_id)
    url = url_for("review.score", revision_id=revision_id)
    try:
        place = _save(revision_id, _version())
    except ConflictError as exc:
        return jsonify(error=exc.code, message=str(exc.message), url=url), 409
    if place.slot is None:
        message = _("Your text is saved, but your time ran out and this went back to the queue.")
        return jsonify(error="lease_lost", message=message, url=url), 409
    assert place.review is not None  # noqa: S101 - saving makes it
    saved = pages.saved_at(place.review.saved_at, runtime().now())
    return jsonify(saved=saved, version=place.review.version)


@bp.post("/reviews/<uuid:revision_id>/return")
def give_back(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Put it back into the queue; the draft is kept."""
    with runtime().database.transaction(principal().scope) as session:
        desk.give_back(session, reviewer_of(session, principal()), revision_id, runtime().now())
    return redirect(url_for("review.queue"), 303)


@bp.post("/reviews/<uuid:revision_id>/conflict")
def conflict(revision_id: uuid.UUID) -> ResponseReturnValue:
    """ "I know who this is": a colleague reads it instead."""
    with runtime().database.transaction(principal().scope) as session:
        desk.declare_conflict(
            session, reviewer_of(session, principal()), revision_id, runtime().now()
        )
    return redirect(url_for("review.queue"), 303)


def _require_still_allowed(revision_id: uuid.UUID) -> None:
    """403 for a holder whose role has ended; their slot is open again before they are told."""
    with runtime().database.transaction(principal().scope) as session:
        who = reviewer_of(session, principal())
        why = desk.still_allowed(session, who, revision_id, runtime().now())
    if why is not None:
        raise people.refuse(why)


def _version() -> int | None:
    return whole(request.form.get("version", ""))


def _given() -> dict[str, Given]:
    """Levels and comments by criterion, as the form holds them."""
    found: dict[str, Given] = {}
    for name, value in request.form.items():
        kind, dash, criterion = name.partition("-")
        if dash and kind in ("level", "comment"):
            held = found.get(criterion, Given(None))
            found[criterion] = (
                Given(value, held.comment) if kind == "level" else Given(held.level, value)
            )
    return found


def _save(revision_id: uuid.UUID, version: int | None) -> Place:
    with runtime().database.transaction(principal().scope) as session:
        return scoring.save(
            session,
            reviewer_of(session, principal()),
            revision_id,
            _given(),
            summary=request.form.get("summary", ""),
            version=version,
            now=runtime().now(),
        )


def _finish(revision_id: uuid.UUID) -> ResponseReturnValue:
    with runtime().database.transaction(principal().scope) as session:
        who = reviewer_of(session, principal())
        scoring.finish(session, who, revision_id, runtime().now())
    return redirect(url_for("review.queue", thanks=1), 303)


def _note_view(session: Session, who: Reviewer, revision: Revision) -> None:
    audit.record(
        session,
        owner=revision,
        actor_id=who.person_id,
        action="evidence.viewed",
        subject=revision,
        about_id=revision.submission.person_id,
        now=runtime().now(),
    )


def _page(
    revision_id: uuid.UUID, *, errors: Errors | None = None, status: int = 200
) -> ResponseReturnValue:
    """The scoring page, or what is left of it when the slot is gone: one's own draft."""
    now = runtime().now()
    with runtime().database.transaction(principal().scope) as session:
        who = reviewer_of(session, principal())
        place = scoring.place(session, who, revision_id)
        revision = place.revision
        context: dict[str, Any] = {
            "seat": place,
            "revision": revision,
            "label": blind.name(session, revision),
            "is_blind": blind.hides_author(revision),
            "is_test": blind.of_test_student(session, revision),
        }
        if place.slot is not None:
            _note_view(session, who, revision)
            context["others"] = _others(session, place)
            context["before"] = _before(session, revision)
        else:
            slots = desk.slots_of(session, revision_id)
            context["again"] = revision.state in desk.UNDECIDED and any(
                claimable(SlotState(one.state), one.lease_until, now)
                and people.in_reach(
                    who, revision.submission.assignment, people.wanted_kind(one, revision)
                )
                for one in slots
            )
    document = achievements.micro_credential(revision.achievement_version)
    template = "review/score.html" if place.slot is not None else "review/lost.html"
    page = render_template(
        template,
        **context,
        document=document,
        sections=pages.sections(revision),
        narrative=str(revision.texts.get(NARRATIVE, "")),
        criteria=_criteria(place, document.rubric.criteria, errors is not None),
        summary=_summary(place, errors is not None),
        scored=scoring.scored(place.review, document.rubric.criteria),
        saved=pages.saved_at(place.review.saved_at, now)
        if place.review and place.review.version
        else "",
        version=place.review.version if place.review else 0,
        expired=bool(
            place.slot and place.slot.lease_until is not None and place.slot.lease_until <= now
        ),
        errors=errors or {},
        pages=pages,
        item_name=blind.item_name,
    )
    return page, status


def _criteria(place: Place, criteria: Any, use_form: bool) -> list[dict[str, Any]]:
    """The criteria with the level and comment that stand there: saved, or as just typed."""
    held = {one.criterion_id: one for one in place.review.scores} if place.review else {}
    typed = _given() if use_form else {}
    rows = []
    for one in criteria:
        score = held.get(one.id)
        level: Any = score.level if score else None
        comment = score.comment if score else ""
        if one.id in typed:
            level, comment = typed[one.id].level, typed[one.id].comment
        rows.append({"criterion": one, "level": level, "comment": comment})
    return rows


def _summary(place: Place, use_form: bool) -> str:
    if use_form and "summary" in request.form:
        return request.form["summary"]
    return place.review.summary if place.review else ""


def _others(session: Session, place: Place) -> list[tuple[str, Any]]:
    """What an adjudicator is shown: the reviews that differ, without names."""
    if place.slot is None or place.slot.kind != Kind.ADJUDICATOR.value:
        return []
    pairs = deciding.submitted(session, place.revision.id)
    regular = [review for review, slot in pairs if slot.kind != Kind.ADJUDICATOR.value]
    return [(_("Reviewer %(n)s", n=n), review) for n, review in enumerate(regular, 1)]


def _before(session: Session, revision: Revision) -> dict[str, list[tuple[str, str]]]:
    """What changed in the texts since the last revision that was sent, by requirement."""
    if revision.n == 1:
        return {}
    sent = [
        one
        for one in reading.revisions(session, revision.submission_id)
        if one.n < revision.n and one.submitted_at
    ]
    if not sent:
        return {}
    return {
        key: changes.marked(str(sent[0].texts.get(key, "")), str(text))
        for key, text in revision.texts.items()
        if str(text).strip() and str(sent[0].texts.get(key, "")).strip()
    }


def _conflict_page(revision_id: uuid.UUID) -> ResponseReturnValue:
    """409: both versions, and a choice."""
    with runtime().database.snapshot(principal().scope) as session:
        place = scoring.place(session, reviewer_of(session, principal()), revision_id)
    review = place.review
    assert review is not None  # noqa: S101 - it was saved elsewhere, so there is one
    document = achievements.micro_credential(place.revision.achievement_version)
    held = {one.criterion_id: one for one in review.scores}
    rows = []
    for one in document.rubric.criteria:
        mine = _given().get(one.id, Given(None))
        theirs = held.get(one.id)
        rows.append(
            {
                "criterion": one,
                "level": mine.level,
                "comment": clean(mine.comment),
                "saved_level": theirs.level if theirs else None,
                "saved_comment": theirs.comment if theirs else "",
            }
        )
    page = render_template(
        "review/conflict.html",
        revision_id=revision_id,
        rows=rows,
        summary=request.form.get("summary", ""),
        saved_summary=review.summary,
        saved=pages.saved_at(review.saved_at, runtime().now()),
        version=review.version,
    )
    return page, 409
