"""The blueprint that all of a learner's pages belong to."""

from __future__ import annotations

from core.web.sessions import SessionBlueprint

blueprint = SessionBlueprint("learning", __name__)
