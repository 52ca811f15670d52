"""Mutated badges: no crash, no hang, and none of them valid unless it says the same.

1,100 in every run, 11,000 with MILEPOST_SOAK; the same ones each time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support import mutation_child
from tests.support.mutation_child import case

ROOT = Path(__file__).resolve().parents[3]
TIMES = 10 if os.environ.get("MILEPOST_SOAK") else 1
COUNTS = {"png": 250, "svg": 250, "json": 230, "jwt": 230, "selective": 100, "list": 40}
# A backstop for the whole batch, far beyond what it takes; each case has its own second of CPU.
WALL_SECONDS = 300


def run(kind: str, first: int, count: int) -> Counter[str]:
    """Verify a batch in a child; how often each outcome came."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.mutation_child", kind, str(first), str(count)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WALL_SECONDS * TIMES,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"{kind} case {lines[-1:]}: {done.returncode}\n{done.stderr}"
    answers = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(answers) == count
    assert [answer for answer in answers if answer["fault"]] == []
    return Counter(answer["outcome"] for answer in answers)


@pytest.mark.parametrize("kind", COUNTS)
def test_mutated_badges_are_answered_and_never_falsely_valid(kind: str) -> None:
    outcomes = run(kind, 0, COUNTS[kind] * TIMES)
    assert outcomes["invalid"] > outcomes["valid"], outcomes


def test_the_unchanged_badge_is_valid_so_the_mutations_can_be_blamed() -> None:
    document, token = mutation_child.badges()
    for data in (json.dumps(document), token, json.dumps(mutation_child.selection())):
        resolver = mutation_child.web(mutation_child.status_list())
        report = mutation_child.verify(data, resolver=resolver, now=mutation_child.NOW)
        assert report.valid
        assert mutation_child.same(dict(report.credential or {}))
    revoked = mutation_child.web(mutation_child.status_list(1))
    report = mutation_child.verify(json.dumps(document), resolver=revoked, now=mutation_child.NOW)
    assert not report.valid


def test_the_same_number_gives_the_same_mutation() -> None:
    for kind in COUNTS:
        assert [case(kind, number) for number in range(5)] == [
            case(kind, number) for number in range(5)
        ]
        assert len({case(kind, number) for number in range(20)}) > 10


def test_a_case_that_hangs_would_be_named() -> None:
    code = (
        "from tests.support import mutation_child as m\n"
        "m.judge = lambda kind, number: number < 2 or [0 for _ in iter(int, 1)]\n"
        "m.CPU_SECONDS = 0.05\nm.json.dumps = lambda _value: '{}'\nm.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "png", "0", "5"],
        cwd=ROOT, capture_output=True, text=True, timeout=WALL_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode < 0
    assert done.stdout.splitlines()[-1] == "2 begins"
