"""A platform that we did not write: `lti-consumer-xblock`, without the edX around it.

AGPL: for tests only, in a lock of its own, never shipped and never imported by the product. Its
package imports all of edX's blocks, so the module that holds the LTI 1.3 platform is loaded past
that door. It serves no HTTP itself; `routes` puts its token endpoint and key set on a server, and
looks at what it does not: the assertion's audience and that a `jti` comes once.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
import warnings
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.support.hostile_platform import rsa_key
from tests.support.local_http import Answer, LocalServer, Request

PACKAGE = "lti_consumer"


@cache
def _package() -> types.SimpleNamespace:
    """The platform's classes; skips where the AGPL test tools are not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        pytest.skip("lti-consumer-xblock is not installed (see requirements for the AGPL tools)")
    door = types.ModuleType(PACKAGE)
    door.__path__ = [str(Path(found.origin).parent)]
    sys.modules[PACKAGE] = door
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from django.conf import settings

        if not settings.configured:
            cache_engine = "django.core.cache.backends.locmem.LocMemCache"
            settings.configure(
                PLATFORM_NAME="Milepost's tests",
                SECRET_KEY="tests",
                LMS_ROOT_URL="http://127.0.0.1",
                INSTALLED_APPS=[],
                CACHES={"default": {"BACKEND": cache_engine}},
            )
        consumer = importlib.import_module(f"{PACKAGE}.lti_1p3.consumer")
        data = importlib.import_module(f"{PACKAGE}.data")
        constants = importlib.import_module(f"{PACKAGE}.lti_1p3.constants")
    return types.SimpleNamespace(
        Consumer=consumer.LtiAdvantageConsumer,
        LaunchData=data.Lti1p3LaunchData,
        ContextType=constants.LTI_1P3_CONTEXT_TYPE,
    )


@dataclass
class XblockPlatform:
    """One client of the platform, and the services that edX would serve for it."""

    server: LocalServer
    tool_url: str
    tool_public_pem: bytes = b""
    client_id: str = "xblock-client"
    deployment_id: str = "1"
    kid: str = "xblock-key"
    target: str = ""
    scores: list[dict[str, Any]] = field(default_factory=list)
    jtis: set[str] = field(default_factory=set)
    consumer: Any = field(init=False)

    def __post_init__(self) -> None:
        private = rsa_key("xblock").private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        self.consumer = _package().Consumer(
            iss=self.server.url,
            lti_oidc_url=f"{self.tool_url}/lti/login",
            lti_launch_url=self.target or f"{self.tool_url}/lti/launch",
            client_id=self.client_id,
            deployment_id=self.deployment_id,
            rsa_key=private,
            rsa_key_id=self.kid,
            redirect_uris=[f"{self.tool_url}/lti/launch"],
            tool_key=self.tool_public_pem.decode() or None,
        )
        self.consumer.enable_ags(
            f"{self.server.url}/lineitems", f"{self.server.url}/lineitems/1?type_id=3", True
        )
        self.server.routes["/jwks.json"] = lambda _request: Answer(
            body=json.dumps(self.consumer.get_public_keyset()).encode()
        )
        self.server.routes["/token"] = self._token
        self.server.routes["/lineitems/1/scores"] = self._score

    def login_url(self, user_id: str, role: str, **more: Any) -> str:
        """Where its browser goes first."""
        data = _package().LaunchData(
            user_id=user_id, user_role=role, config_id="1", resource_link_id="link-1", **more
        )
        return str(self.consumer.prepare_preflight_url(data))

    def launch_form(
        self, location: str, user_id: str, role: str | None, **user: Any
    ) -> dict[str, str]:
        """What its browser posts to the tool, after checking the tool's redirect."""
        consumer = self.consumer
        consumer.set_user_data(user_id=user_id, role=role, **user)
        consumer.set_resource_link_claim("link-1", title="Questions That Open")
        course = _package().ContextType.course_offering
        consumer.set_context_claim("course-1", [course], "Teaching circle", "TC")
        consumer.set_launch_presentation_claim("iframe", f"{self.server.url}/course")
        query = parse_qs(urlsplit(location).query)
        return dict(
            consumer.generate_launch_request({name: values[0] for name, values in query.items()})
        )

    def _token(self, request: Request) -> Answer:
        claims = jwt.decode(request.form["client_assertion"], options={"verify_signature": False})
        if claims["aud"] != f"{self.server.url}/token" or claims["jti"] in self.jtis:
            return Answer(401, b'{"error": "invalid_client"}')
        self.jtis.add(claims["jti"])
        granted = self.consumer.access_token(request.form)
        return Answer(body=json.dumps(granted).encode(), headers={"Content-Type": "text/html"})

    def _score(self, request: Request) -> Answer:
        token = request.headers["authorization"].removeprefix("Bearer ")
        wanted = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
        right_type = request.headers["content-type"] == "application/vnd.ims.lis.v1.score+json"
        if not self.consumer.check_token(token, [wanted]) or not right_type:
            return Answer(403)
        self.scores.append(json.loads(request.body))
        return Answer(200)


def public_pem(key: Any) -> bytes:
    """The public half of `key` as the platform wants to be told it."""
    return bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
