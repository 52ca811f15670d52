"""An installation without any platform, links into it, and an administrator's browser."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from core.db import Base
from core.identity import Organisation, create_organisation
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.lti.models import Deployment
from lti_tool.lti.models import Platform as StoredPlatform
from lti_tool.lti.registering import links
from tests.lti_tool.lti.conftest import Home
from tests.lti_tool.lti.harness import mount
from tests.lti_tool.lti.registering.platforms import Platform
from tests.support.environment import BASE_URL

HIDDEN = re.compile(r'name="(openid_configuration|registration_token)" value="([^"]*)"')


@dataclass
class Desk:
    """What an administrator has: links, and an LMS that opens them."""

    app: Flask
    runtime: Runtime
    organisation: Organisation

    def link(self, platform_id: uuid.UUID | None = None) -> str:
        with self.runtime.database.transaction(self.organisation.scope) as session:
            return links.create(
                session, self.organisation, actor_id=None, now=self.runtime.now(),
                platform_id=platform_id,
            )[1]  # fmt: skip

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.app.test_client().get(path, base_url=BASE_URL, query_string=query)

    def open(self, path: str, platform: Platform, **changes: str) -> TestResponse:
        sent = {"openid_configuration": platform.url, "registration_token": platform.token}
        return self.get(path, **{**sent, **changes})

    def press(self, path: str, page: TestResponse, **fields: str) -> TestResponse:
        """Press the page's button, sending what its form holds."""
        held = {name: unescape(value) for name, value in HIDDEN.findall(page.text)}
        return self.app.test_client().post(path, base_url=BASE_URL, data={**held, **fields})

    def register(self, path: str, platform: Platform, **fields: str) -> TestResponse:
        page = self.open(path, platform)
        assert page.status_code == 200, page.text
        return self.press(path, page, **fields)

    def platforms(self) -> list[StoredPlatform]:
        with (
            self.runtime.database.snapshot() as session,
            unscoped(session, "a test looks at all of it"),
        ):
            return list(session.scalars(select(StoredPlatform).order_by(StoredPlatform.client_id)))

    def deployments(self) -> dict[str, str]:
        with (
            self.runtime.database.snapshot() as session,
            unscoped(session, "a test looks at all of it"),
        ):
            return {row.deployment_id: row.state for row in session.scalars(select(Deployment))}

    def counts(self) -> dict[str, int]:
        """How many rows there are beside the link that was made and noted."""
        with self.runtime.database.engine.connect() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in Base.metadata.tables.items()
            }


@pytest.fixture
def desk(home: Home, runtime: Runtime, organisation: Organisation) -> Desk:
    home.server.routes.clear()
    home.server.requests.clear()
    home.tool.platforms.forget()
    return Desk(home.app, runtime, organisation)


@pytest.fixture
def any_desk(any_runtime: Runtime) -> Desk:
    """The same on SQLite and on PostgreSQL."""
    with any_runtime.database.transaction() as session:
        district = create_organisation(session, name="Alder Valley Schools", slug="alder-valley")
    return Desk(mount(any_runtime)[0], any_runtime, district)
