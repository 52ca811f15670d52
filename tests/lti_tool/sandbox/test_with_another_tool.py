"""Whole launches and services between the practice LMS and PyLTI1p3, over real HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from pylti1p3.exception import LtiServiceException
from pylti1p3.grade import Grade
from pylti1p3.lineitem import LineItem

from lti_tool.sandbox import Sandbox, SandboxConfig, create_sandbox, sandbox_of
from lti_tool.sandbox.driver import FlaskSender, HttpSender, LaunchDriver, LaunchStoppedError
from lti_tool.sandbox.people import ILSE_MUSTER, NOOR_PROVE, TEO_EXEMPEL, WREN_SAMPLEWOOD
from tests.lti_tool.sandbox.actors import ToolKeyRing
from tests.lti_tool.sandbox.other_tool import create_other_tool, served
from tests.support.ports import free_port

QUESTIONS = "Asking better questions"


@pytest.fixture
def sites(config: SandboxConfig, ring: ToolKeyRing) -> Iterator[tuple[Sandbox, Flask]]:
    """The LMS at 127.0.0.1 and PyLTI1p3's tool at localhost, both on real ports."""
    lms_port, tool_port = free_port(), free_port()
    config = replace(
        config,
        base_url=f"http://127.0.0.1:{lms_port}",
        tool_base_url=f"http://localhost:{tool_port}",
    )
    lms = create_sandbox(config)
    sandbox = sandbox_of(lms)
    tool = create_other_tool(config, ring, sandbox.jwks())
    with served(lms, lms_port), served(tool, tool_port):
        yield sandbox, tool


@pytest.fixture
def services(sites: tuple[Sandbox, Flask]) -> Any:
    """PyLTI1p3's view of a launch by the coach, for its service classes."""
    sandbox, tool = sites
    sender = HttpSender()
    driver = LaunchDriver(sandbox.config.base_url, sender, sender)
    reply = driver.launch(ILSE_MUSTER, sandbox.link(QUESTIONS).id)
    assert reply.status == 200, reply.text
    return tool.extensions["launches"][-1]


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("target", ["window", "iframe"])
def test_pylti1p3_accepts_a_launch(sites: tuple[Sandbox, Flask], method: str, target: str) -> None:
    sandbox, _tool = sites
    sender = HttpSender()
    driver = LaunchDriver(sandbox.config.base_url, sender, sender)
    link = sandbox.link(QUESTIONS).id
    reply = driver.launch(WREN_SAMPLEWOOD, link, target=target, method=method)
    assert reply.status == 200, reply.text
    assert '"Wren Samplewood"' in reply.text


def test_the_same_walk_works_over_test_clients(config: SandboxConfig, ring: ToolKeyRing) -> None:
    app = create_sandbox(config, fetch_jwks=ring.fetch)
    tool = create_other_tool(config, ring, sandbox_of(app).jwks())
    driver = LaunchDriver(
        config.base_url, FlaskSender(app.test_client()), FlaskSender(tool.test_client())
    )
    reply = driver.launch(NOOR_PROVE, "first-weeks")
    assert reply.status == 200, reply.text
    assert "Noor" not in reply.text
    with pytest.raises(LaunchStoppedError, match="403"):
        driver.launch(WREN_SAMPLEWOOD, "first-weeks")
    with pytest.raises(LaunchStoppedError, match="99"):
        driver.launch("99", "first-weeks")


def test_pylti1p3_reads_the_roster(services: Any) -> None:
    members = services.get_nrps().get_members()
    assert [member["user_id"] for member in members] == ["3", "4", "5", "6", "7"]


def test_pylti1p3_finds_makes_and_grades_line_items(services: Any) -> None:
    ags = services.get_ags()
    assert [item["label"] for item in ags.get_lineitems()] == [QUESTIONS]
    portfolio = LineItem().set_label("Portfolio").set_score_maximum(10).set_tag("p")
    found = ags.find_or_create_lineitem(portfolio, find_by="tag")
    assert found.get_id()
    assert ags.find_or_create_lineitem(portfolio, find_by="tag").get_id() == found.get_id()

    grade = (
        Grade()
        .set_user_id(TEO_EXEMPEL)
        .set_score_given(9)
        .set_score_maximum(10)
        .set_activity_progress("Completed")
        .set_grading_progress("FullyGraded")
        .set_timestamp(datetime.now(UTC).isoformat())
        .set_comment("Much to steal from.")
    )
    ags.put_grade(grade, found)
    results = ags.get_grades(found)
    assert [(r["userId"], r["resultScore"], r["comment"]) for r in results] == [
        (TEO_EXEMPEL, 9, "Much to steal from.")
    ]
    with pytest.raises(LtiServiceException, match="409"):
        ags.put_grade(grade, found)


def test_pylti1p3_grades_the_item_of_the_launch(
    services: Any, sites: tuple[Sandbox, Flask]
) -> None:
    sandbox, _tool = sites
    grade = (
        Grade()
        .set_user_id(WREN_SAMPLEWOOD)
        .set_score_given(1)
        .set_score_maximum(1)
        .set_activity_progress("Completed")
        .set_grading_progress("FullyGraded")
        .set_timestamp(datetime.now(UTC).isoformat())
    )
    services.get_ags().put_grade(grade)
    kept = sandbox.grade(WREN_SAMPLEWOOD, QUESTIONS)
    assert kept is not None
    assert kept.result == 4
