"""`python -m tests.bench [--only NAME]`: measure, and exit with 1 where a bound is missed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench import badges, crowds, issuing, launch, web
from tests.bench.runner import run

FIGURES = (*launch.FIGURES, *crowds.FIGURES, *badges.FIGURES, *issuing.FIGURES, *web.FIGURES)
RESULTS = Path(__file__).resolve().parents[2] / ".bench"


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only",
        metavar="NAME",
        help="names of figures or their beginnings, separated by commas: badge.,web.first_page_kb",
    )
    return run(FIGURES, only=parser.parse_args(arguments).only, results=RESULTS)


if __name__ == "__main__":
    sys.exit(main())
