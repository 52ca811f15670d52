"""My path: the picture that is also a list, with the one next thing on top."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from badges.achievements import service as achievements
from badges.pathways.rules import MissingKind
from core.identity import Role
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.path import ShownPath, Step, paths_of
from lti_tool.learning.wording import action_label, missing_text, node_title

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Line:
    """Something that is missing: a sentence, and where it is done ("" if nowhere)."""

    text: str
    url: str
    label: str
    waits: bool


@dataclass(frozen=True)
class Stone:
    """A step as the template draws it."""

    mark: str
    state: str
    title: str
    url: str
    note: str
    children: tuple[Stone, ...]


@blueprint.get("/home")
def home() -> Response:
    """Where this person's role begins."""
    who = principal()
    if who.has(Role.LEAD):
        return redirect(url_for("programme.lead"), 303)
    if who.has(Role.ADMINISTRATOR):
        return redirect(url_for("admin.connections"), 303)
    if who.has(Role.COACH) and not who.has(Role.TEACHER):
        return redirect(url_for("review.queue"), 303)
    return redirect(url_for("learning.path"), 303)


@blueprint.get("/path")
def path() -> str:
    """Every pathway of the person, or what they could begin."""
    who, now = principal(), runtime().now()
    with runtime().database.snapshot(who.scope) as session:
        shown = paths_of(session, who.person_id, now)
        begun = {path.version.achievement_id for path in shown}
        offers = [
            (version, achievements.micro_credential(version))
            for version in achievements.published(session)
            if version.achievement_id not in begun
        ]
    return render_template(
        "learning/path.html", paths=[_picture(path) for path in shown], offers=offers
    )


def _picture(path: ShownPath) -> dict[str, object]:
    stones = tuple(_stone(step, str(n), path) for n, step in enumerate(path.steps, 1))
    last = _badge_stone(path, len(stones) + 1)
    return {
        "path": path,
        "title": path.document.name,
        "overview": _overview(str(path.version.achievement_id)),
        "image": url_for("achievements.image_svg", version_id=path.version.id),
        "stones": (*stones, last),
        "met": path.met + (last.state == "done"),
        "lines": _lines(path),
    }


def _lines(path: ShownPath) -> list[Line]:
    """What is missing; where nothing is and no badge is offered, why that is so."""
    if path.result.missing or path.award:
        return [_line(path, n) for n in range(len(path.result.missing))]
    if path.of_test_student:
        return [Line(_no_badge_for_test_students(), "", "", True)]
    return [Line(_("Everything is met. Your badge is being made ready."), "", "", True)]


def _no_badge_for_test_students() -> str:
    return str(_("Test students walk the whole path, but are given no badge at its end."))


def _line(path: ShownPath, number: int) -> Line:
    missing = path.result.missing[number]
    url = _overview(missing.subject) if action_label(missing.kind) else ""
    label = action_label(missing.kind)
    if missing.kind is MissingKind.SUBMIT_EVIDENCE and path.draft:
        label = _("Continue your draft")
    if label and not url:  # a badge that only others issue
        url, label = url_for("learning.elsewhere"), _("Bring a badge")
    return Line(missing_text(missing, path.names), url, label, missing not in path.to_do)


def _stone(step: Step, mark: str, path: ShownPath) -> Stone:
    children = tuple(_stone(child, _LETTERS[n % 26], path) for n, child in enumerate(step.children))
    note = missing_text(step.missing, path.names) if step.missing else ""
    own = step.achievement == str(path.version.achievement_id)
    url = _overview(step.achievement) if step.achievement and not own else ""
    return Stone(mark, step.state, node_title(step.node, path.names), url, note, children)


def _badge_stone(path: ShownPath, number: int) -> Stone:
    """The last stone of every path: the badge itself, which the learner accepts."""
    states = {"here": "ahead", "wait": "ahead", "offered": "here", "declined": "ahead"}
    notes = {
        "offered": _("It is ready for you. Nobody else sees it until you choose."),
        "declined": _("You said no to it. You can still change your mind."),
        "signing": _("You have accepted it. It is being signed, which takes a moment."),
        "private": _("It is yours, and only you can see it."),
        "published": _("It is yours, and everybody who has its address can see it."),
        "revoked": _("Its issuer has withdrawn it."),
    }
    note = notes.get(path.stage, "")
    if path.of_test_student and path.award is None:
        note = _no_badge_for_test_students()
    url = url_for("learning.claim", award_id=path.award.id) if path.award else ""
    return Stone(
        str(number),
        states.get(path.stage, "done"),
        _("Your badge “%(name)s”", name=path.document.name),
        url,
        note,
        (),
    )


def _overview(achievement: str | None) -> str:
    try:
        found = uuid.UUID(achievement or "")
    except ValueError:
        return ""
    return url_for("evidence.overview", achievement_id=found)
