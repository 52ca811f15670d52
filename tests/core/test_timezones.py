"""Time zones: whatever a page cannot be written in counts as unknown."""

from __future__ import annotations

import zoneinfo

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from core.config import Config
from core.db import utcnow
from core.errors import ConfigError
from core.runtime import Runtime
from core.timezones import known
from core.web.app import make_app
from core.web.i18n import zone_name

UNKNOWN = ["", "Nowhere/Bad", "Factory", "localtime", "posixrules", "posix/Europe/Vienna",
           "right/Europe/Vienna", "../../etc/passwd", "Europe", "a\0b", "Wien"]  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_names_that_no_page_can_be_written_in(name: str) -> None:
    assert not known(name)


@pytest.mark.parametrize("name", ["UTC", "Europe/Vienna", "America/Indiana/Indianapolis", "EST"])
def test_names_of_zones(name: str) -> None:
    assert known(name)


@pytest.mark.parametrize("name", UNKNOWN[1:])
def test_a_default_zone_that_is_unknown_is_a_fault_of_the_settings(name: str) -> None:
    env = {"MILEPOST_ENVIRONMENT": "test", "MILEPOST_DEFAULT_TIMEZONE": name}
    with pytest.raises(ConfigError, match="MILEPOST_DEFAULT_TIMEZONE is not usable"):
        Config.from_env(env)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return make_app(runtime)


@given(st.text(max_size=20) | st.sampled_from(sorted(zoneinfo.available_timezones()) + UNKNOWN))
def test_every_page_has_a_zone_whatever_is_kept_of_its_reader(app: Flask, name: str) -> None:
    with app.test_request_context():
        g.timezone = name
        assert zone_name(utcnow())
