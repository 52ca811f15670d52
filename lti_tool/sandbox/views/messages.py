"""The picker, work opened from the gradebook, data privacy, and duplicating a course."""

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from lti_tool.sandbox import line_items, picking
from lti_tool.sandbox import messages as sandbox_messages
from lti_tool.sandbox.claims import TARGET_FRAME, TARGET_WINDOW, TARGETS
from lti_tool.sandbox.errors import ServiceError
from lti_tool.sandbox.people import COURSES, PEOPLE, Course, SandboxPerson
from lti_tool.sandbox.views.common import (
    course_for,
    needs_person,
    private,
    refuse_other_sites,
    the_sandbox,
)
from lti_tool.sandbox.vocabulary import (
    DATA_PRIVACY_REQUEST,
    DEEP_LINKING_REQUEST,
    SUBMISSION_REVIEW_REQUEST,
)

messages = Blueprint("messages", __name__)


def _led(person: SandboxPerson, course_id: str) -> Course:
    course = course_for(person, course_id)
    if not course.leads(person):
        abort(403)
    return course


def _passing_on(hint: str, title: str) -> Response:
    """The page that posts the login of a message that has been begun."""
    sandbox = the_sandbox()
    url, params = sandbox.initiation_of(hint)
    page = render_template("sandbox/posting.html", url=url, fields=params, title=title)
    return private(make_response(page))


@messages.get("/courses/<course_id>/add")
@needs_person
def add(person: SandboxPerson, course_id: str) -> Response:
    """Add activities from the tool: its picker in a frame."""
    course = _led(person, course_id)
    page = render_template(
        "sandbox/add.html",
        course=course,
        frame_address=url_for("messages.start_picking", course_id=course.id),
    )
    return private(make_response(page))


@messages.get("/courses/<course_id>/add/start")
@needs_person
def start_picking(person: SandboxPerson, course_id: str) -> Response:
    """Send the browser to the tool's login, for its picker."""
    course = _led(person, course_id)
    target = request.args.get("target", TARGET_FRAME)
    if target not in TARGETS:
        abort(400, _("An activity opens in a frame or a window, by post or get."))
    sandbox = the_sandbox()
    with sandbox.store.write() as connection:
        hint = sandbox_messages.begin(
            connection, DEEP_LINKING_REQUEST, person.id, sandbox.clock(),
            course_id=course.id, target=target,
        )  # fmt: skip
    return _passing_on(hint, _("Opening the picker"))


@messages.post("/courses/<course_id>/picked")
def picked(course_id: str) -> Response:
    """Take what was picked. Posted from the tool's site, so only its signature says who asks."""
    sandbox, course = the_sandbox(), COURSES.get(course_id)
    if course is None:
        abort(404)
    try:
        claims = picking.read(request.form.get("JWT", ""), sandbox.config, sandbox.tool_keys)
        with sandbox.store.write() as connection:
            titles = picking.take(connection, claims, course, sandbox.clock())
    except ServiceError as error:
        raise BadRequest(error.message) from error
    page = render_template("sandbox/picked.html", course=course, titles=titles)
    return private(make_response(page))


@messages.get("/courses/<course_id>/work/<int(max=2147483647):item_id>/<user_id>")
@needs_person
def review(person: SandboxPerson, course_id: str, item_id: int, user_id: str) -> Response:
    """Open a learner's work from the gradebook."""
    course = _led(person, course_id)
    if user_id not in PEOPLE or not course.is_learner(user_id):
        abort(404)
    sandbox = the_sandbox()
    with sandbox.store.write() as connection:
        try:
            item = line_items.get(connection, course.id, item_id)
        except ServiceError:
            abort(404)
        hint = sandbox_messages.begin(
            connection, SUBMISSION_REVIEW_REQUEST, person.id, sandbox.clock(), course_id=course.id,
            link_id=item.resource_link_id or "", line_item_id=item.id, about_id=user_id,
            target=TARGET_WINDOW,
        )  # fmt: skip
    return _passing_on(hint, _("Opening the work"))


@messages.get("/privacy")
@needs_person
def privacy(person: SandboxPerson) -> Response:
    """Ask the tool what it keeps about oneself."""
    sandbox = the_sandbox()
    with sandbox.store.write() as connection:
        hint = sandbox_messages.begin(
            connection, DATA_PRIVACY_REQUEST, person.id, sandbox.clock(),
            about_id=person.id, target=TARGET_WINDOW,
        )  # fmt: skip
    return _passing_on(hint, _("Opening your data"))


@messages.post("/courses/<course_id>/duplicate")
@needs_person
def duplicate(person: SandboxPerson, course_id: str) -> Response:
    """Duplicate a course with its activities, as for a new year."""
    refuse_other_sites()
    course = _led(person, course_id)
    into = next((one for one in COURSES.values() if one.copy_of == course.id), None)
    if into is None:
        abort(404)
    with the_sandbox().store.write() as connection:
        picking.duplicate(connection, course, into)
    return redirect(url_for("pages.course_page", course_id=into.id), 303)
