"""The administrator's page of tools, and what a tool talks to when it registers itself.

IMS LTI Dynamic Registration 1.0. Each variant has a configuration of its own, told apart by its
address.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lti_tool.sandbox import ags_rules, registering
from lti_tool.sandbox.errors import NotFoundError, ServiceError
from lti_tool.sandbox.people import SandboxPerson
from lti_tool.sandbox.registering import CANVAS, MOODLE, VARIANTS
from lti_tool.sandbox.views.common import needs_person, private, refuse_other_sites, the_sandbox
from lti_tool.sandbox.views.services import as_json, configuration
from lti_tool.sandbox.vocabulary import (
    CANVAS_EXTENSION,
    DEEP_LINKING_REQUEST,
    PLATFORM_CONFIGURATION,
    RESOURCE_LINK_REQUEST,
)

tools = Blueprint("tools", __name__)

VARIABLES = ("Context.id", "Context.title", "Context.id.history", "ResourceLink.id")
LINK_HISTORY = "ResourceLink.id.history"
_FAMILIES = {MOODLE: "moodle", CANVAS: "canvas"}


def needs_administrator(view: Any) -> Any:
    """Only who looks after the whole LMS; 403 for others."""

    @needs_person
    @wraps(view)
    def guarded(person: SandboxPerson, *args: Any, **kwargs: Any) -> Any:
        if not person.is_administrator:
            abort(403)
        return view(*args, **kwargs)

    return guarded


@tools.get("/tools")
@needs_administrator
def index() -> Response:
    """The tools that registered themselves, and a way to add one."""
    sandbox = the_sandbox()
    with sandbox.store.read() as connection:
        found = registering.every(connection)
    offered = sandbox.links()
    page = render_template(
        "sandbox/tools.html",
        tools=found,
        link=offered[-1] if offered else None,
        variants=VARIANTS,
        variant_names=variant_names(),
        tool_origin=sandbox.config.tool_base_url,
        done="done" in request.args,
    )
    return private(make_response(page))


@tools.post("/tools/add")
@needs_administrator
def add() -> Response:
    """Open the tool's registration link in a frame, with an address and a token of ours."""
    refuse_other_sites()
    sandbox = the_sandbox()
    link, variant = request.form.get("link", "").strip(), request.form.get("variant", MOODLE)
    if not link.startswith(f"{sandbox.config.tool_base_url}/"):
        abort(400, _("Paste a link that begins with %(url)s/", url=sandbox.config.tool_base_url))
    try:
        with sandbox.store.write() as connection:
            token = registering.mint_token(connection, variant, sandbox.clock())
    except NotFoundError:
        abort(400, _("Choose one of the kinds of LMS that are offered."))
    told = {
        "openid_configuration": _configuration_url(variant),
        "registration_token": token,
    }
    page = render_template(
        "sandbox/tool_adding.html",
        frame_address=f"{link}{'&' if '?' in link else '?'}{urlencode(told)}",
        tool_origin=sandbox.config.tool_base_url,
        back=url_for("tools.index", done=1),
    )
    return private(make_response(page))


@tools.post("/tools/<client_id>/activate")
@needs_administrator
def activate(client_id: str) -> Response:
    """Switch a tool on."""
    return _change(registering.activate, client_id)


@tools.post("/tools/<client_id>/delete")
@needs_administrator
def delete(client_id: str) -> Response:
    """Forget a tool."""
    return _change(registering.delete, client_id)


@tools.get("/registration/<variant>/openid-configuration")
def openid_configuration(variant: str) -> Response:
    """What the LMS says of itself to a tool that is about to register."""
    sandbox = the_sandbox()
    with sandbox.store.read() as connection:
        made_for = registering.variant_of(
            connection, request.headers.get("Authorization"), sandbox.clock()
        )
    if variant != made_for:
        raise ServiceError(404, "not_found", "This token is for another configuration.")
    return as_json(_document(variant))


@tools.post("/registration")
def register() -> Response:
    """Take a tool in (RFC 7591, section 3)."""
    sandbox, sent = the_sandbox(), ags_rules.parse_object(request.get_data())
    with sandbox.store.write() as connection:
        tool = registering.register(
            connection, sandbox.config, request.headers.get("Authorization"), sent, sandbox.clock()
        )
    answer = registering.answer_of(tool)
    if tool.variant == MOODLE:
        return as_json(answer, "text/html; charset=utf-8")
    return as_json(answer, status=201)


def variant_names() -> dict[str, str]:
    """How the page calls the kinds of LMS that this one can be."""
    return {
        "moodle": _("as Moodle does: it says its deployment, and updates a tool that comes again"),
        "canvas": _("as Canvas does: with placements, and without a deployment"),
        "plain": _("by the standard alone"),
    }


def _change(step: Callable[[Any, str], None], client_id: str) -> Response:
    refuse_other_sites()
    try:
        with the_sandbox().store.write() as connection:
            step(connection, client_id)
    except NotFoundError:
        abort(404)
    return redirect(url_for("tools.index"), 303)


def _configuration_url(variant: str) -> str:
    return f"{the_sandbox().config.base_url}/registration/{variant}/openid-configuration"


def _document(variant: str) -> dict[str, Any]:
    found = configuration()
    about: dict[str, Any] = {
        **found[PLATFORM_CONFIGURATION],
        "product_family_code": _FAMILIES.get(
            variant, found[PLATFORM_CONFIGURATION]["product_family_code"]
        ),
        "variables": list(VARIABLES),
    }
    if variant == CANVAS:
        about["messages_supported"] = [
            {
                "type": RESOURCE_LINK_REQUEST,
                "placements": ["course_navigation", "account_navigation"],
            },
            {
                "type": DEEP_LINKING_REQUEST,
                "placements": ["link_selection", "assignment_selection"],
            },
        ]
        about[f"{CANVAS_EXTENSION}account_name"] = "Alder Valley practice account"
        about["variables"] = [*VARIABLES, LINK_HISTORY]
        found["authorization_server"] = "practice-lms"
    elif variant == MOODLE:
        about["messages_supported"] = [
            {"type": RESOURCE_LINK_REQUEST},
            {"type": DEEP_LINKING_REQUEST, "placements": ["ContentArea"]},
        ]
    registration = f"{the_sandbox().config.base_url}/registration"
    return {**found, "registration_endpoint": registration, PLATFORM_CONFIGURATION: about}
