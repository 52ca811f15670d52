"""Take it with you: what the archive holds, and the archive itself, sent as it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import quote

from flask import Response, render_template, stream_with_context
from flask_babel import gettext as _

from badges.public.mounting import shared
from core import audit, quotas
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.learning.archive.contents import archive_of
from lti_tool.learning.archive.names import plain
from lti_tool.learning.archive.paper import paper
from lti_tool.learning.archive.zipping import Entry, stream
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.own import own_person

PER_PERSON: Final = quotas.Limit("archive, person", 12, timedelta(hours=1))


@blueprint.get("/archive")
def archive() -> str:
    """What would be in it."""
    who, images = principal(), shared().images
    with runtime().database.snapshot(who.scope) as session:
        found = archive_of(session, runtime(), images, who.person_id, runtime().now())
    return render_template("learning/archive.html", found=found)


@blueprint.get("/archive.zip")
def archive_file() -> Response:
    """The archive. It is put together while it is sent, so that any size fits."""
    who, now, images = principal(), runtime().now(), shared().images
    with runtime().database.transaction(who.scope) as session:
        quotas.demand(session, runtime().config.master_key, PER_PERSON, str(who.person_id), now)
        person = own_person(session, who.person_id)
        audit.record(
            session, owner=person, actor_id=who.person_id, about_id=who.person_id,
            action="archive.taken", subject=person, now=now,
        )  # fmt: skip
    with runtime().database.snapshot(who.scope) as session:
        found = archive_of(session, runtime(), images, who.person_id, now)
    entries = (Entry.of(_("READ ME FIRST") + ".txt", paper(found, now), now), *found.entries)
    response = Response(stream_with_context(stream(entries)), mimetype="application/zip")
    name = f"{plain(found.person.name or '', 'badges')}-{now:%Y-%m-%d}.zip"
    ascii_name = f"badges-{now:%Y-%m-%d}.zip"
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response
