"""Puts LTI on an application."""

from __future__ import annotations

from flask import Flask, url_for

from core.runtime import Runtime
from keys.shared import ring_of
from lti_tool.lti import views
from lti_tool.lti.copies import views as copies
from lti_tool.lti.deep_linking import views as deep_linking
from lti_tool.lti.messages import COPIED_LINK
from lti_tool.lti.names import DEEP_LINKING_REQUEST
from lti_tool.lti.registering import views as registering_views
from lti_tool.lti.targets import Builder, Targets
from lti_tool.lti.tool import LtiTool

OWN_PAGES = {DEEP_LINKING_REQUEST: "deep_linking.pick", COPIED_LINK: "copies.ask"}


def install(app: Flask, *, targets: Targets) -> LtiTool:
    """Serve login, launch, our public keys and the links' own addresses on `app`.

    `targets` says which pages a link may open. Returns what the views share.
    """
    shared: Runtime = app.extensions["milepost"]
    tool = LtiTool.of(shared, ring_of(shared), targets)
    views.install(app, tool)
    app.register_blueprint(deep_linking.blueprint)
    app.register_blueprint(copies.blueprint)
    for message, endpoint in OWN_PAGES.items():
        targets.answer(message, _page(endpoint))
    registering_views.install(app, tool)
    return tool


def _page(endpoint: str) -> Builder:
    return lambda visit, _argument: url_for(endpoint, sid=visit.session_id)
