"""LMSs that can be registered with, scripted on a local server as Moodle, Canvas and others are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.local_http import Answer, LocalServer, Request

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
CANVAS = "https://canvas.instructure.com/lti/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCOPES = [f"{AGS}lineitem", f"{AGS}lineitem.readonly", f"{AGS}result.readonly", f"{AGS}score", NRPS]
CONFIGURATION, REGISTRATION = "/openid-configuration", "/registration"


@dataclass
class Platform:
    """An LMS at `server`. `changes` replace parts of its configuration; None takes one away."""

    server: LocalServer
    client_id: Any = "client-1"
    deployment_id: str | None = "7"
    token: str = "one-hour-token"
    status: int = 201
    changes: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.routes[CONFIGURATION] = self.configuration
        self.server.routes[REGISTRATION] = self.register

    @property
    def url(self) -> str:
        return f"{self.server.url}{CONFIGURATION}"

    def document(self) -> dict[str, Any]:
        base = self.server.url
        found = {
            "issuer": base,
            "authorization_endpoint": f"{base}/auth",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/jwks.json",
            "registration_endpoint": f"{base}{REGISTRATION}",
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", *SCOPES],
            "response_types_supported": ["id_token"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
            PLATFORM: self.about,
            **self.changes,
        }
        return {name: value for name, value in found.items() if value is not None}

    def bearer_fits(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.token}"

    def configuration(self, request: Request) -> Answer:
        if not self.bearer_fits(request):
            return Answer(401, b"Not allowed")
        return as_json(self.document())

    def register(self, request: Request) -> Answer:
        if not self.bearer_fits(request):
            return Answer(401, b'{"error": "invalid_token"}')
        asked = json.loads(request.body)
        self.posted.append(asked)
        return as_json(self.answer(asked), self.status)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        ours = {**asked[TOOL]}
        if self.deployment_id is not None:
            ours["deployment_id"] = self.deployment_id
        return {**asked, "client_id": self.client_id, TOOL: ours}


class Generic(Platform):
    """By the book."""


class Moodle(Platform):
    """200 as text/html, the deployment inside, no placements; a second time it updates."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.status = 200
        self.about = {
            "product_family_code": "moodle",
            "version": "4.5 (Build: 20241007)",
            "messages_supported": [
                {"type": "LtiResourceLinkRequest"},
                {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
            ],
            "variables": ["Context.id", "Context.id.history", "ResourceLink.id"],
        }

    def register(self, request: Request) -> Answer:
        answer = super().register(request)
        return Answer(answer.status, answer.body, {"Content-Type": "text/html"})

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = super().answer(asked)
        found[TOOL]["messages"] = [{"type": "LtiDeepLinkingRequest"}]
        return found


class Canvas(Platform):
    """201, a number as client id, no deployment, extensions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.client_id, self.deployment_id = 10000000000042, None
        self.changes = {"authorization_server": "canvas.instructure.com"}
        placements = ["account_navigation", "course_navigation", "global_navigation"]
        choosing = ["assignment_selection", "editor_button", "link_selection"]
        self.about = {
            "product_family_code": "canvas",
            "version": "vCloud",
            "messages_supported": [
                {"type": "LtiResourceLinkRequest", "placements": placements},
                {"type": "LtiDeepLinkingRequest", "placements": [f"{CANVAS}{p}" for p in choosing]},
            ],
            "variables": ["Context.id.history", "ResourceLink.id.history", "Canvas.course.id"],
            f"{CANVAS}account_name": "Alder Valley Schools",
        }


def as_json(document: Any, status: int = 200) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(status, body, {"Content-Type": "application/json"})


def always(answer: Answer) -> Callable[[Request], Answer]:
    return lambda _request: answer
