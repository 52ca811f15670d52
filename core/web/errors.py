"""Domain errors to HTTP: a page, or JSON where JSON was asked; always with the request's id."""

from __future__ import annotations

import logging
import re
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from core.db import utcnow
from core.errors import MilepostError
from core.web.bodies import refusal_of_more

log = logging.getLogger("milepost.web")
_VISIT = re.compile(r"/s/[0-9a-f-]{36}/")


def wants_json() -> bool:
    """Whether the client asked for JSON rather than a page."""
    accepted = request.accept_mimetypes
    return accepted.best_match(["text/html", "application/json"], "text/html") == "application/json"


def problem(
    *,
    status: int,
    code: str,
    title: Any,
    message: Any,
    advice: Any = None,
    actions: list[dict[str, Any]] | None = None,
    fields: dict[str, Any] | None = None,
) -> Response:
    """An error answer in the form the client can read; lazy texts are made now, in its language."""
    advice = advice or _advice(status)
    steps = (
        [str(item) for item in advice] if isinstance(advice, list | tuple) else str(advice or "")
    )
    if wants_json():
        body: dict[str, Any] = {
            "error": code,
            "message": str(message),
            "request_id": g.get("request_id", "-"),
        }
        if steps:
            body["advice"] = steps
        if fields:
            body["fields"] = {name: str(text) for name, text in fields.items()}
        response = jsonify(body)
    else:
        page = render_template(
            "errors/problem.html",
            title=str(title),
            lead=str(message),
            advice=steps,
            status=status,
            code=code,
            when=utcnow(),
            actions=actions or _way_back(status),
            contact=g.get("support_contact"),
        )
        response = make_response(page)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def _advice(status: int) -> Any:
    """What to do where whoever refused had nothing better to say."""
    if request.path.startswith("/lti/") and status in {400, 404, 405}:
        return _("Go back to your course and open the activity again.")
    return {
        400: _("Go back, load the page anew and try once more."),
        404: _("Look at the address again; what a link led to may also have been taken back."),
        405: _("Go back and use the buttons of the page."),
    }.get(status)


def _way_back(status: int) -> list[dict[str, Any]]:
    """The first page of the visit that the address names; a session that has ended has none."""
    visit = _VISIT.match(request.path)
    if visit is None or status == 401:
        return []
    return [{"label": _("Back to your first page"), "url": visit[0], "primary": True}]


def install(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(MilepostError, refusal)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def refusal(error: MilepostError) -> Response:
    """The answer to a domain error, noted in the log by its code."""
    level = logging.WARNING if error.status >= 500 else logging.INFO
    log.log(level, "refused", extra={"code": error.code, "status": error.status,
                                     "route": _route()})  # fmt: skip
    response = problem(
        status=error.status,
        code=error.code,
        title=error.title or _title(error.status),
        message=error.message,
        advice=error.advice,
        actions=[dict(action) for action in error.actions],
        fields=getattr(error, "fields", None),
    )
    response.headers.update(error.headers)
    return response


def _http(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    more = refusal_of_more() if status == 413 else None
    if more is not None:
        return refusal(more)
    codes = {
        404: "not_found",
        405: "method_not_allowed",
        413: "request_too_large",
        400: "bad_request",
    }
    messages = {
        404: _("There is nothing at this address, or nothing that you may see."),
        405: _("This address does not take that kind of request."),
        413: _("What was sent is too large."),
        400: _("What was sent could not be read."),
    }
    response = problem(
        status=status,
        code=codes.get(status, "http_error"),
        title=_title(status),
        message=messages.get(status, _("This request could not be answered.")),
        advice=_("Go back and send less at once.") if status == 413 else None,
    )
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after", "location"}:
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error, extra={"route": _route(), "status": 500})
    return problem(
        status=500,
        code="internal_error",
        title=_title(500),
        message=_("Something on our side went wrong. It has been noted."),
        advice=_(
            "Try once more. If it happens again, tell your administrator the request id below."
        ),
    )


def _route() -> str:
    return str(request.url_rule) if request.url_rule else "-"


def _title(status: int) -> Any:
    titles = {
        400: _("This could not be read"),
        401: _("Please open this from your course again"),
        403: _("This is not yours to open"),
        404: _("Nothing here"),
        405: _("Not this way"),
        409: _("Somebody was here first"),
        410: _("This is no longer valid"),
        413: _("Too large"),
        422: _("Something needs another look"),
        503: _("Please try again in a moment"),
    }
    return titles.get(status) or (
        _("Something went wrong here") if status >= 500 else _("Not possible")
    )
