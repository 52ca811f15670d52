"""The blueprint of the evidence pages, and what its views share."""

from __future__ import annotations

import uuid
from datetime import datetime

from flask import request
from flask_babel import gettext as _

from core.errors import TooLargeError
from core.numbers import whole
from core.web.app import runtime
from core.web.bodies import room_for
from core.web.i18n import filesize
from core.web.sessions import Principal, SessionBlueprint

bp = SessionBlueprint("evidence", __name__)
UPLOADS = ("evidence.upload",)
FORM_ROOM = 1024 * 1024


@bp.url_value_preprocessor
def _room_for_uploads(endpoint: str | None, _values: object) -> None:
    """Only the upload route takes large bodies; this runs before anything reads the form."""
    if endpoint not in UPLOADS:
        return
    room_for(runtime().config.upload_max_bytes + FORM_ROOM, too_large)


def too_large(size: int) -> TooLargeError:
    """The refusal of a file, with both sizes."""
    return TooLargeError(
        _(
            "This file is %(size)s; the limit is %(limit)s. Split it, or add a link instead.",
            size=filesize(size),
            limit=filesize(runtime().config.upload_max_bytes),
        ),
        code="file_too_large",
    )


def typed(prefix: str) -> dict[str, str]:
    """The fields whose names begin with `prefix`, by the rest of their names."""
    return {
        name.removeprefix(prefix): value
        for name, value in request.form.items()
        if name.startswith(prefix)
    }


def posted_version() -> int | None:
    """The version the page was loaded with; None if it was not sent or is no number."""
    return whole(request.form.get("version", ""))


def resource_link(who: Principal, achievement_id: uuid.UUID) -> str | None:
    """The visit's resource link, if it was made for this micro-credential."""
    target = who.data.get("target") or {}
    made_for_this = target.get("kind") == "micro-credential" and target.get("argument") == str(
        achievement_id
    )
    link = who.data.get("resource_link_id")
    return str(link) if link and made_for_this else None


def dates(who: Principal, achievement_id: uuid.UUID) -> dict[str, datetime]:
    """When the visit's activity is open and its evidence due, as far as somebody chose so.

    `opens_at`, `closes_at`, `due_from` and `due_until`, each where it was chosen.
    """
    if resource_link(who, achievement_id) is None:
        return {}
    told = who.data.get("dates") or {}
    return {name: datetime.fromisoformat(text) for name, text in told.items()}
