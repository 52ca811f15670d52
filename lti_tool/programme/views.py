"""The programme lead's first page. Importing this completes `blueprint`."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request, url_for

from core.identity import Role
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.programme import (  # noqa: F401 - they register themselves
    course_views,
    work_views,
)
from lti_tool.programme.accepting import views as accepting_views  # noqa: F401 - and these
from lti_tool.programme.batches import views as _giving  # noqa: F401 - they register themselves
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.catalogue import (  # noqa: F401 - they too
    draft_views,
    framework_views,
    issuer_views,
    reading_views,
)
from lti_tool.programme.endorsing import terms_views  # noqa: F401 - it registers itself
from lti_tool.programme.endorsing import views as _endorsing  # noqa: F401 - and these
from lti_tool.programme.from_lms import from_lms
from lti_tool.programme.images import logo_views, picture_views  # noqa: F401 - and they
from lti_tool.programme.issued import (  # noqa: F401 - they too
    correcting_views,
    key_views,
    renewal_views,
)
from lti_tool.programme.issued import views as _issued  # noqa: F401 - and these
from lti_tool.programme.places import PLACES
from lti_tool.programme.today import today


@blueprint.context_processor
def _places() -> dict[str, Any]:
    """`lead_places`: (name, address, whether it is this page) of every room of a lead."""
    return {
        "lead_places": [
            (label, url_for(endpoint), request.endpoint == endpoint)
            for endpoint, label in PLACES
            if endpoint in current_app.view_functions
        ]
    }


@blueprint.get("/today")
def lead() -> str:
    """What waits for the lead: unfilled review seats, work in review, offers not yet taken."""
    who = principal()
    who.require(Role.LEAD, Role.ADMINISTRATOR)
    with runtime().database.snapshot(who.scope) as session:
        seen, lms = today(session), from_lms(session, runtime().now())
    return render_template("programme/today.html", today=seen, lms=lms)


__all__ = ["blueprint"]
