"""Room for files: a few pages take a larger body than others, and say in words when it is more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, g, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge

from core.errors import TooLargeError

BESIDE_A_FILE: Final = 64 * 1024


def take_files(
    blueprint: Blueprint,
    pages: Mapping[str, str],
    *,
    most: int,
    too_large: Callable[[int], TooLargeError],
) -> None:
    """Let pages of `blueprint` take a file of `most` bytes, which is more than a form.

    `pages` maps the endpoint that takes it to the one whose page has the form. `too_large` says in
    words that a body of so many bytes is too much; it is asked once somebody reads the body, when
    the request has its number and its visit.
    """

    @blueprint.url_value_preprocessor
    def make_room(endpoint: str | None, values: dict[str, Any] | None) -> None:
        # This runs before anything reads the form.
        page = pages.get(endpoint or "")
        if page is None:
            return
        back = dict(values or {})
        back.pop("sid", None)
        room_for(most + BESIDE_A_FILE, lambda size: _with_way_back(too_large(size), page, back))


def room_for(most: int, too_large: Callable[[int], TooLargeError]) -> None:
    """Let this request's body have `most` bytes, and say what `too_large` says of more."""
    request.max_content_length = most
    g.too_large = too_large


def refusal_of_more() -> TooLargeError | None:
    """What is said of this request's body where it is more than there was room for; else None."""
    said: Callable[[int], TooLargeError] | None = g.get("too_large")
    size, most = request.content_length, request.max_content_length or 0
    if said is None or (size is not None and size <= most):
        return None  # the file has room, and something else in the form is too long
    return said(max(size or 0, most))


def file_was_sent() -> bool:
    """Whether a file came along with this request's form; also one that was too large to read."""
    try:
        return any(one.filename for one in request.files.values())
    except RequestEntityTooLarge:
        return True


def _with_way_back(error: TooLargeError, page: str, values: Mapping[str, Any]) -> TooLargeError:
    url = url_for(page, **values)
    error.actions.append({"label": _("Back to the form"), "url": url, "primary": True})
    return error
