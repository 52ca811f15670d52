"""Moving a revision from state to state, as the rules of review allow."""

from __future__ import annotations

from lti_tool.evidence.models import Revision
from lti_tool.review.rules import RevisionState, can_move_revision


def move(revision: Revision, to: RevisionState) -> None:
    """Set the state. RuntimeError for a move that the rules do not know: a programmer's fault."""
    old = RevisionState(revision.state)
    if not can_move_revision(old, to):
        raise RuntimeError(f"a revision does not go from {old.value} to {to.value}")
    revision.state = to.value
