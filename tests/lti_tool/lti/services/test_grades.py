"""A decision's score reaches the gradebook, whatever goes wrong on the way, and once is enough."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from sqlalchemy import select

from core.outbox import DeliveryError, Job
from core.scope import unscoped
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.lti.grades import GradePoster
from lti_tool.lti.models import GradeDelivery, LineItem, Platform, ResourceLink
from tests.lti_tool.lti.harness import Browser, Installation, ensure_tool_key
from tests.lti_tool.lti.services.gradebook import AGS, SCOPES, Gradebook
from tests.support.local_http import Answer

NOW = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)


@pytest.fixture
def gradebook(installation: Installation) -> Gradebook:
    ensure_tool_key(installation.runtime)
    ring = ring_of(installation.runtime)
    return Gradebook(installation.server, lambda: ring.jwks(LTI_RING))


@pytest.fixture
def poster(installation: Installation, gradebook: Gradebook) -> GradePoster:
    return GradePoster(installation.runtime, ring_of(installation.runtime))


def launched(browser: Browser, claim: dict[str, Any]) -> dict[str, Any]:
    return browser.follow(browser.launch(**claim))


def decided(page: dict[str, Any], **changes: Any) -> Job:
    payload = {
        "submission_id": str(uuid.uuid4()),
        "revision_id": str(uuid.uuid4()),
        "decision_id": str(uuid.uuid4()),
        "person_id": page["person_id"],
        "context_id": page["context_id"],
        "assignment_id": str(uuid.uuid4()),
        "resource_link_id": page["data"]["resource_link_id"],
        "outcome": "met",
        "score": "100",
        "max": 100,
        "comment": "Clear questions.\nThank you.",
        "decided_at": NOW.isoformat(),
        **changes,
    }
    return Job(uuid.uuid4(), "review.decided>grade.post", str(payload["decision_id"]), payload, 1,
               None, uuid.uuid4(), NOW)  # fmt: skip


def deliveries(installation: Installation) -> list[GradeDelivery]:
    with installation.runtime.database.snapshot() as session, unscoped(session, "test"):
        return list(session.scalars(select(GradeDelivery)))


def link(installation: Installation) -> ResourceLink:
    with installation.runtime.database.snapshot() as session, unscoped(session, "test"):
        return session.scalars(select(ResourceLink)).one()


def test_the_score_arrives_fully_graded_before_the_query(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    poster(decided(launched(browser, gradebook.claim)))
    [score] = gradebook.received
    assert score["query"] == {"type_id": ["3"]}
    assert score["userId"] == "7"
    assert (score["scoreGiven"], score["scoreMaximum"]) == (100, 100)
    assert (score["activityProgress"], score["gradingProgress"]) == ("Completed", "FullyGraded")
    assert score["comment"] == "Clear questions.\nThank you."
    assert datetime.fromisoformat(score["timestamp"]).tzinfo is not None
    [delivery] = deliveries(installation)
    assert (delivery.score, delivery.maximum, delivery.state) == (100, 100, "sent")


def test_not_yet_is_graded_too_and_may_be_submitted_again(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    poster(decided(launched(browser, gradebook.claim), outcome="not_yet", score="40"))
    [score] = gradebook.received
    assert (score["scoreGiven"], score["gradingProgress"]) == (40, "FullyGraded")
    assert score["activityProgress"] == "Submitted"


def test_a_decision_is_sent_once(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    job = decided(launched(browser, gradebook.claim))
    poster(job)
    poster(job)
    assert len(gradebook.received) == 1
    assert len(deliveries(installation)) == 1


def test_what_was_sent_but_not_recorded_is_sent_again_and_leaves_the_same_grade(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    page = launched(browser, gradebook.claim)
    job = decided(page)
    database = installation.runtime.database
    poster(job)
    before = dict(gradebook.scores["7"])
    with database.transaction() as session, unscoped(session, "test"):
        session.delete(session.scalars(select(GradeDelivery)).one())
    poster(job)
    after = dict(gradebook.scores["7"])
    assert before.pop("timestamp") <= after.pop("timestamp")
    assert before == after
    assert len(deliveries(installation)) == 1


def test_an_older_decision_never_replaces_a_newer_one(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    page = launched(browser, gradebook.claim)
    poster(decided(page, score="90", decided_at=(NOW + timedelta(days=1)).isoformat()))
    poster(decided(page, score="10", outcome="not_yet"))
    assert gradebook.scores["7"]["scoreGiven"] == 90
    assert sorted(one.state for one in deliveries(installation)) == ["sent", "superseded"]


def test_one_token_serves_many_scores(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    page = launched(browser, gradebook.claim)
    for day in range(3):
        poster(decided(page, decided_at=(NOW + timedelta(days=day)).isoformat()))
    assert len(gradebook.received) >= 3
    assert len(gradebook.assertions) == 1


def test_a_token_is_renewed_before_it_ends(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    gradebook.expires_in = "59"
    page = launched(browser, gradebook.claim)
    for day in range(2):
        poster(decided(page, decided_at=(NOW + timedelta(days=day)).isoformat()))
    assert len(gradebook.assertions) == 2


def test_the_assertion_says_who_asks_whom_and_is_backdated(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    poster(decided(launched(browser, gradebook.claim)))
    [claims] = gradebook.assertions
    assert claims["iss"] == claims["sub"] == installation.platform.client_id
    assert claims["aud"] == f"{installation.server.url}/token"
    assert claims["iat"] <= datetime.now(UTC).timestamp() - 5
    assert claims["exp"] - claims["iat"] == 300
    assert uuid.UUID(claims["jti"])


def test_401_renews_the_token_once(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    gradebook.answers = [Answer(401)]
    poster(decided(launched(browser, gradebook.claim)))
    assert len(gradebook.assertions) == 2
    assert len(gradebook.received) == 1


def test_401_twice_is_left_for_later(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    gradebook.answers = [Answer(401), Answer(401)]
    with pytest.raises(DeliveryError) as failed:
        poster(decided(launched(browser, gradebook.claim)))
    assert not failed.value.permanent
    assert len(gradebook.assertions) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 422, 410])
def test_refusals_that_are_for_a_person_to_look_at(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster,
    status: int,
) -> None:  # fmt: skip
    gradebook.answers = [Answer(status, b"<script>broken {json")]
    with pytest.raises(DeliveryError, match=str(status)) as failed:
        poster(decided(launched(browser, gradebook.claim)))
    assert failed.value.permanent
    assert "script" not in str(failed.value)
    assert deliveries(installation) == []


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "90"}, timedelta(seconds=90)),
        (503, {"Retry-After": "99999999"}, timedelta(hours=6)),
        (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        (500, {}, None),
        (502, {}, None),
    ],
)
def test_troubles_that_pass(
    browser: Browser, gradebook: Gradebook, poster: GradePoster,
    status: int, headers: dict[str, str], wait: timedelta | None,
) -> None:  # fmt: skip
    gradebook.answers = [Answer(status, headers=headers)]
    page = launched(browser, gradebook.claim)
    with pytest.raises(DeliveryError) as failed:
        poster(decided(page))
    assert (failed.value.permanent, failed.value.retry_after) == (False, wait)
    poster(decided(page))
    assert gradebook.scores["7"]["scoreGiven"] == 100


def test_409_is_stamped_afresh_once_by_the_later_clock(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=3)
    gradebook.answers = [Answer(409, headers={"Date": format_datetime(ahead, usegmt=True)})]
    poster(decided(launched(browser, gradebook.claim)))
    [score] = gradebook.received
    assert datetime.fromisoformat(score["timestamp"]) >= ahead.replace(microsecond=0)


def test_409_again_is_left_for_later(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    gradebook.answers = [Answer(409), Answer(409)]
    with pytest.raises(DeliveryError, match="409") as failed:
        poster(decided(launched(browser, gradebook.claim)))
    assert not failed.value.permanent


def test_a_scope_that_was_dropped_silently_is_named(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    gradebook.granted = []
    gradebook.answers = [Answer(403)]
    with pytest.raises(DeliveryError, match="did not grant the scope score") as failed:
        poster(decided(launched(browser, gradebook.claim)))
    assert failed.value.permanent


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (Answer(400, b'{"error": "invalid_scope"}'), True),
        (Answer(401, b'{"error": "invalid_client"}'), False),
        (Answer(404, b"<html>"), False),
        (Answer(500, b"{broken"), False),
        (Answer(200, b"<html>"), False),
        (Answer(200, b'{"access_token": 7}'), False),
        (Answer(200, b'{"access_token": "a\\nb"}'), False),
        (Answer(302, headers={"Location": "https://elsewhere.example"}), False),
    ],
)
def test_a_token_that_is_not_given(
    browser: Browser, gradebook: Gradebook, poster: GradePoster, answer: Answer, permanent: bool
) -> None:
    gradebook.token_answers = [answer]
    with pytest.raises(DeliveryError) as failed:
        poster(decided(launched(browser, gradebook.claim)))
    assert failed.value.permanent is permanent
    assert gradebook.received == []


def test_a_platform_that_is_not_there_is_tried_again_later(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    nowhere = {AGS: {"scope": SCOPES, "lineitem": "http://127.0.0.1:9/items/1"}}
    with pytest.raises(DeliveryError) as failed:
        poster(decided(launched(browser, nowhere)))
    assert not failed.value.permanent


def test_a_line_item_on_a_private_address_is_never_asked(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    private = {AGS: {"scope": SCOPES, "lineitem": "https://10.0.0.1/items/1"}}
    with pytest.raises(DeliveryError) as failed:
        poster(decided(launched(browser, private)))
    assert failed.value.permanent


def test_a_line_item_is_made_where_there_is_none_and_kept(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    page = launched(browser, gradebook.claim_without_item)
    for day in range(2):
        poster(decided(page, decided_at=(NOW + timedelta(days=day)).isoformat()))
    [item] = gradebook.items
    assert (item["label"], item["scoreMaximum"]) == ("Questions That Open", 100)
    assert (item["resourceLinkId"], item["tag"]) == ("link-1", "milepost")
    assert link(installation).line_item_url == item["id"]
    assert gradebook.scores["7"]["scoreGiven"] == 100
    launched(browser, gradebook.claim_without_item)
    assert link(installation).line_item_url == item["id"]


def test_a_line_item_of_the_link_is_found_among_others(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    url = f"{gradebook.server.url}/items/1/lineitem?type_id=3"
    gradebook.items = [
        {"id": f"{gradebook.server.url}/items/8/lineitem", "resourceLinkId": "another"},
        {"id": f"{gradebook.server.url}/items/9/lineitem", "resourceLinkId": "link-1"},
        {"id": url, "resourceLinkId": "link-1", "tag": "milepost"},
        "odd",
    ]
    poster(decided(launched(browser, gradebook.claim_without_item)))
    assert len(gradebook.items) == 4
    assert gradebook.scores["7"]["scoreGiven"] == 100
    [listing] = [one for one in gradebook.server.requests if one.path == "/items"]
    assert listing.query == {"type_id": ["3"], "resource_link_id": ["link-1"]}


def test_a_line_item_on_another_site_gets_no_token(
    browser: Browser, gradebook: Gradebook, poster: GradePoster
) -> None:
    gradebook.items = [{"id": "https://elsewhere.example/1", "resourceLinkId": "link-1"}]
    with pytest.raises(DeliveryError) as failed:
        poster(decided(launched(browser, gradebook.claim_without_item)))
    assert failed.value.permanent


def test_two_deliveries_never_make_two_line_items(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    page = launched(browser, gradebook.claim_without_item)
    gradebook.answers = [Answer(500)]
    with pytest.raises(DeliveryError):
        poster(decided(page))
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        row = session.scalars(select(LineItem)).one()
        row.claimed_until = datetime.now(UTC) + timedelta(minutes=1)
    with pytest.raises(DeliveryError) as failed:
        poster(decided(page))
    assert failed.value.retry_after == timedelta(seconds=5)
    assert gradebook.items == []


def test_a_claim_is_given_back_when_making_the_line_item_fails(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    page = launched(browser, gradebook.claim_without_item)
    gradebook.answers = [Answer(500)]
    with pytest.raises(DeliveryError):
        poster(decided(page))
    with installation.runtime.database.snapshot() as session, unscoped(session, "test"):
        assert session.scalars(select(LineItem.claimed_until)).all() == [None]
    poster(decided(page))
    assert gradebook.scores["7"]["scoreGiven"] == 100


@pytest.mark.parametrize(
    ("scopes", "said"),
    [([SCOPES[1]], "no scope to send scores"), ([SCOPES[0]], "lets us look for none"),
     ([SCOPES[0], SCOPES[2]], "lets us make none")],
)  # fmt: skip
def test_scopes_that_the_launch_did_not_offer(
    browser: Browser, gradebook: Gradebook, poster: GradePoster, scopes: list[str], said: str
) -> None:
    claim = {AGS: {"scope": scopes, "lineitems": f"{gradebook.server.url}/items"}}
    if SCOPES[0] not in scopes:
        claim[AGS]["lineitem"] = f"{gradebook.server.url}/items/1/lineitem"
    with pytest.raises(DeliveryError, match=said) as failed:
        poster(decided(launched(browser, claim)))
    assert failed.value.permanent


def test_a_link_without_a_gradebook_is_no_trouble(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    page = launched(browser, {})
    poster(decided(page))
    poster(decided(page, resource_link_id=None))
    assert deliveries(installation) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"score": "nan"}, {"score": "-1"}, {"score": "inf"}, {"max": 0}, {"score": "many"},
        {"decided_at": "today"}, {"decided_at": "2026-03-14T10:30:00"}, {"person_id": "x"},
        {"resource_link_id": str(uuid.uuid4())}, {"person_id": str(uuid.uuid4())},
    ],
)  # fmt: skip
def test_news_that_cannot_be_sent_is_for_a_person_to_look_at(
    browser: Browser, gradebook: Gradebook, poster: GradePoster, changes: dict[str, Any]
) -> None:
    with pytest.raises(DeliveryError) as failed:
        poster(decided(launched(browser, gradebook.claim), **changes))
    assert failed.value.permanent
    assert gradebook.received == []


def test_a_platform_that_was_switched_off_gets_nothing(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster
) -> None:
    page = launched(browser, gradebook.claim)
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        row = session.get(Platform, installation.platform_id)
        assert row is not None
        row.disabled_at = NOW
    with pytest.raises(DeliveryError, match="switched off"):
        poster(decided(page))


KILLED = """
import json, sys, uuid
from datetime import datetime
from pathlib import Path
import lti_tool.models
from core.outbox import Job
from keys.shared import ring_of
from lti_tool.lti.grades import GradePoster
from tests.support.environment import make_runtime
runtime = make_runtime(Path(sys.argv[1]))
payload = json.loads(sys.argv[2])
job = Job(uuid.uuid4(), "t", "k", payload, 1, None, uuid.uuid4(), datetime.now())
GradePoster(runtime, ring_of(runtime))(job)
"""


def test_killed_between_sending_and_recording_nothing_is_lost(
    browser: Browser, installation: Installation, gradebook: Gradebook, poster: GradePoster,
) -> None:  # fmt: skip
    job = decided(launched(browser, gradebook.claim))
    home = str(installation.runtime.config.home)
    environment = {**os.environ, "MILEPOST_CRASH_POINT": "score-sent-not-recorded"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, home, json.dumps(dict(job.payload))],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(gradebook.received) == 1
    assert deliveries(installation) == []
    poster(job)
    assert gradebook.scores["7"]["scoreGiven"] == 100
    assert len(deliveries(installation)) == 1
