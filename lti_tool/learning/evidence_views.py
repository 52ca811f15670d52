"""Showing evidence with one's own badge: choose, see exactly what strangers get, confirm, undo."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from badges.achievements.addresses import evidence_url
from badges.achievements.service import micro_credential
from badges.awards import published_evidence
from badges.awards import service as awards
from badges.awards.evidence_models import PublishedEvidence
from badges.awards.models import Award, Credential
from badges.awards.versions import pending
from badges.public.evidence import file_of
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.evidence_pieces import Shown, as_given_out, pieces_of


@dataclass(frozen=True)
class _Badge:
    """One's own badge with its evidence: all of it, and what is open now."""

    award: Award
    credential: Credential
    pieces: list[Shown]
    open: list[PublishedEvidence]
    waiting: bool

    def chosen(self, keys: list[str]) -> list[Shown]:
        """The pieces with these keys that may be shown, in their order."""
        return [one for one in self.pieces if one.piece.key in keys and not one.withheld]


@blueprint.get("/badges/<uuid:award_id>/evidence")
def badge_evidence(award_id: uuid.UUID) -> str:
    """Every piece that the badge rests on, and which of them strangers may open."""
    badge = _badge(award_id)
    return _choose(badge, [row.piece for row in badge.open])


@blueprint.post("/badges/<uuid:award_id>/evidence")
def show_evidence(award_id: uuid.UUID) -> ResponseReturnValue:
    """Choose again, look at what would be shown, or confirm it."""
    badge, keys = _badge(award_id), request.form.getlist("piece")[:100]
    if request.form.get("do") == "choose":
        return _choose(badge, keys)
    if request.form.get("do") != "show":
        return _look(badge, keys)
    try:
        _publish(badge, keys)
    except UnprocessableError as error:
        faults = {name: str(text) for name, text in error.fields.items()}
        return _look(badge, keys, faults), 422
    except (ConflictError, NotFoundError) as error:
        return _look(badge, keys, {"": str(error.message)}), error.status
    flash(_("Done. A new version of your badge is being signed; that takes a moment."), "good")
    return redirect(url_for("learning.badge_evidence", award_id=award_id), 303)


@blueprint.post("/badges/<uuid:award_id>/evidence/<uuid:piece_id>/back")
def take_evidence_back(award_id: uuid.UUID, piece_id: uuid.UUID) -> Response:
    """Close one piece: its address opens nothing from now on."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        published_evidence.take_back(session, piece_id, who.person_id, runtime().now())
    flash(_("Taken back. Nobody can open it here any more."), "good")
    return redirect(url_for("learning.badge_evidence", award_id=award_id), 303)


@blueprint.get("/badges/<uuid:award_id>/evidence/<uuid:item_id>")
def evidence_file(award_id: uuid.UUID, item_id: uuid.UUID) -> FlaskResponse:
    """One's own file exactly as strangers would get it, before anybody does."""
    found = next((one for one in _badge(award_id).pieces if one.item_id == item_id), None)
    if found is None or found.withheld:
        raise NotFoundError(_("There is no such evidence here, or it is not yours to see."))
    answer = file_of(as_given_out(runtime().files, found.piece))
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def open_count(credential: Credential) -> int:
    """How many pieces of evidence are shown with one's badge, for its own page."""
    with runtime().database.snapshot(principal().scope) as session:
        return len(published_evidence.open_pieces(session, credential.id))


def _publish(badge: _Badge, keys: list[str]) -> None:
    who, settings = principal(), runtime()
    shown = {row.piece for row in badge.open}
    chosen = [one.piece for one in badge.chosen(keys)]
    # What is open keeps the file that it has; only what is new is read from the store.
    added = [as_given_out(settings.files, one) for one in chosen if one.key not in shown]
    with settings.database.transaction(who.scope) as session:
        published_evidence.publish(
            session,
            badge.credential.id,
            who.person_id,
            added,
            keep=[one.key for one in chosen if one.key in shown],
            consent=request.form.get("consent") == "yes",
            badge_url=settings.config.badge_url,
            now=settings.now(),
        )


def _choose(badge: _Badge, keys: list[str]) -> str:
    base = runtime().config.badge_url
    return render_template(
        "learning/badge_evidence.html",
        **_about(badge),
        options=[
            (one.piece.key, one.label, _help(one)) for one in badge.pieces if not one.withheld
        ],
        withheld=[one for one in badge.pieces if one.withheld],
        chosen=keys,
        opened=[
            (row, row.url or evidence_url(base, badge.credential.id, row.id)) for row in badge.open
        ],
        errors={},
    )


def _look(badge: _Badge, keys: list[str], errors: dict[str, str] | None = None) -> str:
    now_open = {row.piece: row.name for row in badge.open}
    chosen = badge.chosen(keys)
    wanted = {one.piece.key for one in chosen}
    return render_template(
        "learning/badge_evidence_look.html",
        **_about(badge),
        chosen=chosen,
        new=[one for one in chosen if one.piece.key not in now_open],
        closing=[name for key, name in now_open.items() if key not in wanted],
        consent=request.form.get("consent") == "yes",
        errors=errors or {},
    )


def _about(badge: _Badge) -> dict[str, Any]:
    return {
        "award": badge.award,
        "name": micro_credential(badge.credential.version).name,
        "state": badge.credential.state,
        "published": badge.credential.published_at is not None,
        "waiting": badge.waiting,
    }


def _help(one: Shown) -> str:
    if one.recognisable:
        return str(_("%(note)s. You said that pupils can be recognised in it.", note=one.note))
    return one.note


def _badge(award_id: uuid.UUID) -> _Badge:
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        award = awards.award(session, award_id, who.person_id)
        credential = _own(session, award)
        return _Badge(
            award,
            credential,
            pieces_of(session, award),
            published_evidence.open_pieces(session, credential.id),
            pending(session, credential.id) is not None,
        )


def _own(session: Session, award: Award) -> Credential:
    found = awards.credential_of(session, award)
    if found is None:
        raise NotFoundError(
            _("There is no badge of yours at this address."), code="credential_unknown"
        )
    return found
