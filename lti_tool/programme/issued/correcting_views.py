"""Correcting a badge: what was wrong, what it is to say, how that reads, and then the new version.

The earlier copies read as withdrawn from then on, and the holder is told what was wrong.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges import ends
from badges.achievements.document import MicroCredential
from badges.achievements.models import AchievementVersion
from badges.achievements.service import micro_credential
from badges.awards import reissuing, versions
from badges.awards.models import Credential
from badges.awards.reissuing import UNSET, Change
from badges.awards.revised import levels_of
from core.errors import ConflictError, NotAllowedError, UnprocessableError
from core.numbers import whole
from core.scope import unscoped
from core.timezones import last_day
from core.web.app import runtime
from core.web.sessions import Principal
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.issued import reading, words
from lti_tool.programme.issued.views import leading, of_scope


@dataclass
class Given:
    """What stands in the form: as the badge says it, or as somebody typed it."""

    name: str
    version: str
    levels: dict[str, int]
    until: str
    note: str = ""
    faults: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """The badge that is corrected, and what the form offers."""

    credential: Credential
    now: Given
    versions: list[AchievementVersion]
    made: MicroCredential
    row: reading.Row
    seen: int


@blueprint.get("/issued/<uuid:credential_id>/correct")
def correct_badge(credential_id: uuid.UUID) -> str:
    """The form, filled with what the badge says."""
    who = leading()
    with runtime().database.snapshot(who.scope) as session:
        found = _subject(session, credential_id, who)
        # Not where nothing can be corrected: that is said before anybody types.
        reissuing.preview(
            session, credential_id, Change("recipient"),
            badge_url=runtime().config.badge_url, now=runtime().now(),
        )  # fmt: skip
    return _page(found, found.now, {})


@blueprint.post("/issued/<uuid:credential_id>/correct")
def issue_correction(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Show what would read differently, or issue it."""
    who, config = leading(), runtime().config
    with runtime().database.snapshot(who.scope) as session:
        found = _subject(session, credential_id, who)
        given = _given(found)
        stale = whole(request.form.get("seen", "")) not in (None, found.seen)
        try:
            change = _change(found, given)
            before, after = reissuing.preview(
                session, credential_id, change, badge_url=config.badge_url, now=runtime().now()
            )
        except UnprocessableError as error:
            told = {"": _stale(), **error.fields} if stale else error.fields
            return _page(found, given, told), 409 if stale else 422
    changed = words.differences(before, after)
    if stale:
        return _page(found, given, {"": _stale()}, changed), 409
    if not changed and before == after:
        fault = _("Nothing is different yet: change what was wrong.")
        return _page(found, given, {"": fault}), 422
    if request.form.get("do") != "issue":
        return _page(found, given, {}, changed)
    try:
        with runtime().database.transaction(who.scope) as session:
            reissuing.reissue(
                session, credential_id, change, actor_id=who.person_id,
                badge_url=config.badge_url, now=runtime().now(), seen=found.seen,
            )  # fmt: skip
    except ConflictError as error:
        if error.code != "credential_changed":
            raise
        return _page(found, given, {"": _stale()}, changed), 409
    flash(_("The corrected badge is being signed. Its holder is told what was wrong."), "good")
    return redirect(url_for("programme.issued_badge", credential_id=credential_id), 303)


def _subject(session: Session, credential_id: uuid.UUID, who: Principal) -> Subject:
    credential = of_scope(session, credential_id)
    if credential.person_id == who.person_id:
        raise NotAllowedError(
            _("Your own badge is corrected by somebody else."), code="correction_own"
        )
    waiting = versions.pending(session, credential_id)
    latest = waiting or credential
    with unscoped(session, "the versions of what a badge in reach was given for"):
        version = session.get_one(AchievementVersion, latest.achievement_version_id)
        offered = session.scalars(
            select(AchievementVersion)
            .where(AchievementVersion.achievement_id == version.achievement_id)
            .order_by(AchievementVersion.number.desc())
        ).all()
    now = Given(
        name=latest.recipient_name or "",
        version=str(version.id),
        levels=levels_of(latest.unsigned, version, runtime().config.badge_url),
        until=last_day(latest.valid_until).isoformat() if latest.valid_until else "",
    )
    [row] = reading.rows_of(session, [credential], runtime().now())
    seen = waiting.number if waiting else credential.revision
    return Subject(credential, now, list(offered), micro_credential(version), row, seen)


def _given(found: Subject) -> Given:
    form = request.form
    levels: dict[str, int] = {}
    faults: dict[str, str] = {}
    for criterion in found.made.rubric.criteria:
        value = form.get(f"level-{criterion.id}", "")
        known = [str(number + 1) for number in range(len(criterion.levels))]
        if value in known:
            levels[criterion.id] = int(value)
        elif value:
            faults[f"level-{criterion.id}"] = _("Choose one of these.")
    return Given(
        name=" ".join(form.get("name", "")[:400].split()),
        version=form.get("version", found.now.version),
        levels=levels,
        until=form.get("until", "").strip(),
        note=form.get("note", ""),
        faults=faults,
    )


def _change(found: Subject, given: Given) -> Change:
    """What differs from the badge; what was left as it is stays unset."""
    now = found.now
    if given.faults:
        raise UnprocessableError(_("This badge has no such level."), fields=given.faults)
    offered = {str(one.id): one.id for one in found.versions}
    if given.version not in offered:
        raise UnprocessableError(
            _("Choose one of the versions."), fields={"version": _("Choose one of the versions.")}
        )
    parts: dict[str, Any] = {
        "name": UNSET if given.name == now.name else given.name or None,
        "version_id": UNSET if given.version == now.version else offered[given.version],
        "levels": UNSET if given.levels == now.levels else given.levels,
        "valid_until": UNSET if given.until == now.until else ends.read(given.until),
    }
    return Change("corrected", note=given.note, **parts)


def _page(
    found: Subject,
    given: Given,
    errors: dict[str, Any],
    changed: list[words.Difference] | None = None,
) -> str:
    return render_template(
        "programme/issued/correct.html",
        row=found.row,
        credential=found.credential,
        made=found.made,
        given=given,
        now=found.now,
        seen=found.seen,
        offered=found.versions,
        changed=changed,
        errors={_field(name): str(text) for name, text in errors.items()},
    )


def _stale() -> str:
    return str(
        _(
            "This badge has a newer version than the one that you opened, so nothing was issued."
            " Look at what would read differently now, then decide."
        )
    )


def _field(name: str) -> str:
    return name.replace("levels.", "level-")
