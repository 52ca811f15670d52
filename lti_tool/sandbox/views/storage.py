"""The LMS's own storage in the browser, offered to the tool where its address asks for it.

LTI postMessage Storage 0.1. `?storage=parent` on an activity's page: the page around the tool
answers; `?storage=frame`: a frame beside the tool's, as in Canvas. Without it nothing is offered,
as in Moodle.
"""

from flask import Blueprint, abort, make_response, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lti_tool.sandbox.views.common import the_sandbox

storage = Blueprint("storage", __name__)

FRAME = "practice_storage"
TARGETS = {"": "", "parent": "_parent", "frame": FRAME}


def storage_target(asked: str) -> str:
    """The `lti_storage_target` of a launch, empty where none is offered; 400 for other words."""
    if asked not in TARGETS:
        abort(400, _("Storage is offered by the page (parent), by a frame in it, or not at all."))
    return TARGETS[asked]


@storage.get("/storage")
def frame() -> Response:
    """The frame that keeps values for the tool; it shows nothing."""
    return make_response(
        render_template("sandbox/storage.html", tool_origin=the_sandbox().config.tool_base_url)
    )
