"""The two pages that speak with the platform's storage: one at login, one at launch.

Each is read by people where scripts are off or the platform's page stays silent, and goes on by
itself in the blink of an eye where not.
"""

from __future__ import annotations

from flask import Response, make_response, render_template

from lti_tool.lti.launching import Begun
from lti_tool.lti.storage import Place


def keep_page(begun: Begun, place: Place) -> Response:
    """At login: have state and nonce kept, then go on to the platform's sign-in."""
    return make_response(render_template("lti/storage_keep.html", begun=begun, storage=place))


def ask_page(place: Place, *, id_token: str, state: str, window_url: str) -> Response:
    """At launch: ask for what was kept, and post the launch once more together with it."""
    return make_response(
        render_template(
            "lti/storage_ask.html",
            storage=place,
            id_token=id_token,
            state=state,
            window_url=window_url,
        )
    )
