"""Accepted issuers: the list, a new line on it, the end of one."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.holdings import accepting
from badges.holdings.models import AcceptedIssuer
from badges.public.reading import domain_of
from core.errors import ConflictError, NotAllowedError, NotFoundError, UnprocessableError
from core.identity import Organisation, Role
from core.web.app import runtime
from core.web.sessions import Principal, principal
from lti_tool.programme.blueprint import blueprint

_FIELDS = ("issuer", "name", "achievement", "counts_as")


@blueprint.get("/accepted-issuers")
def accepted_issuers() -> str:
    """The list, and issuers whose badges people have brought already."""
    who = _lead()
    typed = {name: request.args.get(name, "")[:500] for name in _FIELDS}
    return _render(who, typed, {})


@blueprint.post("/accepted-issuers")
def accept_issuer() -> ResponseReturnValue:
    """Put an issuer on the list of this organisation."""
    who = _lead()
    typed = {name: request.form.get(name, "")[:1000] for name in _FIELDS}
    try:
        with runtime().database.transaction(who.scope) as session:
            row = accepting.accept(
                session,
                session.get_one(Organisation, who.organisation_id),
                issuer=typed["issuer"],
                name=typed["name"],
                achievement=typed["achievement"],
                counts_as_id=_achievement(typed["counts_as"]),
                actor_id=who.person_id,
                now=runtime().now(),
            )
    except UnprocessableError as error:
        faults = {name: str(text) for name, text in error.fields.items()}
        return _render(who, typed, faults), 422
    except ConflictError as error:
        return _render(who, typed, {"issuer": str(error.message)}), error.status
    flash(
        _("Badges of %(name)s count from now on, those that people have brought already too.",
          name=row.name), "good",
    )  # fmt: skip
    return redirect(url_for("programme.accepted_issuers"), 303)


@blueprint.post("/accepted-issuers/<uuid:accepted_id>/end")
def end_issuer(accepted_id: uuid.UUID) -> ResponseReturnValue:
    """Take a line off the list."""
    who = _lead()
    with runtime().database.transaction(who.scope) as session:
        row = session.get(AcceptedIssuer, accepted_id)
        if row is None:
            raise NotFoundError(_("There is no such line on the list."), code="issuer_unknown")
        if not _ours(who, row):
            raise NotAllowedError(
                _("This line belongs to an organisation above yours."),
                code="owner_above",
                advice=_("Ask its programme lead for the change you need."),
            )
        accepting.end(session, accepted_id, who.person_id, runtime().now())
        name = row.name
    flash(_("Badges of %(name)s no longer count. Awards that were given stay.", name=name), "good")
    return redirect(url_for("programme.accepted_issuers"), 303)


def _lead() -> Principal:
    who = principal()
    who.require(Role.LEAD, Role.ADMINISTRATOR)
    return who


def _ours(who: Principal, row: AcceptedIssuer) -> bool:
    return row.owner_path.startswith(who.scope.path)


def _achievement(typed: str) -> uuid.UUID | None:
    if not typed:
        return None
    try:
        return uuid.UUID(typed)
    except ValueError:
        return uuid.UUID(int=0)  # of no micro-credential: the service says so beside the field


def _render(who: Principal, typed: dict[str, str], errors: dict[str, str]) -> str:
    with runtime().database.snapshot(who.scope) as session:
        rows = accepting.accepted(session)
        listed = {(row.issuer, row.achievement) for row in rows}
        seen = [
            one
            for one in accepting.seen(session)
            if not {(one.issuer, ""), (one.issuer, one.achievement)} & listed
        ]
        ours = _ours_by_id(session)
    return render_template(
        "programme/accepting/list.html",
        rows=[
            {
                "line": row,
                "domain": domain_of(row.issuer),
                "counts_as": ours.get(row.counts_as_id, "") if row.counts_as_id else "",
                "ours": _ours(who, row),
            }
            for row in rows
        ],
        seen=seen,
        micro_credentials=[("", _("as the badge that it is")), *_options(ours)],
        typed=typed,
        errors=errors,
        domain_of=domain_of,
    )


def _ours_by_id(session: Session) -> dict[uuid.UUID, str]:
    return {
        version.achievement_id: achievements.micro_credential(version).name
        for version in achievements.published(session)
    }


def _options(ours: dict[uuid.UUID, Any]) -> list[tuple[str, str]]:
    return sorted(((str(key), name) for key, name in ours.items()), key=lambda pair: pair[1])
