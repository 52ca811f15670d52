"""Launching under load: everybody at once, a minute on end, and beside an LMS that stalls."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.crowd import Crowd, Waited
from tests.bench.figures import Figure, Measured, Peer
from tests.bench.served import Served, one_process, two_processes
from tests.support.local_http import Answer, Request

PEOPLE = 500
WARM_UP, AT_ONCE, MINUTE, A_SECOND = 2000, 25, 60.0, 100
STALL_SECONDS, STALLED_PEOPLE, BESIDE = 10.0, 16, 100
MB = 1024 * 1024


def burst(bench: Bench) -> Measured:
    """95 of 100 teachers wait no longer, when 500 who were never here launch at one moment.

    Two web processes, PostgreSQL, browsers and LMS share this machine's cores. Beside it: the same
    people once more.
    """
    found = bench.open(two_processes)
    crowd = _warm(found)
    people = [f"teacher-{number}" for number in range(PEOPLE)]
    first = _p95(crowd.launch(people))
    return Measured(first * 1e3, Peer("the same people again", _p95(crowd.launch(people)) * 1e3))


def beside_stalled(bench: Bench) -> Measured:
    """What 95 of 100 teachers wait while another LMS's key set takes ten seconds to answer.

    Beside it: the same without the other LMS.
    """
    found = bench.open(two_processes)
    crowd = _warm(found)
    people = [f"beside-{number}" for number in range(BESIDE)]
    alone = _p95(crowd.launch(people))
    over = threading.Event()

    def stall(_request: Request) -> Answer:
        over.wait(STALL_SECONDS)
        return Answer(503)

    stalled = found.crowd(stall)
    waiting = threading.Thread(
        target=stalled.launch, args=([f"stalled-{number}" for number in range(STALLED_PEOPLE)],)
    )
    waiting.start()
    try:
        while not found.server.count(stalled.keys_path):
            time.sleep(0.01)
        meanwhile = crowd.launch(people)
    finally:
        over.set()
        waiting.join()
    return Measured(_p95(meanwhile) * 1e3, Peer("without it", alone * 1e3))


def growth(bench: Bench) -> Measured:
    """What one web process keeps after a minute of launches, beyond what it held warmed up."""
    found = bench.open(one_process)
    crowd = found.crowd()
    _launch(crowd, "warm", WARM_UP // AT_ONCE)
    before, processes = _resident(found), found.web_processes()
    began, rounds = time.monotonic(), 0
    while time.monotonic() - began < MINUTE:
        _launch(crowd, f"round-{rounds}", 1)
        rounds += 1
        ahead = rounds * AT_ONCE / A_SECOND - (time.monotonic() - began)
        time.sleep(max(ahead, 0))
    if found.web_processes() != processes:
        raise RuntimeError("the process was replaced meanwhile: this measures nothing")
    return Measured(
        (_resident(found) - before) / MB, Peer("launches meanwhile", float(rounds * AT_ONCE))
    )


def _warm(found: Served) -> Crowd:
    crowd = found.crowd()
    _launch(crowd, "warm", 4)
    return crowd


def _launch(crowd: Crowd, name: str, rounds: int) -> None:
    for number in range(rounds):
        _p95(crowd.launch([f"{name}-{number}-{person}" for person in range(AT_ONCE)]))


def _p95(waited: list[Waited]) -> float:
    """The 95th percentile. Raises RuntimeError where anybody met a fault."""
    faults = [each.fault for each in waited if each.fault]
    if faults:
        raise RuntimeError(f"{len(faults)} of {len(waited)} launches: {faults[0]}")
    seconds = sorted(each.seconds for each in waited)
    return seconds[(len(seconds) * 95 + 99) // 100 - 1]


def _resident(found: Served) -> int:
    """Resident bytes of the web processes together."""
    rolled = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in found.web_processes()]
    lines = [line for text in rolled for line in text.splitlines() if line.startswith("Rss:")]
    return sum(int(line.split()[1]) * 1024 for line in lines)


FIGURES = (
    Figure("launch.burst_500_p95_ms", "ms", "lower", 1500, burst),
    Figure("launch.beside_stalled_p95_ms", "ms", "lower", 1500, beside_stalled),
    Figure("launch.rss_growth_mb", "MB", "lower", 5, growth),
)
