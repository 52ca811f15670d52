"""What others say of one's own badge: shown or not as its holder likes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from badges.achievements.addresses import endorsement_url
from badges.achievements.service import micro_credential
from badges.awards.revisions import sign_revision
from badges.endorsements import service
from badges.endorsements.models import Endorsement
from badges.public.reading import domain_of
from core.errors import NotFoundError
from core.web.app import runtime
from core.web.buttons import pressed
from core.web.sessions import principal
from keys.shared import ring_of
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.own import own_badge


@blueprint.context_processor
def _endorsements() -> dict[str, Callable[..., Any]]:
    """What others said of one's own badges, for the pages of these badges.

    `endorsements_of(award id)`: of one badge, all that still stands. `endorsed_badges()`: which
    badges have something that waits for an answer, by award id, with their names.
    """

    def endorsements_of(award_id: uuid.UUID) -> list[Endorsement]:
        who = principal()
        with runtime().database.snapshot(who.scope) as session:
            return service.of_badge(session, own_badge(session, award_id, who.person_id)[1].id)

    def endorsed_badges() -> dict[uuid.UUID, str]:
        who, now = principal(), runtime().now()
        with runtime().database.snapshot(who.scope) as session:
            return {
                credential.award_id: micro_credential(credential.version).name
                for _said, credential in service.waiting_for(session, who.person_id, now)
            }

    return {"endorsements_of": endorsements_of, "endorsed_badges": endorsed_badges}


@blueprint.get("/badges/<uuid:award_id>/endorsements")
def badge_endorsements(award_id: uuid.UUID) -> str:
    """Everything that was said of the badge."""
    base, now = runtime().config.badge_url, runtime().now()
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        award, credential = own_badge(session, award_id, who.person_id)
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
    shown = pressed("show", "hide") == "show"
    with shared.database.transaction(who.scope) as session:
        _award, credential = own_badge(session, award_id, who.person_id)
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
