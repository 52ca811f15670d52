"""Choosing figures, measuring them, and telling the result as a table and as JSON lines."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from tests.bench.bench import Bench
from tests.bench.figures import Figure, Outcome, rounded

RESULTS = "latest.jsonl"
MET, MISSED, MISUSED = 0, 1, 2


def choose(figures: Sequence[Figure], only: str | None) -> list[Figure]:
    """The figures that `only` names: exact names or prefixes, separated by commas.

    Raises ValueError for a name that fits none.
    """
    if only is None:
        return list(figures)
    wanted: set[str] = set()
    for name in filter(None, (part.strip() for part in only.split(","))):
        exact = {figure.name for figure in figures if figure.name == name}
        found = exact or {figure.name for figure in figures if figure.name.startswith(name)}
        if not found:
            raise ValueError(f"no figure is called {name}")
        wanted |= found
    if not wanted:
        raise ValueError("no figure was named")
    return [figure for figure in figures if figure.name in wanted]


def run(
    figures: Sequence[Figure],
    *,
    only: str | None,
    results: Path,
    out: TextIO | None = None,
) -> int:
    """Measure, print one line a figure, write `results`/latest.jsonl; returns the exit code.

    0 where every bound is kept, 1 where one is missed or a figure could not be measured, 2 where
    `only` names no figure.
    """
    out = out or sys.stdout
    try:
        chosen = choose(figures, only)
    except ValueError as error:
        names = ", ".join(figure.name for figure in figures)
        out.write(f"{str(error).capitalize()}. There are: {names}\n")
        return MISUSED
    outcomes: list[Outcome] = []
    width = max(len(figure.name) for figure in chosen)
    out.write(f"{'figure':<{width}}  {'value':>9}  {'unit':<7}  {'bound':>9}  {'':<6}  peer\n")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Bench(Path(folder)) as bench:
        for figure in chosen:
            outcomes.append(_measure(figure, bench))
            out.write(_line(outcomes[-1], width))
            out.flush()
    write(outcomes, results)
    return MISSED if any(outcome.met is False for outcome in outcomes) else MET


def write(outcomes: Iterable[Outcome], folder: Path) -> None:
    """Write one JSON object a line; whoever reads meanwhile sees the old file or the new."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{RESULTS}.part"
    partial.write_text("".join(f"{json.dumps(each.record())}\n" for each in outcomes), "utf-8")
    partial.replace(folder / RESULTS)


def _measure(figure: Figure, bench: Bench) -> Outcome:
    try:
        return Outcome(figure, figure.measure(bench))
    except Exception as error:  # one broken figure must not hide the others
        traceback.print_exc()
        return Outcome(figure, None, f"{type(error).__name__}: {error}")


def _line(outcome: Outcome, width: int) -> str:
    figure, measured = outcome.figure, outcome.measured
    bound = "" if figure.target is None else f"{_sign(figure)} {figure.target:g}"
    word = {True: "met", False: "MISSED", None: ""}[outcome.met]
    value, beside = "-", ""
    if measured is None:
        beside = f"not measured ({outcome.fault})"
    else:
        value = _number(measured.value)
        if measured.peer is not None:
            beside = f"{measured.peer.name} {_number(measured.peer.value)}"
    line = f"{figure.name:<{width}}  {value:>9}  {figure.unit:<7}  {bound:>9}  {word:<6}  {beside}"
    return line.rstrip() + "\n"


def _sign(figure: Figure) -> str:
    return "≤" if figure.better == "lower" else "≥"


def _number(value: float) -> str:
    short = rounded(value)
    return f"{short:,.0f}" if abs(short) >= 1000 else f"{short:g}"
