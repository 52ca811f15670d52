"""CPU time: of this process, or of it and its children; medians over rounds.

CPU time rather than wall time, because the machine has other work too; the median of several
rounds, because that work still disturbs caches; rounds of several calls, because garbage
collection and checkpoints belong to the cost.
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Work = Callable[[], float]

ROUNDS = 9
_PROCESS_CLOCK = 2  # CPUCLOCK_SCHED, in the clock id that Linux makes of a process id


def own_cpu() -> float:
    """CPU seconds of this process."""
    return time.process_time()


def family_cpu() -> float:
    """CPU seconds of this process and of its children, living and ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = sum(_cpu_of(child) for child in _children())
    return time.process_time() + ended.ru_utime + ended.ru_stime + living


def timed(call: Callable[[], Any], clock: Callable[[], float] = own_cpu) -> Work:
    """Work that runs `call` once; it tells the seconds taken."""

    def work() -> float:
        began = clock()
        call()
        return clock() - began

    return work


def repeated(call: Callable[[], Any], times: int) -> Work:
    """Work that runs a very short `call` often; it tells the seconds of one."""

    def work() -> float:
        began = time.process_time()
        for _ in range(times):
            call()
        return (time.process_time() - began) / times

    return work


def medians(
    *works: Work, calls: int, rounds: int = ROUNDS, peer_calls: int | None = None
) -> list[float]:
    """The median over rounds of each work's mean seconds; a first round only warms up.

    Works take turns within a round, so that figure and peer meet the same machine. The first is
    done `calls` times a round, the others `peer_calls` times (else as often).
    """
    found: list[list[float]] = [[] for _work in works]
    gc.collect()
    for number in range(rounds + 1):
        for index, work in enumerate(works):
            count = calls if index == 0 else peer_calls or calls
            mean = sum(work() for _call in range(count)) / count
            if number > 0:
                found[index].append(mean)
    return [statistics.median(values) for values in found]


def _children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue  # a thread that has ended meanwhile
    return found


def _cpu_of(process_id: int) -> float:
    try:
        return time.clock_gettime((~process_id << 3) | _PROCESS_CLOCK)
    except OSError:
        return 0.0  # ended meanwhile; its seconds are among those of the ended
