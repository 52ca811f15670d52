"""The picker's pages: choose, say how each item shall be, hand it to the course.

Deep Linking 2.0. It stands in the LMS's own dialogue, so everything there is to say is said here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_timezone, ngettext
from flask_babel import gettext as _
from pylti1p3.deep_link_resource import DeepLinkResource

from core.errors import UnavailableError, UnprocessableError
from core.web.app import policy, runtime
from core.web.errors import wants_json
from core.web.sessions import SessionBlueprint, principal
from lti_tool.lti.deep_linking import picking, requests, responding
from lti_tool.lti.deep_linking.requests import Picking
from lti_tool.lti.families import origin_of
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.targets import Choice
from lti_tool.lti.tool import EXTENSION, LtiTool

blueprint = SessionBlueprint("deep_linking", __name__)


@blueprint.get("/pick")
def pick() -> ResponseReturnValue:
    """Everything that a link of this course may open."""
    visit, offered = _visit()
    faults: dict[str, Any] = {}
    try:
        picking.check_types(visit.settings)
    except UnprocessableError as error:
        faults = error.fields
    edited = [str(visit.edited)] if visit.edited else []
    return _choosing(visit, offered, edited, faults)


@blueprint.post("/pick")
def choose() -> ResponseReturnValue:
    """Take what was chosen, and ask how each shall be."""
    visit, offered = _visit()
    values = request.form.getlist("choice")
    try:
        found = picking.chosen(values, offered, visit.settings)
    except UnprocessableError as error:
        _tell_programs(error)
        return _choosing(visit, offered, values, error.fields), 422
    zone = _zone()
    typed = [picking.first_values(one, visit.settings, zone, visit.item) for one in found]
    return _filling(visit, found, typed, {})


@blueprint.post("/pick/add")
def add() -> ResponseReturnValue:
    """Hand what was picked to the course; what is wrong is said beside its field."""
    visit, offered = _visit()
    values = request.form.getlist("choice")
    try:
        found = picking.chosen(values, offered, visit.settings)
    except UnprocessableError as error:
        _tell_programs(error)
        return _choosing(visit, offered, values, error.fields), 422
    faults: dict[str, Any] = {}
    zone = _zone()
    picked = [
        picking.read(request.form, number, one, visit.settings, zone, faults)
        for number, one in enumerate(found)
    ]
    if faults:
        told = _("Something needs another look.")
        _tell_programs(UnprocessableError(told, code="item_invalid", fields=faults))
        return _filling(visit, found, _typed(len(found)), faults), 422
    with runtime().database.transaction(principal().scope) as session:
        requests.take(session, visit.request, runtime().now())
        items = responding.keep(session, visit, picked, runtime().now())
    contents = [
        responding.content(runtime().config.base_url, item, one.choice.help)
        for item, one in zip(items, picked, strict=True)
    ]
    said = ngettext("%(num)s activity added.", "%(num)s activities added.", len(items))
    return _handing_over(visit, contents, said, [item.title for item in items])


@blueprint.post("/pick/cancel")
def cancel() -> ResponseReturnValue:
    """Go back to the course with nothing."""
    visit, _offered = _visit()
    with runtime().database.transaction(principal().scope) as session:
        requests.take(session, visit.request, runtime().now())
    return _handing_over(visit, [], _("Nothing was added."), [])


def _tool() -> LtiTool:
    found: LtiTool = current_app.extensions[EXTENSION]
    return found


def _visit() -> tuple[Picking, list[Choice]]:
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        visit = requests.of_session(session, who.session_id)
        return visit, _tool().targets.choices(session, who.scope)


def _zone() -> ZoneInfo:
    return ZoneInfo(str(get_timezone() or "UTC"))


def _tell_programs(error: UnprocessableError) -> None:
    """Programs get the refusal as it is; people get their page again, with the sentences."""
    if wants_json():
        raise error


def _choosing(
    visit: Picking, offered: Sequence[Choice], values: Sequence[str], faults: dict[str, Any]
) -> str:
    return render_template(
        "lti/pick.html", offered=offered, chosen=values, settings=visit.settings, errors=faults,
        editing=visit.item is not None or visit.edited is not None,
    )  # fmt: skip


def _typed(count: int) -> list[dict[str, str]]:
    names = ("title", "maximum", "shown_in", *picking.DATES)
    return [
        {name: request.form.get(f"{name}-{number}", "") for name in names}
        for number in range(count)
    ]


def _filling(
    visit: Picking,
    found: Sequence[Choice],
    typed: Sequence[dict[str, str]],
    faults: dict[str, Any],
) -> str:
    return render_template(
        "lti/pick_items.html", items=list(zip(found, typed, strict=True)), errors=faults,
        frames=picking.frames(visit.settings), line_items=visit.settings.line_items,
        zone=str(_zone()),
    )  # fmt: skip


def _handing_over(
    visit: Picking, contents: Sequence[DeepLinkResource], said: str, titles: Sequence[str]
) -> ResponseReturnValue:
    """The page that posts the signed answer to the platform, by itself or by its button."""
    tool, platform = _tool(), _platform(visit)
    deployment = next(
        one for one in platform.deployments.values() if one.id == visit.request.deployment_id
    )
    token = responding.signed(
        tool.ring, platform, deployment.deployment_id, visit.settings, contents,
        message=said, now=runtime().now(),
    )  # fmt: skip
    url = visit.settings.return_url
    response = make_response(
        render_template(
            "lti/picked.html", url=url, token=token, titles=titles, said=said,
            platform_name=platform.name,
        )
    )  # fmt: skip
    # Only this page may post to the LMS, and only there (with redirects inside it).
    allowed = " ".join(dict.fromkeys(["'self'", origin_of(url), *platform.frame_origins]))
    response.headers["Content-Security-Policy"] = policy(g.frame_ancestors, form_action=allowed)
    return response


def _platform(visit: Picking) -> KnownPlatform:
    platform = _tool().platforms.get(visit.request.platform_id)
    placed = platform is not None and any(
        one.id == visit.request.deployment_id for one in platform.deployments.values()
    )
    if platform is None or platform.disabled or not placed:
        raise UnavailableError(
            _("The connection with your LMS has been switched off meanwhile."),
            code="platform_disabled",
        )
    return platform
