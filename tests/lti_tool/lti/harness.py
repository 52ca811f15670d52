"""An installation with LTI mounted on pages that say who came in, and browsers to open them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, url_for
from sqlalchemy import Engine, event
from werkzeug.test import TestResponse

import lti_tool.models  # noqa: F401 - every table
from core.db import Base
from core.identity import Organisation
from core.runtime import Runtime
from core.web.app import make_app
from core.web.sessions import SessionBlueprint, csrf_token, principal
from keys.ring import LTI_RING, published_keys
from keys.shared import ring_of
from lti_tool.lti.keysets import KeySets
from lti_tool.lti.mounting import install
from lti_tool.lti.platforms import Platforms
from lti_tool.lti.registration import add_deployment, add_platform
from lti_tool.lti.targets import Targets
from lti_tool.lti.tool import LtiTool
from tests.support.hostile_platform import HostilePlatform, Pending
from tests.support.local_http import Answer, LocalServer

ACHIEVEMENT = "6f0c1c1e-7a55-4d3e-9d52-0f0f3a1e2b4c"


@dataclass
class Installation:
    """The tool under test and the platform beside it."""

    runtime: Runtime
    app: Flask
    tool: LtiTool
    server: LocalServer
    platform: HostilePlatform
    platform_id: Any = None

    @property
    def base(self) -> str:
        return self.runtime.config.base_url

    @property
    def target(self) -> str:
        return f"{self.base}/to/micro-credential/{ACHIEVEMENT}"

    def browser(self) -> Browser:
        return Browser(self)

    def counts(self) -> dict[str, int]:
        """How many rows every table holds."""
        each = (f"SELECT '{name}', count(*) FROM {name}" for name in Base.metadata.tables)
        with self.runtime.database.engine.connect() as connection:
            rows = connection.exec_driver_sql(" UNION ALL ".join(each)).all()
        return {row[0]: row[1] for row in rows}


@dataclass
class Browser:
    """One person's browser, with its own cookies."""

    installation: Installation
    json_wanted: bool = False
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.installation.app.test_client()

    def headers(self) -> dict[str, str]:
        return {"Accept": "application/json" if self.json_wanted else "text/html"}

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(
            path, base_url=self.installation.base, headers=self.headers(), **options
        )

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.client.post(
            path, base_url=self.installation.base, headers=self.headers(), **options
        )

    def login(self, *, method: str = "POST", **changes: Any) -> TestResponse:
        parameters = self.installation.platform.login_parameters(
            changes.pop("target_link_uri", self.installation.target), **changes
        )
        if method == "GET":
            return self.get("/lti/login", query_string=parameters)
        return self.post("/lti/login", data=parameters)

    def begin(self, **changes: Any) -> Pending:
        """A login that goes well."""
        answer = self.login(**changes)
        assert answer.status_code == 302, answer.get_data(as_text=True)
        target = changes.get("target_link_uri", self.installation.target)
        return Pending.read(answer.headers["Location"], target)

    def post_token(self, pending: Pending, token: str) -> TestResponse:
        return self.post("/lti/launch", data={"id_token": token, "state": pending.state})

    def finish(self, pending: Pending, **changes: Any) -> TestResponse:
        platform = self.installation.platform
        return self.post_token(pending, platform.token(platform.claims(pending, **changes)))

    def launch(self, **changes: Any) -> TestResponse:
        """Login and launch."""
        return self.finish(self.begin(), **changes)

    def follow(self, response: TestResponse) -> dict[str, Any]:
        """The page that a launch leads to."""
        assert response.status_code == 303, response.get_data(as_text=True)
        page = self.get(urlsplit(response.headers["Location"]).path)
        assert page.status_code == 200, page.get_data(as_text=True)
        return dict(page.get_json())


def mount(runtime: Runtime) -> tuple[Flask, LtiTool]:
    """An application with LTI and pages that say who came in."""
    app = make_app(runtime)
    app.register_blueprint(pages())
    return app, install(app, targets=page_targets())


def prepare(
    app: Flask, tool: LtiTool, organisation: Organisation, server: LocalServer
) -> Installation:
    """Register a platform at `server`, and forget what earlier tests left in memory."""
    runtime = tool.runtime
    tool.platforms, tool.key_sets = Platforms(runtime.database), KeySets(runtime.http)
    platform = HostilePlatform(issuer=server.url)
    server.routes["/jwks.json"] = lambda _request: Answer(body=platform.jwks())
    with runtime.database.transaction(organisation.scope) as session:
        row = add_platform(
            session,
            organisation,
            name="Alder Valley LMS",
            family="sandbox",
            site_url=server.url,
            client_id=platform.client_id,
            now=runtime.now(),
        )
        add_deployment(session, row, platform.deployment_id, now=runtime.now())
    return Installation(runtime, app, tool, server, platform, row.id)


def second_platform(
    installation: Installation, organisation: Organisation, server: LocalServer
) -> Installation:
    """Another platform of the same installation."""
    runtime = installation.runtime
    platform = HostilePlatform(issuer=server.url)
    with runtime.database.transaction(organisation.scope) as session:
        row = add_platform(
            session, organisation, name="Slow LMS", family="sandbox", site_url=server.url,
            client_id=platform.client_id, now=runtime.now(),
        )  # fmt: skip
        add_deployment(session, row, platform.deployment_id, now=runtime.now())
    return Installation(runtime, installation.app, installation.tool, server, platform, row.id)


def ensure_tool_key(runtime: Runtime) -> None:
    """Give the tool its signing key, once."""
    with runtime.database.transaction() as session:
        if not published_keys(session, LTI_RING):
            ring_of(runtime).create(session, LTI_RING, "RS256", runtime.now())


def wipe(runtime: Runtime) -> None:
    """Empty every table but the keys, which take long to make."""
    with runtime.database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        for name in Base.metadata.tables:
            if name != "signing_keys":
                connection.exec_driver_sql(f"DELETE FROM {name}")
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        connection.exec_driver_sql("BEGIN")


def hurried(engine: Engine) -> None:
    """No test pulls the plug, so none waits for the disk."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")


def page_targets() -> Targets:
    targets = Targets()
    targets.add("home", lambda visit, _arg: url_for("who.home", sid=visit.session_id))
    targets.add(
        "micro-credential",
        lambda visit, arg: url_for("who.achievement", sid=visit.session_id, achievement=arg),
        argument="uuid",
    )
    return targets


def pages() -> SessionBlueprint:
    blueprint = SessionBlueprint("who", __name__)

    @blueprint.get("/home")
    def home() -> Response:
        return who("home")

    @blueprint.get("/micro-credential/<uuid:achievement>")
    def achievement(achievement: Any) -> Response:
        return who(str(achievement))

    @blueprint.get("/form")
    def form() -> str:
        return csrf_token()

    @blueprint.post("/form")
    def sent() -> Response:
        return who("form")

    return blueprint


def who(page: str) -> Response:
    found = principal()
    return jsonify(
        page=page,
        person_id=str(found.person_id),
        name=found.name,
        roles=sorted(role.value for role in found.roles),
        context_id=str(found.context_id) if found.context_id else None,
        data=found.data,
    )


def cookie_names(response: TestResponse) -> list[str]:
    """The names of the cookies that an answer sets to something."""
    return [
        header.split("=", 1)[0]
        for header in response.headers.getlist("Set-Cookie")
        if "Max-Age=0" not in header
    ]


def body_of(response: TestResponse) -> dict[str, Any]:
    """A JSON refusal."""
    return dict(json.loads(response.get_data()))
