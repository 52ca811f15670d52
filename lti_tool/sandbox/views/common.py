"""What several views need: the shared object, the person signed in, and careful parameters."""

from functools import wraps
from typing import Any, NoReturn

from flask import abort, current_app, redirect, request, session, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from lti_tool.sandbox.people import COURSES, PEOPLE, Course, SandboxPerson
from lti_tool.sandbox.sandbox import Sandbox

EXTENSION = "practice-lms"
_PERSON = "person"


def the_sandbox() -> Sandbox:
    """The object behind this application."""
    sandbox: Sandbox = current_app.extensions[EXTENSION]
    return sandbox


def person_signed_in() -> SandboxPerson | None:
    """Whom this browser is signed in as, if anybody."""
    return PEOPLE.get(str(session.get(_PERSON)))


def sign_in(person: SandboxPerson) -> None:
    """Let this browser be this person from now on."""
    session.clear()
    session[_PERSON] = person.id


def sign_out() -> None:
    """Let this browser be nobody."""
    session.clear()


def needs_person(view: Any) -> Any:
    """Send a visitor who is nobody yet to the front page; else pass the person on."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        person = person_signed_in()
        if person is None:
            return redirect(url_for("pages.front", pick=1), 303)
        return view(person, *args, **kwargs)

    return guarded


def course_for(person: SandboxPerson, course_id: str) -> Course:
    """A course that the person may open; 404 where there is none, 403 where not for them."""
    course = COURSES.get(course_id)
    if course is None:
        abort(404)
    if not course.admits(person):
        abort(403)
    return course


def once_each(values: MultiDict[str, str]) -> dict[str, str]:
    """The parameters, each of which may stand once (RFC 6749, section 3.1).

    Raises:
        BadRequest: one is repeated.
    """
    repeated = [name for name, several in values.lists() if len(several) > 1]
    if repeated:
        raise BadRequest(f"A parameter is repeated: {', '.join(sorted(repeated))[:200]}.")
    return values.to_dict()


def refuse_other_sites() -> None:
    """Only our own pages may post our own forms; 403 for others."""
    origin = request.headers.get("Origin")
    fetched_from = request.headers.get("Sec-Fetch-Site", "same-origin")
    if fetched_from not in ("same-origin", "none"):
        _foreign()
    if origin is not None and origin != the_sandbox().config.base_url:
        _foreign()


def _foreign() -> NoReturn:
    abort(403)


def private(response: Response) -> Response:
    """Keep a page that holds a token or a person's data out of every cache."""
    response.headers["Cache-Control"] = "no-store"
    return response
