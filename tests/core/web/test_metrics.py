"""`/metrics`: off until a token is set, and then for who has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from core.db import utcnow
from core.outbox import bury, claim, publish
from core.runtime import Runtime
from core.web.app import make_app
from tests.support.environment import BASE_URL

TOKEN = "a-token-of-forty-three-characters-or-so"


def client_of(runtime: Runtime, token: str | None) -> FlaskClient:
    shared = replace(runtime, config=replace(runtime.config, metrics_token=token))
    return make_app(shared).test_client()


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return client_of(runtime, TOKEN)


def ask(client: FlaskClient, authorization: str | None = f"Bearer {TOKEN}") -> tuple[int, str]:
    headers = {"Authorization": authorization} if authorization is not None else {}
    answer = client.get("/metrics", base_url=BASE_URL, headers=headers)
    return answer.status_code, answer.get_data(as_text=True)


def sample(client: FlaskClient, name: str, **labels: str) -> float:
    """The value of one sample; 0 where there is none."""
    status, body = ask(client)
    assert status == 200
    for family in text_string_to_metric_families(body):
        for found in family.samples:
            if found.name == name and found.labels == labels:
                return float(found.value)
    return 0.0


def test_without_a_token_there_is_nothing_there(runtime: Runtime) -> None:
    for authorization in (None, "Bearer ", "Bearer None", f"Bearer {TOKEN}"):
        status, body = ask(client_of(runtime, None), authorization)
        assert status == 404
        assert "milepost_requests" not in body


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"],
)
def test_with_the_wrong_token_nothing_is_told(
    client: FlaskClient, authorization: str | None
) -> None:
    status, body = ask(client, authorization)
    assert status == 403
    assert "milepost_requests" not in body
    assert TOKEN not in body


def test_requests_are_counted_by_route_and_answer(client: FlaskClient) -> None:
    labels = {"route": "/livez", "method": "GET", "status": "200"}
    before = sample(client, "milepost_requests_total", **labels)
    timed = sample(client, "milepost_request_seconds_count", route="/livez")
    for _ in range(3):
        client.get("/livez", base_url=BASE_URL)
    assert sample(client, "milepost_requests_total", **labels) == before + 3
    assert sample(client, "milepost_request_seconds_count", route="/livez") == timed + 3


def test_addresses_and_methods_that_do_not_exist_make_no_labels(client: FlaskClient) -> None:
    client.get("/wren.samplewood@example.org", base_url=BASE_URL)
    client.open("/livez", method="WREN", base_url=BASE_URL)
    body = ask(client)[1]
    assert "wren" not in body.lower()
    assert sample(
        client, "milepost_requests_total", route="unknown", method="GET", status="404"
    ) >= 1  # fmt: skip
    assert 'method="other"' in body


def test_the_outbox_is_counted_by_topic_and_state(client: FlaskClient, runtime: Runtime) -> None:
    name = "milepost_outbox_rows"
    assert sample(client, name, topic="grade.post", state="ready") == 0
    assert sample(client, "milepost_outbox_oldest_seconds") == 0
    with runtime.database.transaction() as session:
        for key in ("1", "2", "3"):
            publish(session, "grade.post", key, {}, run_at=utcnow() - timedelta(hours=1))
    [job] = claim(runtime.database, limit=1, now=utcnow())
    bury(runtime.database, job, "no", now=utcnow())
    assert sample(client, name, topic="grade.post", state="ready") == 2
    assert sample(client, name, topic="grade.post", state="dead") == 1
    assert sample(client, "milepost_outbox_oldest_seconds") >= 3600


def test_the_outbox_is_counted_on_both_databases(any_runtime: Runtime) -> None:
    with any_runtime.database.transaction() as session:
        publish(session, "credential.sign", "1", {})
    client = client_of(any_runtime, TOKEN)
    assert sample(client, "milepost_outbox_rows", topic="credential.sign", state="ready") == 1


def test_rows_that_are_gone_are_counted_no_more(client: FlaskClient, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        publish(session, "grade.post", "1", {})
    [job] = claim(runtime.database, limit=1, now=utcnow())
    assert 'state="leased"' in ask(client)[1]
    bury(runtime.database, job, "no", now=utcnow())
    assert 'state="leased"' not in ask(client)[1]
