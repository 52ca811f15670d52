"""`/metrics` for Prometheus, behind a token; counts of all processes of one `serve` together."""

from __future__ import annotations

import hmac
import os
import time

from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import func, select

from core.db import utcnow
from core.errors import NotAllowedError, NotFoundError
from core.outbox import OutboxMessage
from core.runtime import Runtime

REQUESTS = Counter("milepost_requests", "Requests answered", ["route", "method", "status"])
SECONDS = Histogram("milepost_request_seconds", "Time to answer", ["route"])


def install(app: Flask) -> None:
    """Count requests and serve `/metrics`."""
    app.after_request(_count)
    app.add_url_rule("/metrics", "metrics", lambda: _serve(app.extensions["milepost"]))


def _count(response: Response) -> Response:
    route = str(request.url_rule) if request.url_rule else "unknown"
    REQUESTS.labels(route, request.method, str(response.status_code)).inc()
    if "began" in g:
        SECONDS.labels(route).observe(time.perf_counter() - g.began)
    return response


def _serve(shared: Runtime) -> Response:
    token = shared.config.metrics_token
    if token is None:
        raise NotFoundError("Metrics are off: MILEPOST_METRICS_TOKEN is not set.")
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise NotAllowedError("A bearer token is needed here.", code="token_missing")
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        body = generate_latest(registry)
    else:
        body = generate_latest()
    return Response(body + generate_latest(_outbox(shared)), content_type=CONTENT_TYPE_LATEST)


def _outbox(shared: Runtime) -> CollectorRegistry:
    registry = CollectorRegistry()
    rows = Gauge("milepost_outbox_rows", "Outbox rows", ["topic", "state"], registry=registry)
    oldest = Gauge("milepost_outbox_oldest_seconds", "Age of the oldest due job", registry=registry)
    table, now = OutboxMessage.__table__, utcnow()
    with shared.database.snapshot() as session:
        counted = session.connection().execute(
            select(table.c.topic, table.c.state, func.count())
            .where(table.c.state != "done")
            .group_by(table.c.topic, table.c.state)
        )
        for topic, state, number in counted:
            rows.labels(topic, state).set(number)
        due = (
            session.connection()
            .execute(select(func.min(table.c.next_run_at)).where(table.c.state == "ready"))
            .scalar()
        )
    oldest.set(max((now - due).total_seconds(), 0) if due else 0)
    return registry
