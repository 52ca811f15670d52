"""Canvas: one issuer for all schools, submissions by an extension, 400 to an older timestamp."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from tests.support.local_http import Answer
from tests.support.platforms.base import Grade, Item, ScriptedPlatform, stamp_of

ISSUER = "https://canvas.instructure.com"
BETA_ISSUER = "https://canvas.beta.instructure.com"
SUBMISSION = "https://canvas.instructure.com/lti/submission"


@dataclass
class CanvasPlatform(ScriptedPlatform):
    """A Canvas account; `issuer` is Canvas' own (or beta's), its addresses are this machine's."""

    family: ClassVar[str] = "canvas"
    page_size: ClassVar[int] = 50
    paths: ClassVar[dict[str, str]] = {
        "login": "/api/lti/authorize_redirect",
        "token": "/login/oauth2/token",
        "jwks": "/api/lti/security/jwks",
        "items": "/api/lti/courses/1/line_items",
        "item": "/api/lti/courses/1/line_items/{n}",
        "members": "/api/lti/courses/1/names_and_roles",
    }

    def judge_score(self, score: dict[str, Any], item: Item) -> Answer:
        who = next((one for one in self.people if one.user_id == score["userId"]), None)
        if who is None or not who.is_learner:
            return self.json(
                {"errors": {"type": "unprocessable_entity",
                            "message": "User not found in course or is not a student"}}, status=422,
            )  # fmt: skip
        cell = self.grade(score["userId"], item)
        if cell.stamp and stamp_of(score) <= cell.stamp:
            return self.json(
                {"errors": {"type": "bad_request",
                            "message": "Provided timestamp before last updated timestamp"}},
                status=400,
            )  # fmt: skip
        cell.stamp = stamp_of(score)
        self._submit(cell, score)
        self.write(cell, score, item)
        return self.json({"resultUrl": f"{self.item_url(item)}/results/{score['userId']}"})

    def _submit(self, cell: Grade, score: dict[str, Any]) -> None:
        """Without `new_submission: false` every score is one attempt more."""
        told = score.get(SUBMISSION, {})
        if told.get("new_submission", True):
            cell.attempts += 1
            if told:
                datetime.fromisoformat(told["submitted_at"])
                cell.submission = dict(told)

    def result_json(self, item: Item, user_id: str, cell: Grade) -> dict[str, Any]:
        found = super().result_json(item, user_id, cell)
        del found["comment"]
        return found
