"""The launch: login initiation and the authorization endpoint.

LTI Security Framework 1.0, section 5.1.1. Forms post themselves by a small script, and by a
button where scripts are off.
"""

from urllib.parse import urlencode

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from lti_tool.sandbox.claims import TARGET_WINDOW, TARGETS
from lti_tool.sandbox.errors import AuthorizationRefusedError
from lti_tool.sandbox.people import SandboxPerson
from lti_tool.sandbox.views.common import (
    needs_person,
    once_each,
    person_signed_in,
    private,
    the_sandbox,
)
from lti_tool.sandbox.views.pages import link_for
from lti_tool.sandbox.views.storage import storage_target

launch = Blueprint("launch", __name__)

REPOSTED = "repost"
REFUSALS = {
    "client_unknown": lazy_gettext(
        "The request names a client_id that is not registered here, so there is nobody to answer "
        "to. Compare it with the tool's registration."
    ),
    "redirect_uri_unknown": lazy_gettext(
        "The request names a redirect_uri that is not registered for this tool, so nothing was "
        "sent to it."
    ),
}


@launch.get("/links/<link_id>/start")
@needs_person
def start(person: SandboxPerson, link_id: str) -> Response:
    """Send the browser to the tool's login, by POST as Moodle does, or by GET where asked."""
    link, _course = link_for(person, link_id)
    target = request.args.get("target", TARGET_WINDOW)
    method = request.args.get("method", "post")
    if target not in TARGETS or method not in ("post", "get"):
        abort(400, _("An activity opens in a frame or a window, by post or get."))
    offered = storage_target(request.args.get("storage", ""))
    client = request.args.get("client")
    begun = the_sandbox().make_initiation(person.id, link.id, target=target, client_id=client)
    params = {**begun.params, **({"lti_storage_target": offered} if offered else {})}
    if method == "get":
        return private(redirect(f"{begun.url}?{urlencode(params)}", 302))
    return _posting(begun.url, params, _("Opening %(title)s", title=link.title))


@launch.route("/auth", methods=["GET", "POST"])
def authorize() -> Response:
    """The authorization endpoint (OpenID Connect Core 1.0, section 3.2.2)."""
    params = once_each(request.form if request.method == "POST" else request.args)
    person = person_signed_in()
    if person is None and REPOSTED not in params:
        # A frame that the tool's own page sent here carries no SameSite cookie of ours; a post
        # from our own page does.
        again = {**params, REPOSTED: "1"}
        return _posting(url_for("launch.authorize"), again, _("One moment"))
    params.pop(REPOSTED, None)
    try:
        answer = the_sandbox().authorize(params, signed_in=person.id if person else None)
    except AuthorizationRefusedError as refused:
        abort(400, REFUSALS[refused.code])
    return _posting(answer.url, answer.fields, _("Opening the activity"))


def _posting(url: str, fields: dict[str, str], title: str) -> Response:
    page = render_template("sandbox/posting.html", url=url, fields=fields, title=title)
    return private(make_response(page))
