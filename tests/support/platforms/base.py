"""What every scripted platform has: people, tokens, a gradebook, a roster; by the standards."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

import jwt

from tests.support.hostile_platform import (
    CLAIM,
    INSTRUCTOR,
    LEARNER,
    MEMBERSHIP,
    HostilePlatform,
    Pending,
    changed,
)
from tests.support.local_http import Answer, LocalServer, Request

AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
_AGS_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCORE, LINE_ITEM = f"{_AGS_SCOPE}score", f"{_AGS_SCOPE}lineitem"
LINE_ITEM_READ, RESULT = f"{_AGS_SCOPE}lineitem.readonly", f"{_AGS_SCOPE}result.readonly"
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
AGS_SCOPES = [SCORE, LINE_ITEM, LINE_ITEM_READ, RESULT]

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


@dataclass
class Enrolled:
    """Somebody in the course; `roster_roles` differ from a launch's on some LMSs."""

    user_id: str
    given: str
    family: str
    roles: tuple[str, ...] = (LEARNER,)
    roster_roles: tuple[str, ...] | None = None
    status: str = "Active"
    on_roster: bool = True

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}".strip()

    @property
    def email(self) -> str:
        return f"user{self.user_id}@school.example"

    @property
    def is_learner(self) -> bool:
        return any(role.endswith("Learner") for role in self.roles)


@dataclass
class Grade:
    """A cell of the gradebook, on the item's own scale. `stays`: locked or overridden."""

    given: float | None = None
    comment: str = ""
    stamp: datetime | None = None
    stays: bool = False
    attempts: int = 0
    submission: dict[str, Any] | None = None


@dataclass
class Item:
    """A column."""

    number: int
    label: str
    maximum: float
    resource_link_id: str | None = None
    resource_id: str | None = None
    tag: str | None = None
    locked: bool = False
    grades: dict[str, Grade] = field(default_factory=dict)


@dataclass
class ScriptedPlatform(HostilePlatform):
    """A platform by the standards. `answers` are given first, by path, before it behaves."""

    server: LocalServer = None  # type: ignore[assignment]
    tool_keys: Callable[[], dict[str, Any]] = dict
    people: list[Enrolled] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    assertions: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, set[str]] = field(default_factory=dict)
    granted: set[str] = field(default_factory=lambda: {*AGS_SCOPES, MEMBERS})
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    differences: list[dict[str, Any]] | None = None
    links: dict[str, str] = field(default_factory=dict)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    family: ClassVar[str] = "generic"
    page_size: ClassVar[int] = 50
    paths: ClassVar[dict[str, str]] = {
        "login": "/auth", "token": "/token", "jwks": "/jwks.json", "items": "/items",
        "item": "/items/{n}/lineitem", "members": "/members",
    }  # fmt: skip

    def __post_init__(self) -> None:
        routes = self.server.routes
        routes[self.paths["jwks"]] = lambda _request: Answer(body=self.jwks())
        for name, handler in (
            ("token", self.give_token), ("items", self.container), ("members", self.members),
        ):  # fmt: skip
            routes[self.paths[name]] = self._scripted(handler)
        routes[f"{self.paths['members']}/differences"] = self._scripted(self.changes)

    # addresses and launches

    @property
    def endpoints(self) -> dict[str, Any]:
        """What an administrator would register it with."""
        return {
            "issuer": self.issuer,
            "auth_login_url": self.url("login"),
            "auth_token_url": self.url("token"),
            "jwks_url": self.url("jwks"),
        }

    def url(self, name: str, **query: str) -> str:
        """One of its addresses."""
        return self.server.url + self.paths[name] + (f"?{urlencode(query)}" if query else "")

    def items_url(self) -> str:
        return self.url("items")

    def item_url(self, item: Item) -> str:
        return self.server.url + self.paths["item"].format(n=item.number)

    def members_url(self) -> str:
        return self.url("members")

    def claims(self, pending: Pending, **changes: Any) -> dict[str, Any]:
        """A launch by the person of the login hint, with services, where they are enrolled."""
        who = next((one for one in self.people if one.user_id == pending.login_hint), None)
        services = {AGS: self.grade_claim("link-1"), NRPS: self.roster_claim()}
        person: dict[str, Any] = {}
        if who is not None:
            person = {
                "sub": who.user_id, "name": who.name, "given_name": who.given,
                "family_name": who.family, "email": who.email, "roles": list(who.roles),
            }  # fmt: skip
        return changed(super().claims(pending, **{**services, **person}), {
            (f"{CLAIM}{key}" if key in ("roles", "resource_link", "context", "custom") else key):
            value for key, value in changes.items()
        })  # fmt: skip

    def grade_claim(self, link_id: str) -> dict[str, Any]:
        """Where grades go; the line item where there is exactly one for the link."""
        claim: dict[str, Any] = {"scope": AGS_SCOPES, "lineitems": self.items_url()}
        coupled = [item for item in self.items if item.resource_link_id == link_id]
        if len(coupled) == 1:
            claim["lineitem"] = self.item_url(coupled[0])
        return claim

    def roster_claim(self) -> dict[str, Any]:
        return {"context_memberships_url": self.members_url(), "service_versions": ["2.0"]}

    # the gradebook, by hand

    def add_item(self, label: str = "Questions That Open", maximum: float = 100.0,
                 **more: Any) -> Item:  # fmt: skip
        """A column, as the LMS makes it with an activity."""
        item = Item(len(self.items) + 1, label, maximum, **more)
        self.items.append(item)
        path = self.paths["item"].format(n=item.number)
        routes = self.server.routes
        routes[path] = self._scripted(lambda request: self.one_item(request, item))
        routes[f"{path}/scores"] = self._scripted(lambda request: self.score(request, item))
        routes[f"{path}/results"] = self._scripted(lambda request: self.results(request, item))
        return item

    def grade(self, user_id: str, item: Item | None = None) -> Grade:
        """The cell of a person in `item` (the first by default)."""
        return (item or self.items[0]).grades.setdefault(user_id, Grade())

    def teacher_grades(self, user_id: str, given: float | None, comment: str = "") -> None:
        """Somebody types into the gradebook."""
        cell = self.grade(user_id)
        cell.given, cell.comment = given, comment

    # services

    def give_token(self, request: Request) -> Answer:
        assertion = request.form["client_assertion"]
        header = jwt.get_unverified_header(assertion)
        [jwk] = [key for key in self.tool_keys()["keys"] if key["kid"] == header["kid"]]
        claims = jwt.decode(
            assertion, jwt.PyJWK(jwk).key, algorithms=["RS256"], audience=self.url("token")
        )
        refusal = self.judge_assertion(claims)
        if refusal is not None:
            return refusal
        self.assertions.append(claims)
        token = f"{self.family}-token-{len(self.assertions)}"
        scopes = set(request.form["scope"].split()) & self.granted
        self.tokens[token] = scopes
        body = {"access_token": token, "token_type": "Bearer", "expires_in": 3600,
                "scope": " ".join(sorted(scopes))}  # fmt: skip
        return self.json(body)

    def judge_assertion(self, claims: dict[str, Any]) -> Answer | None:
        return None if claims["exp"] > time.time() else self.error(400, "invalid_client")

    def container(self, request: Request) -> Answer:
        refusal = self._refuse(request, {LINE_ITEM, LINE_ITEM_READ})
        if refusal is not None:
            return refusal
        if request.method == "POST":
            if request.headers.get("content-type") != LINE_ITEM_TYPE:
                return self.error(415, "unsupported_media_type")
            sent = json.loads(request.body)
            item = self.add_item(
                sent["label"], sent["scoreMaximum"], resource_link_id=sent.get("resourceLinkId"),
                resource_id=sent.get("resourceId"), tag=sent.get("tag"),
            )  # fmt: skip
            return self.json(self.item_json(item), LINE_ITEM_TYPE, 201)
        if request.headers.get("accept") != LINE_ITEMS_TYPE:
            return self.error(406, "not_acceptable")
        wanted = {"resource_link_id": "resource_link_id", "resource_id": "resource_id",
                  "tag": "tag"}  # fmt: skip
        found = [
            item for item in self.items
            if all(getattr(item, name) == request.query[key][0]
                   for key, name in wanted.items() if key in request.query)
        ]  # fmt: skip
        return self.paged(request, [self.item_json(item) for item in found], LINE_ITEMS_TYPE)

    def one_item(self, request: Request, item: Item) -> Answer:
        refusal = self._refuse(request, {LINE_ITEM})
        if refusal is not None:
            return refusal
        if request.method == "DELETE":
            self.items.remove(item)
            return Answer(204)
        if request.method == "PUT":
            sent = json.loads(request.body)
            item.label, item.maximum = sent["label"], sent["scoreMaximum"]
        return self.json(self.item_json(item), LINE_ITEM_TYPE)

    def item_json(self, item: Item) -> dict[str, Any]:
        told = {"resourceLinkId": item.resource_link_id, "resourceId": item.resource_id,
                "tag": item.tag}  # fmt: skip
        return {"id": self.item_url(item), "label": item.label, "scoreMaximum": item.maximum,
                **{key: value for key, value in told.items() if value}}  # fmt: skip

    def score(self, request: Request, item: Item) -> Answer:
        refusal = self._refuse(request, {SCORE})
        if refusal is not None:
            return refusal
        if request.headers.get("content-type") != SCORE_TYPE:
            return self.error(415, "unsupported_media_type")
        score = json.loads(request.body)
        self.received.append({**score, "query": request.query, "item": item.number})
        return self.judge_score(score, item)

    def judge_score(self, score: dict[str, Any], item: Item) -> Answer:
        """Take a score, or not: the heart of a gradebook."""
        cell = self.grade(score["userId"], item)
        if cell.stamp and stamp_of(score) <= cell.stamp:
            return self.error(409, "conflict")
        cell.stamp = stamp_of(score)
        self.write(cell, score, item)
        return Answer(204)

    def write(self, cell: Grade, score: dict[str, Any], item: Item) -> None:
        if "scoreGiven" in score:
            cell.given = round(score["scoreGiven"] / score["scoreMaximum"] * item.maximum, 5)
        cell.comment = score.get("comment", cell.comment)

    def results(self, request: Request, item: Item) -> Answer:
        refusal = self._refuse(request, {RESULT})
        if refusal is not None:
            return refusal
        if request.headers.get("accept") != RESULTS_TYPE:
            return self.error(406, "not_acceptable")
        wanted = request.query.get("user_id", [None])[0]
        listed = [
            self.result_json(item, user_id, cell) for user_id, cell in item.grades.items()
            if wanted in (None, user_id) and cell.given is not None
        ]  # fmt: skip
        return self.paged(request, listed, RESULTS_TYPE)

    def result_json(self, item: Item, user_id: str, cell: Grade) -> dict[str, Any]:
        return {"id": f"{self.item_url(item)}/results/{user_id}", "userId": user_id,
                "resultScore": cell.given, "resultMaximum": item.maximum,
                "scoreOf": self.item_url(item), "comment": cell.comment}  # fmt: skip

    def members(self, request: Request) -> Answer:
        refusal = self._refuse(request, {MEMBERS})
        if refusal is not None:
            return refusal
        if request.headers.get("accept") != MEMBERS_TYPE:
            return self.error(406, "not_acceptable")
        role = request.query.get("role", [None])[0]
        listed = [
            self.member_json(one) for one in self.people
            if one.on_roster and (role is None or role in self.member_json(one)["roles"])
        ]  # fmt: skip
        return self.paged(request, listed, MEMBERS_TYPE, self.roster_page)

    def changes(self, request: Request) -> Answer:
        """What changed since the last look, where `differences` says so."""
        refusal = self._refuse(request, {MEMBERS})
        if refusal is not None or self.differences is None:
            return refusal or Answer(404)
        return self.paged(request, self.differences, MEMBERS_TYPE, self.roster_page)

    def roster_page(self, members: list[Any]) -> Any:
        return {"id": self.members_url(), "context": {"id": "course-1"}, "members": members}

    def member_json(self, one: Enrolled) -> dict[str, Any]:
        roles = one.roster_roles if one.roster_roles is not None else one.roles
        return {"user_id": one.user_id, "status": one.status, "roles": list(roles),
                "name": one.name, "given_name": one.given, "family_name": one.family,
                "email": one.email}  # fmt: skip

    # answers

    def json(self, payload: Any, media_type: str = "application/json", status: int = 200) -> Answer:
        headers = {"Content-Type": media_type}
        return Answer(status, json.dumps(payload).encode(), headers)

    def error(self, status: int, message: str) -> Answer:
        return self.json({"error": message}, status=status)

    def paged(
        self,
        request: Request,
        rows: list[Any],
        media_type: str,
        wrap: Callable[[list[Any]], Any] = list,
    ) -> Answer:
        """A page of `rows` and the address of the next."""
        size = min(int(request.query.get("limit", [self.page_size])[0]), self.page_size)
        start = int(request.query.get("from", ["0"])[0])
        answer = self.json(wrap(rows[start : start + size]), media_type)
        links = dict(self.links)
        if start + size < len(rows):
            kept = {key: values[0] for key, values in request.query.items()}
            kept |= {"limit": str(size), "from": str(start + size)}
            links.setdefault("next", self.next_url(request, kept))
        if self.differences is not None and media_type == MEMBERS_TYPE:
            links["differences"] = f"{self.members_url()}/differences"
        if not links:
            return answer
        header = ", ".join(self.link(url, relation) for relation, url in links.items())
        return Answer(answer.status, answer.body, {**answer.headers, "Link": header})

    def next_url(self, request: Request, query: dict[str, str]) -> str:
        return f"{self.server.url}{request.path}?{urlencode(query)}"

    def link(self, url: str, relation: str) -> str:
        return f'<{url}>; rel="{relation}"'

    def _refuse(self, request: Request, scopes: set[str]) -> Answer | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return self.error(401, "unauthorized")
        return None if scopes & self.tokens[token] else self.error(403, "forbidden")

    def _scripted(self, handler: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
        def answer(request: Request) -> Answer:
            waiting = self.answers.get(request.path)
            return waiting.pop(0) if waiting else handler(request)

        return answer


def stamp_of(score: dict[str, Any]) -> datetime:
    """When a score says it was given."""
    return datetime.fromisoformat(score["timestamp"])


__all__ = ["AGS", "AGS_SCOPES", "INSTRUCTOR", "LEARNER", "MEMBERS", "MEMBERSHIP", "NRPS", "RESULT",
           "SCORE", "Enrolled", "Grade", "Item", "ScriptedPlatform", "stamp_of"]  # fmt: skip
