"""How a badge looks: a drawing of ours with a live preview, or a picture of one's own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from badges.achievements import service as achievements
from badges.achievements.document import ICONS, TEMPLATES
from badges.achievements.images import Picture, Received, icon_svg, pictures, receive
from badges.achievements.images.uploads import LEAST_BADGE, LEFT_OUT_WORDS, MOST_BYTES
from badges.achievements.models import AchievementVersion
from badges.public.negotiation import DRAWING_POLICY
from core.errors import ConflictError, NotFoundError, TooLargeError, UnprocessableError
from core.web.app import runtime
from core.web.bodies import take_files
from core.web.sessions import principal
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.catalogue import authority
from lti_tool.programme.images import choices, publishing, words
from lti_tool.programme.images.choices import Shown, Typed

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def _too_large(size: int) -> TooLargeError:
    return TooLargeError(
        _(
            "This file has %(size)s MB; at most %(most)d MB can be taken. Save the picture"
            " smaller: badges are shown at 600 by 600 pixels.",
            size=f"{size / 1e6:.1f}",
            most=4,
        ),
        code="picture_too_large",
    )


take_files(
    blueprint,
    {
        "programme.own_achievement_image": "programme.achievement_image",
        "programme.own_issuer_image": "programme.issuer_image",
    },
    most=MOST_BYTES,
    too_large=_too_large,
)


@blueprint.get("/micro-credentials/<uuid:achievement_id>/image")
def achievement_image(achievement_id: uuid.UUID) -> str:
    """The picture as it is, and what it could be."""
    current = _current(achievement_id)
    own = request.args.get("own", "")
    left_out = tuple(request.args.get("left", "").split(",")) if own else ()
    return _page(current, own=own if kept_picture(own) else "", left_out=left_out)


@blueprint.post("/micro-credentials/<uuid:achievement_id>/image")
def save_achievement_image(achievement_id: uuid.UUID) -> ResponseReturnValue:
    """Show what was chosen, or publish it; `own` is the SHA-256 of a picture of one's own."""
    current, typed = _current(achievement_id), Typed.posted(request.form)
    if request.form.get("do") != "publish":
        # A drawing that cannot be made is no fault of sending: it is told and nothing is lost.
        return _page(current, typed=typed)
    own = request.form.get("own", "")
    made = achievements.micro_credential(current)
    if own:
        kept_picture(own, required=True)
        choice = replace(made.image, upload=own)
    else:
        choice, faults = typed.read()
        if faults:
            return _page(current, typed=typed), 422
    try:
        version = _publish(achievement_id, choice)
    except ConflictError as error:
        return _page(
            _current(achievement_id), typed=typed if not own else None, own=own,
            faults={"": str(error.message)},
        ), 409  # fmt: skip
    if version is None:
        flash(_("That is the picture it has already, so nothing was published."))
    else:
        flash(
            _("%(name)s has its picture, as version %(n)d.", name=made.name, n=version.number),
            "good",
        )
    return redirect(url_for("programme.achievement_image", achievement_id=achievement_id), 303)


@blueprint.get("/micro-credentials/<uuid:achievement_id>/image/preview")
def preview_achievement_image(achievement_id: uuid.UUID) -> ResponseReturnValue:
    """The drawing for <mp-preview>: `image` and `note`, or a `message` that says what keeps it."""
    found, faults = choices.shown(Typed.posted(request.args), _current(achievement_id))
    if found is None:
        return jsonify(message=" ".join(faults.values()))
    return jsonify(image=found.image, note=found.note)


@blueprint.post("/micro-credentials/<uuid:achievement_id>/image/own")
def own_achievement_image(achievement_id: uuid.UUID) -> ResponseReturnValue:
    """Take in a picture, clean it and show it. It is published by the next step."""
    current = _current(achievement_id)
    here = url_for("programme.achievement_image", achievement_id=achievement_id)
    return take_in(
        here, lambda faults: _page(current, faults=faults), least=LEAST_BADGE, square=True
    )


@blueprint.get("/pictures/<sha256>")
def picture(sha256: str) -> Response:
    """A clean picture, shown to leads before it is used."""
    authority.require_lead(principal())
    found = kept_picture(sha256)
    if found is None:
        raise _no_picture()
    answer = Response(found.data, mimetype=found.media_type)
    answer.headers["Cache-Control"] = "private, max-age=3600"
    answer.headers["Content-Security-Policy"] = DRAWING_POLICY
    return answer


def take_in(
    here: str, page: Callable[[dict[str, str]], str], *, least: int, square: bool
) -> ResponseReturnValue:
    """Clean and store the posted picture, and show it at `here`; or `page` with what is wrong."""
    try:
        received = _received(least=least, square=square)
    except UnprocessableError as error:
        return page({name: str(text) for name, text in error.fields.items()}), 422
    found = {"own": received.picture.sha256, "left": ",".join(received.left_out)}
    query = urlencode({name: text for name, text in found.items() if text})
    return redirect(f"{here}?{query}", 303)


def _received(*, least: int, square: bool) -> Received:
    sent = request.files.get("picture")
    data = sent.read(MOST_BYTES + 1) if sent is not None and sent.filename else b""
    if not data:
        message = _("Choose a picture first: a PNG or an SVG.")
        raise UnprocessableError(message, code="picture_refused", fields={"picture": message})
    received = receive(data, least=least, square=square)
    pictures.keep(runtime().files, received.picture)
    return received


def told(left_out: tuple[str, ...]) -> list[str]:
    """What was left out of an upload, in words; what the address makes up is passed over."""
    return [str(LEFT_OUT_WORDS[code]) for code in left_out if code in LEFT_OUT_WORDS]


def kept_picture(digest: str, *, required: bool = False) -> Picture | None:
    """The clean picture with this SHA-256; None, or NotFoundError where `required`."""
    found = pictures.find(runtime().files, digest) if _DIGEST.fullmatch(digest) else None
    if found is None and required:
        raise _no_picture()
    return found


def _no_picture() -> NotFoundError:
    return NotFoundError(
        _("This picture is not here any more."),
        code="picture_unknown",
        advice=_("Pictures that nobody uses are removed after a day. Choose yours once more."),
    )


def _current(achievement_id: uuid.UUID) -> AchievementVersion:
    who = principal()
    authority.require_lead(who)
    with runtime().database.snapshot(who.scope) as session:
        current = achievements.current(session, achievement_id)
    authority.require_manager(who, current.achievement)
    return current


def _publish(achievement_id: uuid.UUID, choice: Any) -> AchievementVersion | None:
    who, shared = principal(), runtime()
    try:
        seen = uuid.UUID(request.form.get("version", ""))
    except ValueError:
        seen = None
    with shared.database.transaction(who.scope) as session:
        return publishing.publish_image(
            session, achievement_id, choice, seen=seen, actor_id=who.person_id, now=shared.now()
        )


def _page(
    current: AchievementVersion,
    *,
    typed: Typed | None = None,
    own: str = "",
    left_out: tuple[str, ...] = (),
    faults: dict[str, str] | None = None,
) -> str:
    """`typed` is what was sent, None for what is published; `own` a picture that may be used."""
    made = achievements.micro_credential(current)
    fields = typed or Typed.of(made.image)
    drawn, found = choices.shown(fields, current)
    accent = fields.accent if "accent" not in found else made.image.accent
    return render_template(
        "programme/images/achievement.html",
        current=current,
        made=made,
        typed=fields,
        drawn=drawn or Shown(""),
        thumbnails=choices.thumbnails(fields, current, TEMPLATES),
        templates=words.TEMPLATES,
        icons=[(name, words.ICONS[name], Markup(icon_svg(name, accent))) for name in ICONS],  # noqa: S704 - our own drawings
        pairs=words.PAIRS,
        own=own,
        left_out=told(left_out),
        image_now=url_for("achievements.image_svg", version_id=current.id),
        errors={**found, **(faults or {})},
    )
