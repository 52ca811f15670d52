"""The administrators' blueprint, and what its views share."""

from __future__ import annotations

import uuid

from flask import current_app

from core.identity import Role
from core.web.sessions import Principal, SessionBlueprint, principal
from lti_tool.lti.tool import EXTENSION, LtiTool

blueprint = SessionBlueprint("admin", __name__)


def administrator() -> Principal:
    """Who acts in this request. Raises NotAllowedError for anybody but an administrator."""
    who = principal()
    who.require(Role.ADMINISTRATOR)
    return who


def lti_tool() -> LtiTool:
    """What login and launch share in this process; it forgets what a page here changed."""
    found: LtiTool = current_app.extensions[EXTENSION]
    return found


def given_id(text: str) -> uuid.UUID | None:
    """The id in a form's field; None where there is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
