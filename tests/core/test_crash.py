"""Where a test may end a process: nowhere else, and only there."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from core import crash


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What would have been ended, noted instead."""
    noted: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _process, number: noted.append(number))
    monkeypatch.setattr(crash, "_passed", Counter())
    return noted


@pytest.mark.parametrize(("wanted", "times"), [("here", [1]), ("here:3", [3]), ("there", [])])
def test_it_ends_the_process_at_the_place_and_the_time_that_were_named(
    ends: list[int], monkeypatch: pytest.MonkeyPatch, wanted: str, times: list[int]
) -> None:
    monkeypatch.setenv("MILEPOST_CRASH_POINT", wanted)
    found = []
    for time in range(1, 5):
        before = len(ends)
        crash.crash_point("here", "test")
        found += [time] * (len(ends) - before)
    assert found == times


def test_it_does_nothing_where_people_work(
    ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "MILEPOST_CRASH_POINT", "here")
    for environment in ("production", "development"):
        crash.crash_point("here", environment)
    assert ends == []
