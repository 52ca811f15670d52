"""`python -m badges.openbadges`: verify or unbake a badge from the command line, offline.

    verify FILE [--controllers FILE.json] [--recipient ADDRESS] [--json]
    unbake FILE

Exit codes: 0 valid (or unbaked), 1 not valid (or no badge in the image), 2 undecided or a
wrong use of the command.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from badges.openbadges.baking import unbake
from badges.openbadges.documents import id_of, parse_json
from badges.openbadges.errors import BakingError, DocumentError
from badges.openbadges.report import Outcome, Report, StepStatus
from badges.openbadges.resolution import OfflineResolver
from badges.openbadges.verify import verify

EXIT_CODES = {Outcome.VALID: 0, Outcome.INVALID: 1, Outcome.UNDECIDED: 2}
_MARKS = {
    StepStatus.PASSED: "passed",
    StepStatus.FAILED: "FAILED",
    StepStatus.NOT_POSSIBLE: "not possible",
}
_CONCLUSIONS = {
    Outcome.VALID: "The %s is valid.",
    Outcome.INVALID: "The %s is not valid.",
    Outcome.UNDECIDED: "Nothing is wrong with the %s, but not everything could be checked.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        data = Path(options.file).read_bytes()
        if options.command == "unbake":
            return _unbake(data)
        documents = _controllers(options.controllers)
    except OSError as error:
        return _fault(f"{error.filename}: {error.strerror}")
    except DocumentError as error:
        return _fault(f"{options.controllers}: {error}")
    report = verify(
        data,
        resolver=OfflineResolver(documents),
        now=datetime.now(UTC),
        recipient=options.recipient,
        controllers=documents,
    )
    _print(json.dumps(report.to_dict(), indent=2) if options.json else _text(report))
    return EXIT_CODES[report.outcome]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m badges.openbadges", description="Verify or unbake an Open Badge, offline."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("verify", help="answer step by step whether a badge is valid")
    check.add_argument("file", metavar="FILE", help="a JSON, JWT, PNG or SVG file")
    check.add_argument(
        "--controllers",
        metavar="FILE.json",
        help="documents by address (or a list of them): issuers' keys, status lists",
    )
    check.add_argument("--recipient", metavar="ADDRESS", help="whom the badge should belong to")
    check.add_argument("--json", action="store_true", help="print the whole report as JSON")
    take = commands.add_parser("unbake", help="print the badge that an image holds")
    take.add_argument("file", metavar="FILE", help="a PNG or SVG file")
    return parser


def _controllers(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    value = parse_json(Path(name).read_bytes(), limit=64 * 1024 * 1024)
    if isinstance(value, dict) and "verificationMethod" in value:
        value = [value]
    if isinstance(value, list):
        value = {id_of(document): document for document in value if id_of(document)}
    if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
        raise DocumentError("Controllers are given as an object of documents by address.")
    return value


def _unbake(data: bytes) -> int:
    try:
        _print(unbake(data).text)
    except BakingError as error:
        _error(str(error))
        return 1
    return 0


def _text(report: Report) -> str:
    lines = []
    for result in report.steps:
        lines.append(f"{result.step.value:13} {_MARKS[result.status]:13} {result.message.text}")
        lines.extend(f"{'':13} {'':13} - {found}" for found in result.problems)
    what = "endorsement" if report.is_endorsement else "badge"
    return "\n".join([*lines, "", _CONCLUSIONS[report.outcome] % what])


def _fault(text: str) -> int:
    _error(text)
    return 2


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _error(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
