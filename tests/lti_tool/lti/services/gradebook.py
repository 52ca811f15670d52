"""A platform's token endpoint and gradebook over real HTTP, as strict as Moodle."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt

from tests.support.local_http import Answer, LocalServer, Request

AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
SCOPES = [f"https://purl.imsglobal.org/spec/lti-ags/scope/{name}"
          for name in ("score", "lineitem", "lineitem.readonly")]  # fmt: skip
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"


@dataclass
class Gradebook:
    """Keeps the newest score per person; `answers` are given first, before it behaves."""

    server: LocalServer
    public_keys: Callable[[], dict[str, Any]]
    answers: list[Answer] = field(default_factory=list)
    token_answers: list[Answer] = field(default_factory=list)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    received: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    assertions: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    granted: list[str] = field(default_factory=lambda: list(SCOPES))
    expires_in: Any = 3600

    def __post_init__(self) -> None:
        self.server.routes["/token"] = self.token
        self.server.routes["/items/1/lineitem/scores"] = self.score
        self.server.routes["/items"] = self.container

    @property
    def claim(self) -> dict[str, Any]:
        """The launch's AGS claim with a line item."""
        return {AGS: {"scope": SCOPES, "lineitems": f"{self.server.url}/items?type_id=3",
                      "lineitem": f"{self.server.url}/items/1/lineitem?type_id=3"}}  # fmt: skip

    @property
    def claim_without_item(self) -> dict[str, Any]:
        """The launch's AGS claim where nobody has made a line item yet."""
        return {AGS: {"scope": SCOPES, "lineitems": f"{self.server.url}/items?type_id=3"}}

    def token(self, request: Request) -> Answer:
        if self.token_answers:
            return self.token_answers.pop(0)
        assertion = request.form["client_assertion"]
        header = jwt.get_unverified_header(assertion)
        [jwk] = [key for key in self.public_keys()["keys"] if key["kid"] == header["kid"]]
        claims = jwt.decode(
            assertion, jwt.PyJWK(jwk).key, algorithms=["RS256"], audience=f"{self.server.url}/token"
        )
        self.assertions.append(claims)
        token = f"token-{len(self.assertions)}"
        self.tokens = {token}
        scopes = [scope for scope in request.form["scope"].split() if scope in self.granted]
        body = {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in,
                "scope": " ".join(scopes)}  # fmt: skip
        # Moodle says text/html.
        return Answer(body=json.dumps(body).encode(), headers={"Content-Type": "text/html"})

    def allowed(self, request: Request) -> bool:
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens

    def score(self, request: Request) -> Answer:
        if self.answers:
            return self.answers.pop(0)
        if not self.allowed(request):
            return Answer(401)
        if request.headers["content-type"] != "application/vnd.ims.lis.v1.score+json":
            return Answer(415)
        score = json.loads(request.body)
        self.received.append({**score, "query": request.query})
        kept = self.scores.get(score["userId"])
        if kept and stamp(score) <= stamp(kept):
            return Answer(409)
        self.scores[score["userId"]] = score
        return Answer(200)

    def container(self, request: Request) -> Answer:
        if self.answers:
            return self.answers.pop(0)
        if not self.allowed(request):
            return Answer(401)
        if request.method == "GET":
            if request.headers.get("accept") != LINE_ITEMS_TYPE:
                return Answer(406)
            return Answer(body=json.dumps(self.items).encode())
        if request.headers.get("content-type") != LINE_ITEM_TYPE:
            return Answer(415)
        item = {**json.loads(request.body), "id": f"{self.server.url}/items/1/lineitem?type_id=3"}
        self.items.append(item)
        return Answer(201, json.dumps(item).encode())


def stamp(score: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(score["timestamp"])
