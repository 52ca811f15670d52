"""`/livez`: the process answers. `/readyz`: everything it needs does too."""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify
from sqlalchemy import text

from core.migrate import head_revision, revision_of
from core.runtime import Runtime

log = logging.getLogger("milepost.ops")


def install(app: Flask) -> None:
    """Serve both and check the database and its migrations."""
    shared: Runtime = app.extensions["milepost"]
    shared.checks.setdefault("database", lambda: _database(shared))
    shared.checks.setdefault("migrations", lambda: _migrations(shared))
    app.add_url_rule("/livez", "livez", lambda: Response("ok\n", mimetype="text/plain"))
    app.add_url_rule("/readyz", "readyz", lambda: _ready(shared))


def run_checks(shared: Runtime) -> dict[str, str | None]:
    """Run every check; a name maps to None where it holds, else to what is wrong."""
    results: dict[str, str | None] = {}
    for name, check in shared.checks.items():
        try:
            check()
            results[name] = None
        except Exception as exc:  # a check reports whatever is wrong, of any kind
            log.warning("not ready", extra={"reason": name}, exc_info=True)
            results[name] = str(exc) or type(exc).__name__
    return results


def _ready(shared: Runtime) -> Response:
    results = run_checks(shared)
    ready = not any(results.values())
    body = {name: "ok" if fault is None else "failed" for name, fault in results.items()}
    response = jsonify({"ready": ready, "checks": body})
    response.status_code = 200 if ready else 503
    return response


def _database(shared: Runtime) -> None:
    with shared.database.snapshot() as session:
        session.execute(text("SELECT 1"))


def _migrations(shared: Runtime) -> None:
    found, wanted = revision_of(shared.database), head_revision()
    if found != wanted:
        raise RuntimeError(f"the database is at {found or 'nothing'}, this version needs {wanted}")
