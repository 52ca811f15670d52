"""The blueprint of the pages that lead a programme."""

from __future__ import annotations

from core.web.sessions import SessionBlueprint

blueprint = SessionBlueprint("programme", __name__)
