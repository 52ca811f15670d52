"""The blueprint of the review pages."""

from __future__ import annotations

from core.web.sessions import SessionBlueprint

bp = SessionBlueprint("review", __name__)
