"""The pages people see: front page, course, activity, gradebook."""

from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lti_tool.sandbox import links, scores
from lti_tool.sandbox.claims import TARGET_FRAME
from lti_tool.sandbox.errors import NotFoundError
from lti_tool.sandbox.links import ResourceLink
from lti_tool.sandbox.people import COURSES, PEOPLE, Course, SandboxPerson
from lti_tool.sandbox.views.common import (
    course_for,
    needs_person,
    person_signed_in,
    private,
    refuse_other_sites,
    sign_in,
    sign_out,
    the_sandbox,
)
from lti_tool.sandbox.views.storage import FRAME, storage_target

pages = Blueprint("pages", __name__)

KINDS = {
    "teacher": lazy_gettext("Teacher"),
    "coach": lazy_gettext("Coach"),
    "lead": lazy_gettext("Programme lead"),
    "administrator": lazy_gettext("Administrator"),
}
PROGRESS = {
    "Initialized": lazy_gettext("Opened"),
    "Started": lazy_gettext("Started"),
    "InProgress": lazy_gettext("In progress"),
    "Submitted": lazy_gettext("Handed in"),
    "Completed": lazy_gettext("Completed"),
    "FullyGraded": lazy_gettext("Fully graded"),
    "Pending": lazy_gettext("Grading under way"),
    "PendingManual": lazy_gettext("Waits for a person to grade"),
    "Failed": lazy_gettext("Grading did not succeed"),
    "NotReady": lazy_gettext("Not ready to grade"),
}
LONGEST_MESSAGE = 1000


@pages.app_context_processor
def shared() -> dict[str, Any]:
    """What every page shows."""
    return {
        "person": person_signed_in(),
        "kinds": KINDS,
        "progress": PROGRESS,
        "language": str(get_locale() or "en").replace("_", "-"),
    }


@pages.get("/")
def front() -> Response:
    """Pick a person; or, once picked, go to one of their courses."""
    person = person_signed_in()
    mine = [course for course in COURSES.values() if person and course.admits(person)]
    with the_sandbox().store.read() as connection:
        # The copy of a course is there once it has been made.
        mine = [one for one in mine if not one.copy_of or links.in_course(connection, one.id)]
    return private(
        make_response(
            render_template(
                "sandbox/front.html",
                people=PEOPLE.values(),
                courses=mine,
                pick="pick" in request.args and person is None,
            )
        )
    )


@pages.post("/sign-in")
def become() -> Response:
    """Be the person chosen."""
    refuse_other_sites()
    person = PEOPLE.get(request.form.get("person", ""))
    if person is None:
        abort(400, _("Nobody here has that number. Pick a person from the front page."))
    sign_in(person)
    return redirect(url_for("pages.front"), 303)


@pages.post("/sign-out")
def leave() -> Response:
    """Be nobody again."""
    refuse_other_sites()
    sign_out()
    return redirect(url_for("pages.front"), 303)


@pages.get("/courses/<course_id>")
@needs_person
def course_page(person: SandboxPerson, course_id: str) -> Response:
    """A course and the activities it offers."""
    course = course_for(person, course_id)
    with the_sandbox().store.read() as connection:
        offered = links.in_course(connection, course.id)
    page = render_template(
        "sandbox/course.html",
        course=course,
        links=offered,
        leads=course.leads(person),
        copy=next((one for one in COURSES.values() if one.copy_of == course.id), None),
    )
    return private(make_response(page))


@pages.get("/courses/<course_id>/gradebook")
@needs_person
def gradebook(person: SandboxPerson, course_id: str) -> Response:
    """Everybody's grades, or for a learner their own."""
    course = course_for(person, course_id)
    leads = course.leads(person)
    with the_sandbox().store.read() as connection:
        book = scores.gradebook(connection, course, None if leads else person)
    page = render_template("sandbox/gradebook.html", course=course, book=book, leads=leads)
    return private(make_response(page))


def link_for(person: SandboxPerson, link_id: str) -> tuple[ResourceLink, Course]:
    """A link that the person may open, and its course; 404 or 403 otherwise."""
    try:
        with the_sandbox().store.read() as connection:
            link = links.get(connection, link_id)
    except NotFoundError:
        abort(404)
    return link, course_for(person, link.course_id)


@pages.get("/links/<link_id>")
@needs_person
def activity(person: SandboxPerson, link_id: str) -> Response:
    """An activity shown in the page: the tool in a frame, storage beside it where asked for."""
    link, course = link_for(person, link_id)
    asked = request.args.get("storage", "")
    more: dict[str, Any] = {"storage": asked} if storage_target(asked) else {}
    page = render_template(
        "sandbox/activity.html",
        course=course,
        link=link,
        frame_address=url_for("launch.start", link_id=link.id, target=TARGET_FRAME, **more),
        storage=asked,
        storage_frame=FRAME,
        tool_origin=the_sandbox().config.tool_base_url,
    )
    return private(make_response(page))


@pages.get("/links/<link_id>/return")
@needs_person
def came_back(person: SandboxPerson, link_id: str) -> Response:
    """Where a tool sends people who have finished (LTI 1.3 Core, section 5.4.4)."""
    link, course = link_for(person, link_id)
    page = render_template(
        "sandbox/returned.html",
        course=course,
        link=link,
        message=request.args.get("lti_msg", "")[:LONGEST_MESSAGE],
        error=request.args.get("lti_errormsg", "")[:LONGEST_MESSAGE],
    )
    return private(make_response(page))
