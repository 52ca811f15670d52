"""A body that is too large is refused in words, with the way back to its form."""

from __future__ import annotations

import pytest
from flask import Flask, request
from flask.blueprints import Blueprint
from flask_babel import gettext as _

from core.errors import TooLargeError
from core.runtime import Runtime
from core.web.app import MAX_FORM_BYTES, make_app
from core.web.bodies import BESIDE_A_FILE, take_files

MOST = MAX_FORM_BYTES + 1000


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    app, pages = make_app(runtime), Blueprint("pages", __name__)
    take_files(
        pages, {"pages.bring": "pages.form"}, most=MOST,
        too_large=lambda size: TooLargeError(_("%(size)s bytes are too many.", size=size)),
    )  # fmt: skip

    @pages.get("/things/<int:number>")
    def form(number: int) -> str:
        return f"form {number}"

    @pages.post("/things/<int:number>/file")
    def bring(number: int) -> str:
        return f"{number} has {len(request.form.get('text', ''))}"

    app.register_blueprint(pages)
    return app


def test_a_page_that_takes_files_takes_more_than_a_form(app: Flask) -> None:
    answer = app.test_client().post("/things/7/file", data={"text": "x" * (MAX_FORM_BYTES - 20)})
    assert answer.text == f"7 has {MAX_FORM_BYTES - 20}"


def test_more_than_that_is_refused_with_its_size_and_the_way_back(app: Flask) -> None:
    size = MOST + BESIDE_A_FILE + 1
    answer = app.test_client().post(
        "/things/7/file", data=b"a=" + b"x" * (size - 2),
        content_type="application/x-www-form-urlencoded", headers={"Accept": "text/html"},
    )  # fmt: skip
    assert answer.status_code == 413
    assert f"{size} bytes are too many." in answer.text
    assert 'href="/things/7"' in answer.text
    assert "add a link" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_a_field_that_is_too_long_says_nothing_of_the_file(app: Flask) -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="text"\r\n\r\n'
    answer = app.test_client().post(
        "/things/7/file", data=head + b"x" * (MAX_FORM_BYTES + 100) + b"\r\n--B--\r\n",
        content_type="multipart/form-data; boundary=B",
    )  # fmt: skip
    assert answer.status_code == 413
    assert "bytes are too many" not in answer.text
