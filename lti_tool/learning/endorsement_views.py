"""What others say of one's own badge: shown or not as its holder likes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from badges.achievements.addresses import endorsement_url
from badges.achievements.service import micro_credential
from badges.awards import service as awards
from badges.awards.models import Award, Credential
from badges.awards.revisions import sign_revision
from badges.endorsements import service
from badges.endorsements.models import Endorsement
from badges.public.reading import domain_of
from core.errors import NotFoundError
from core.web.app import runtime
from core.web.sessions import principal
from keys.shared import ring_of
from lti_tool.learning.blueprint import blueprint


@blueprint.context_processor
def _endorsements() -> dict[str, Callable[[uuid.UUID], list[Endorsement]]]:
    """`endorsements_of(award id)`: what others said of one's own badge and still stands."""

    def endorsements_of(award_id: uuid.UUID) -> list[Endorsement]:
        who = principal()
        with runtime().database.snapshot(who.scope) as session:
            return service.of_badge(session, _own(session, award_id)[1].id)

    return {"endorsements_of": endorsements_of}


@blueprint.get("/badges/<uuid:award_id>/endorsements")
def badge_endorsements(award_id: uuid.UUID) -> str:
    """Everything that was said of the badge."""
    base, now = runtime().config.badge_url, runtime().now()
    with runtime().database.snapshot(principal().scope) as session:
        award, credential = _own(session, award_id)
        said = service.of_badge(session, credential.id)
        title = micro_credential(award.version).name
    return render_template(
        "learning/endorsements.html",
        award=award,
        title=title,
        published=credential.published_at is not None,
        said=[
            {
                "endorsement": one,
                "domain": domain_of(one.issuer.did),
                "address": endorsement_url(base, one.id),
                "ended": one.valid_until is not None and one.valid_until <= now,
            }
            for one in said
        ],
    )


@blueprint.post("/badges/<uuid:award_id>/endorsements/<uuid:endorsement_id>")
def answer_endorsement(award_id: uuid.UUID, endorsement_id: uuid.UUID) -> ResponseReturnValue:
    """Put an endorsement into one's badge, or leave it out; the badge is signed anew at once."""
    who, shared = principal(), runtime()
    shown = request.form.get("do") == "show"
    with shared.database.transaction(who.scope) as session:
        _award, credential = _own(session, award_id)
        if endorsement_id not in {one.id for one in service.of_badge(session, credential.id)}:
            raise NotFoundError(
                _("There is no endorsement at this address."), code="endorsement_unknown"
            )
        service.answer(
            session, endorsement_id, shown=shown, actor_id=who.person_id,
            badge_url=shared.config.badge_url, now=shared.now(),
        )  # fmt: skip
    sign_revision(shared, ring_of(shared), credential.id)
    flash(
        _("Your badge carries it now. Its address is the same as before.")
        if shown
        else _("Your badge does not carry it any more."),
        "good",
    )
    return redirect(url_for("learning.badge_endorsements", award_id=award_id), 303)


def _own(session: Session, award_id: uuid.UUID) -> tuple[Award, Credential]:
    award: Any = awards.award(session, award_id, principal().person_id)
    credential = awards.credential_of(session, award)
    if credential is None:
        raise NotFoundError(
            _("There is no badge of yours at this address."), code="credential_unknown"
        )
    return award, credential
