"""Puts LTI on an application."""

from __future__ import annotations

from flask import Flask

from core.runtime import Runtime
from keys.shared import ring_of
from lti_tool.lti import views
from lti_tool.lti.targets import Targets
from lti_tool.lti.tool import LtiTool


def install(app: Flask, *, targets: Targets) -> LtiTool:
    """Serve login, launch, our public keys and the links' own addresses on `app`.

    `targets` says which pages a link may open. Returns what the views share.
    """
    shared: Runtime = app.extensions["milepost"]
    tool = LtiTool.of(shared, ring_of(shared), targets)
    views.install(app, tool)
    return tool
