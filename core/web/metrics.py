"""`/metrics` for Prometheus, behind a token; counts of all processes of one `serve` together."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Iterable
from functools import cache

from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from core.db import utcnow
from core.errors import NotAllowedError, NotFoundError
from core.outbox import OutboxMessage
from core.runtime import Runtime

REQUESTS = Counter("milepost_requests", "Requests answered", ["route", "method", "status"])
SECONDS = Histogram("milepost_request_seconds", "Time to answer", ["route"])

# Anything may be sent as a method, and every new label is kept for good.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_together(folder: str) -> None:
    """Let all processes that are forked from this one count into `folder`.

    To be called before the first request is counted.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    # The library has looked at the environment when it was imported, which was long before.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def install(app: Flask) -> None:
    """Count requests and serve `/metrics`."""
    app.after_request(_count)
    app.add_url_rule("/metrics", "metrics", lambda: _serve(app.extensions["milepost"]))


def _count(response: Response) -> Response:
    route = str(request.url_rule) if request.url_rule else "unknown"
    method = request.method if request.method in METHODS else "other"
    answered, seconds = _children(route, method, response.status_code)
    answered.inc()
    if "began" in g:
        seconds.observe(time.perf_counter() - g.began)
    return response


@cache
def _children(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """The two series of a route; the library looks its labels up under a lock every time."""
    return REQUESTS.labels(route, method, str(status)), SECONDS.labels(route)


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
    outbox = CollectorRegistry()
    outbox.register(_Outbox(shared))
    return Response(body + generate_latest(outbox), content_type=CONTENT_TYPE_LATEST)


class _Outbox(Collector):
    """What waits in the outbox, read when it is asked for and kept by no process."""

    def __init__(self, shared: Runtime) -> None:
        self.shared = shared

    def collect(self) -> Iterable[Metric]:
        """Rows by topic and state, and the age of the oldest due job."""
        rows = GaugeMetricFamily("milepost_outbox_rows", "Outbox rows", labels=["topic", "state"])
        table, now = OutboxMessage.__table__, utcnow()
        with self.shared.database.snapshot() as session:
            connection = session.connection()
            counted = connection.execute(
                select(table.c.topic, table.c.state, func.count())
                .where(table.c.state != "done")
                .group_by(table.c.topic, table.c.state)
                .order_by(table.c.topic, table.c.state)
            )
            for topic, state, number in counted:
                rows.add_metric([topic, state], number)
            due = connection.execute(
                select(func.min(table.c.next_run_at)).where(table.c.state == "ready")
            ).scalar()
        yield rows
        yield GaugeMetricFamily(
            "milepost_outbox_oldest_seconds",
            "Age of the oldest due job",
            value=max((now - due).total_seconds(), 0) if due else 0,
        )
