"""Errors that nobody had advice for still say what to do, and lead back into the visit."""

from __future__ import annotations

import uuid

from flask.testing import FlaskClient

from core.runtime import Runtime
from core.web.app import make_app
from tests.support.environment import BASE_URL


def client(runtime: Runtime) -> FlaskClient:
    return make_app(runtime).test_client()


def test_nothing_there_says_what_to_do(runtime: Runtime) -> None:
    answer = client(runtime).get("/nowhere", base_url=BASE_URL, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "Look at the address again" in answer.text


def test_inside_a_visit_there_is_a_way_back_to_its_first_page(runtime: Runtime) -> None:
    visit = f"/s/{uuid.uuid4()}/"
    answer = client(runtime).get(
        f"{visit}nowhere", base_url=BASE_URL, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 404
    assert f'href="{visit}"' in answer.text


def test_an_address_that_looks_like_a_visit_is_not_echoed(runtime: Runtime) -> None:
    odd = '/s/000000000000000000000000000000000000/"><script>'
    answer = client(runtime).get(odd, base_url=BASE_URL, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "<script>" not in answer.text


def test_the_advice_is_in_json_too(runtime: Runtime) -> None:
    answer = client(runtime).get(
        "/nowhere", base_url=BASE_URL, headers={"Accept": "application/json"}
    )
    assert "Look at the address" in answer.get_json()["advice"]
