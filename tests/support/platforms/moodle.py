"""Moodle, as observed on 4.5: JSON under text/html, broken error bodies, wiping progress states,
409 to stamps that are not newer than its own clock's, curly paging links, HTML-encoded names.
"""

from __future__ import annotations

import html
import time
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from tests.support.hostile_platform import INSTRUCTOR, Pending
from tests.support.local_http import Answer, Request
from tests.support.platforms.base import Enrolled, Grade, Item, ScriptedPlatform, stamp_of

_SERVICES = "/mod/lti/services.php"


@dataclass
class MoodlePlatform(ScriptedPlatform):
    """A Moodle site; its issuer is its own address, and ids are small integers as strings."""

    family: ClassVar[str] = "moodle"
    page_size: ClassVar[int] = 3
    paths: ClassVar[dict[str, str]] = {
        "login": "/mod/lti/auth.php",
        "token": "/mod/lti/token.php",
        "jwks": "/mod/lti/certs.php",
        "items": f"{_SERVICES}/2/lineitems",
        "item": f"{_SERVICES}/2/lineitems/{{n}}/lineitem",
        "members": f"{_SERVICES}/CourseSection/2/bindings/3/memberships",
    }

    def items_url(self) -> str:
        return self.url("items", type_id="3")

    def item_url(self, item: Item) -> str:
        return f"{super().item_url(item)}?type_id=3"

    def claims(self, pending: Pending, **changes: Any) -> dict[str, Any]:
        """Variables that it does not know stay literal; other values are null or empty."""
        custom = {"history": "$ResourceLink.id.history", "section": "", "zone": None}
        return super().claims(pending, **{"custom": custom, **changes})

    def assistant(self, user_id: str, given: str, family: str) -> Enrolled:
        """A non-editing teacher: launches as Instructor, and is a Learner on the roster."""
        one = Enrolled(user_id, given, family, roles=(INSTRUCTOR,), roster_roles=("Learner",))
        self.people.append(one)
        return one

    def site_administrator(self, user_id: str, given: str, family: str) -> Enrolled:
        """Launches as Instructor, and is not on the roster."""
        one = Enrolled(user_id, given, family, roles=(INSTRUCTOR,), on_roster=False)
        self.people.append(one)
        return one

    def json(self, payload: Any, media_type: str = "", status: int = 200) -> Answer:
        answer = super().json(payload, "text/html; charset=utf-8", status)
        return Answer(answer.status, answer.body, answer.headers)

    def error(self, status: int, message: str) -> Answer:
        """Some error bodies are broken JSON, others a page."""
        body = b'{"status":%d,"reason":"%s","request":{' % (status, message.encode())
        return Answer(status, body, {"Content-Type": "text/html; charset=utf-8"})

    def judge_assertion(self, claims: dict[str, Any]) -> Answer | None:
        if claims["iat"] > time.time() or claims["exp"] <= time.time():
            return self.error(400, "invalid_request")
        return None

    def judge_score(self, score: dict[str, Any], item: Item) -> Answer:
        who = next((one for one in self.people if one.user_id == score["userId"]), None)
        if who is None or not who.is_learner:
            return self.error(400, "Incorrect score received")
        if item.locked:
            return self.error(500, "Could not save")
        cell = self.grade(score["userId"], item)
        if cell.stamp and stamp_of(score) <= cell.stamp:
            return self.error(409, "Refusing score with an earlier timestamp")
        if cell.stays:
            return Answer(200, headers={"Content-Type": "text/html"})
        cell.stamp = self.now()  # its own clock's, not the score's
        if "scoreGiven" not in score or score.get("gradingProgress") != "FullyGraded":
            cell.given, cell.comment = None, ""
        else:
            self.write(cell, score, item)
        return Answer(200, headers={"Content-Type": "text/html"})

    def write(self, cell: Grade, score: dict[str, Any], item: Item) -> None:
        super().write(cell, score, item)
        cell.comment = score.get("comment", "")  # an absent comment erases the old one

    def member_json(self, one: Enrolled) -> dict[str, Any]:
        found = super().member_json(one)
        roles = one.roster_roles if one.roster_roles is not None else one.roles
        encoded = {key: html.escape(found[key]) for key in ("name", "given_name", "family_name")}
        return {**found, **encoded, "roles": [role.rpartition("#")[2] for role in roles]}

    def next_url(self, request: Request, query: dict[str, str]) -> str:
        query.pop("role", None)  # forgotten
        return f"{self.server.url}{request.path}?{urlencode(query)}"

    def link(self, url: str, relation: str) -> str:
        text = f"<{html.escape(url)}>; rel=“{relation}”"
        return text.encode().decode("latin-1")  # the bytes of UTF-8, as they go over the wire

    def _refuse(self, request: Request, scopes: set[str]) -> Answer | None:
        if not request.headers.get("user-agent"):
            return Answer(403, b"<html>Forbidden</html>", {"Content-Type": "text/html"})
        return super()._refuse(request, scopes)
