"""What can be earned, for those who answer for it: the list, and one micro-credential."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from badges.achievements import issuers as profiles
from badges.achievements import service as achievements
from badges.achievements.models import AchievementVersion
from badges.awards.models import Credential
from badges.pathways.models import Enrolment, PathwayVersion
from badges.public.achievements import rubric_rows
from core.identity import of_real_people
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.catalogue import authority, drafts, words


@dataclass(frozen=True)
class Version:
    """One version, how many are working on it, and how many badges name it."""

    row: AchievementVersion
    working: int
    badges: int


@blueprint.get("/micro-credentials")
def micro_credentials() -> str:
    """Everything published that this organisation may offer, and what is being written."""
    who = principal()
    authority.require_lead(who)
    with runtime().database.snapshot(who.scope) as session:
        versions = achievements.published(session)
        writing = drafts.open_drafts(session)
        made = profiles.issuers(session)
    own = [one for one in made if authority.manages(who, one)]
    return render_template(
        "programme/catalogue/micro_credentials.html",
        versions=[(one, authority.manages(who, one)) for one in versions],
        drafts=writing,
        changing={one.achievement_id: one.id for one in writing if one.achievement_id},
        issuers=own,
        chosen=request.args.get("issuer", ""),
        words=words,
    )


@blueprint.get("/micro-credentials/<uuid:achievement_id>")
def micro_credential(achievement_id: uuid.UUID) -> str:
    """One micro-credential as it is published, all its versions, and what can be done with it."""
    who = principal()
    authority.require_lead(who)
    with runtime().database.snapshot(who.scope) as session:
        current = achievements.current(session, achievement_id)
        versions = _versions(session, achievement_id)
        draft = drafts.of_achievement(session, achievement_id)
    made = achievements.micro_credential(current)
    levels, criteria = rubric_rows(made)
    config = runtime().config
    return render_template(
        "programme/catalogue/micro_credential.html",
        current=current,
        made=made,
        issuer=current.achievement.issuer,
        versions=versions,
        draft=draft,
        levels=levels,
        criteria=criteria,
        may_change=authority.manages(who, current.achievement),
        lms_link=f"{config.base_url}/to/micro-credential/{achievement_id}",
        actions=_actions({"achievement_id": achievement_id}),
        words=words,
    )


def _actions(values: Mapping[str, object]) -> dict[str, str]:
    """Where other rooms have pages about it, as far as those are here."""
    wanted = {"image": "programme.achievement_image"}
    return {
        name: url_for(endpoint, **values)  # type: ignore[arg-type]
        for name, endpoint in wanted.items()
        if endpoint in current_app.view_functions
    }


def _versions(session: Session, achievement_id: uuid.UUID) -> list[Version]:
    rows = session.scalars(
        select(AchievementVersion)
        .where(AchievementVersion.achievement_id == achievement_id)
        .order_by(AchievementVersion.number.desc())
    ).all()
    working = session.execute(
        select(PathwayVersion.achievement_version_id, func.count(Enrolment.id))
        .select_from(Enrolment)
        .join(PathwayVersion, PathwayVersion.id == Enrolment.pathway_version_id)
        .where(Enrolment.state == "active", of_real_people(Enrolment.person_id))
        .group_by(PathwayVersion.achievement_version_id)
    ).all()
    badges = session.execute(
        select(Credential.achievement_version_id, func.count(Credential.id))
        .where(Credential.state == "signed")
        .group_by(Credential.achievement_version_id)
    ).all()
    at_work = {row[0]: row[1] for row in working}
    held = {row[0]: row[1] for row in badges}
    return [Version(row, at_work.get(row.id, 0), held.get(row.id, 0)) for row in rows]


@blueprint.post("/micro-credentials")
def write_new() -> ResponseReturnValue:
    """Begin a new one, empty or as a copy."""
    who, shared = principal(), runtime()
    authority.require_lead(who)
    with shared.database.transaction(who.scope) as session:
        issuer = profiles.find(session, _id(request.form.get("issuer", "")))
        authority.require_manager(who, issuer)
        copied = request.form.get("like", "")
        like = achievements.current(session, _id(copied)) if copied else None
        draft = drafts.begin(session, issuer, shared.now(), like=like)
    return redirect(url_for("programme.draft", draft_id=draft.id), 303)


@blueprint.post("/micro-credentials/<uuid:achievement_id>/change")
def write_next(achievement_id: uuid.UUID) -> ResponseReturnValue:
    """Begin the next version, or go on with the one that somebody has begun."""
    who, shared = principal(), runtime()
    with shared.database.transaction(who.scope) as session:
        current = achievements.current(session, achievement_id)
        authority.require_manager(who, current.achievement)
        draft = drafts.begin_change(session, current, shared.now())
    return redirect(url_for("programme.draft", draft_id=draft.id), 303)


@blueprint.post("/micro-credential-drafts/<uuid:draft_id>/throw-away")
def throw_draft_away(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Delete a draft."""
    who, shared = principal(), runtime()
    authority.require_lead(who)
    with shared.database.transaction(who.scope) as session:
        draft = drafts.find(session, draft_id, lock=True)
        authority.require_manager(who, draft)
        achievement_id = draft.achievement_id
        drafts.throw_away(session, draft)
    flash(_("The draft is gone. What is published stays as it is."), "good")
    if achievement_id is None:
        return redirect(url_for("programme.micro_credentials"), 303)
    return redirect(url_for("programme.micro_credential", achievement_id=achievement_id), 303)


def _id(text: str) -> uuid.UUID:
    """The id in a form's field; one that nothing has where there is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
