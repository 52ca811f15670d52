"""What other rooms may ask of evidence."""

from __future__ import annotations

from lti_tool.evidence.assignments import assignment_for, policy_of
from lti_tool.evidence.drafts import add_file, add_link, remove_item, save, start
from lti_tool.evidence.reading import events, latest_of, own_revision, own_submission, revisions
from lti_tool.evidence.sending import NotReadyError, fingerprint, revise
from lti_tool.evidence.uploads import ReceivedFile, receive

__all__ = [
    "NotReadyError", "ReceivedFile", "add_file", "add_link", "assignment_for", "events",
    "fingerprint", "latest_of", "own_revision", "own_submission", "policy_of", "receive",
    "remove_item", "revise", "revisions", "save", "start",
]  # fmt: skip
