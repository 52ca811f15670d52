"""The sample district: there once, whole, with one badge that a stranger can verify."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from badges.awards import reading
from badges.awards import service as awards
from badges.awards.models import Credential
from badges.public.verification import verify_address
from core.db import Base
from core.identity import Person
from core.runtime import Runtime
from core.scope import unscoped
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.app import create_app
from lti_tool.lti.models import Platform
from lti_tool.sample import content, district
from lti_tool.sample.lms import sandbox_config
from tests.support.environment import BASE_URL

LMS = "http://127.0.0.1:8001"


def counted(runtime: Runtime) -> Counter[str]:
    """How many rows each table holds."""
    with runtime.database.snapshot() as session:
        return Counter(
            {
                name: session.connection().scalar(select(func.count()).select_from(table)) or 0
                for name, table in Base.metadata.tables.items()
                if isinstance(table, Table)
            }
        )


def rows(runtime: Runtime) -> list[dict[str, Any]]:
    with runtime.database.snapshot() as session, unscoped(session, "the test looks at all"):
        return reading.rows(session)


def platform(runtime: Runtime) -> Platform:
    with runtime.database.snapshot() as session, unscoped(session, "the test looks at all"):
        return session.scalars(select(Platform)).one()


def test_one_badge_is_earned_and_public_and_verifies(any_runtime: Runtime) -> None:
    assert district.load(any_runtime, LMS) is True
    [row] = rows(any_runtime)
    assert row["state"] == "signed"
    assert row["recipient"] == "Noor Prøve"
    assert row["published_at"]
    address = f"{BASE_URL}/credentials/{row['credential']}"
    report = verify_address(any_runtime, address)
    assert report.valid, report.to_dict()["steps"]
    client = create_app(runtime=any_runtime).test_client()
    page = client.get(
        address.removeprefix(BASE_URL), base_url=BASE_URL, headers={"Accept": "text/html"}
    )
    assert page.status_code == 200
    assert "Noor Prøve" in page.text


def test_loading_again_changes_nothing(any_runtime: Runtime) -> None:
    district.load(any_runtime, LMS)
    before, listed = counted(any_runtime), rows(any_runtime)
    assert district.load(any_runtime, LMS) is False
    assert counted(any_runtime) == before
    assert rows(any_runtime) == listed


def test_the_lms_moves_to_another_port_and_stays_the_same_platform(runtime: Runtime) -> None:
    district.load(runtime, LMS)
    before = platform(runtime)
    assert before.issuer == LMS
    district.load(runtime, "http://127.0.0.1:9001")
    after = platform(runtime)
    assert after.id == before.id
    assert after.issuer == "http://127.0.0.1:9001"
    for address in (after.auth_login_url, after.auth_token_url, after.jwks_url):
        assert address.startswith("http://127.0.0.1:9001/")
    assert after.frame_origins == ["http://127.0.0.1:9001"]


def test_a_launch_key_that_is_there_already_is_kept(runtime: Runtime) -> None:
    ring = ring_of(runtime)
    with runtime.database.transaction() as session:
        kid = ring.create(session, LTI_RING, "RS256", runtime.now()).kid
    district.load(runtime, LMS)
    assert [key.kid for key in ring.published(LTI_RING)] == [kid]


def test_loading_that_was_interrupted_leaves_nothing_behind(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counted(runtime)
    with monkeypatch.context() as patch:
        patch.setattr(awards, "accept", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            district.load(runtime, LMS)
    assert counted(runtime) == before
    assert district.load(runtime, LMS) is True
    assert [row["state"] for row in rows(runtime)] == ["signed"]


def test_loading_that_was_interrupted_before_signing_is_completed(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(district, "sign_credential", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            district.load(runtime, LMS)
    assert [row["state"] for row in rows(runtime)] == ["accepted"]
    assert district.load(runtime, LMS) is False
    [row] = rows(runtime)
    assert row["state"] == "signed"
    assert row["published_at"]


def test_a_badge_that_noor_took_back_stays_private(runtime: Runtime) -> None:
    district.load(runtime, LMS)
    with runtime.database.transaction() as session, unscoped(session, "the test plays Noor"):
        noor = session.scalars(select(Person).where(Person.name == "Noor Prøve")).one()
        credential = session.scalars(select(Credential)).one()
        awards.unpublish(session, credential.id, noor.id, runtime.now())
    district.load(runtime, LMS)
    [row] = rows(runtime)
    assert row["published_at"] is None


def test_the_lms_links_to_everything_that_can_be_earned(runtime: Runtime, tmp_path: Path) -> None:
    district.load(runtime, LMS)
    settings = sandbox_config(replace(runtime, config=replace(runtime.config, home=tmp_path)), LMS)
    titles = [link.title for link in settings.links]
    assert {data["name"] for data in content.MICRO_CREDENTIALS} < set(titles)
    assert titles[-3:] == ["My path", "Reviews", "Milepost"]
    assert all(link.target_link_uri.startswith(f"{BASE_URL}/to/") for link in settings.links)


def _interrupt(*_args: object, **_kw: object) -> None:
    raise KeyboardInterrupt
