"""Lines of a batch as CSV for a spreadsheet, in which nothing can be taken for a formula.

A cell that begins with one of = + - @ or a tab is a formula to spreadsheets, whoever wrote it
(OWASP, CSV injection). An apostrophe in front makes it text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from flask_babel import gettext

from badges.awards.batches.models import BatchLine
from badges.awards.batches.table import COLUMNS
from badges.awards.batches.words import fault_words

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
TEMPLATE: Final = (
    ("email", "name"),
    ("ada.example@school.example", "Ada Example"),
    ("grace.example@school.example", ""),
)


def safe(cell: str) -> str:
    """`cell` as text that no spreadsheet carries out."""
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) or cell[:1] in _FORMULA else cell


def text(rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV with a byte order mark, which is how spreadsheets know UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
    return "\ufeff" + out.getvalue()


def lines_text(lines: Iterable[BatchLine]) -> str:
    """Lines with what the file said in them, how they stand, and what is wrong."""
    head = (gettext("line"), *COLUMNS, gettext("state"), gettext("what is wrong"))
    rows: list[Sequence[str]] = [head]
    for line in lines:
        given = [line.given.get(column, "") for column in COLUMNS]
        words = " ".join(
            f"{fault['column']}: {fault_words(fault)}" if fault["column"] else fault_words(fault)
            for fault in line.faults
        )
        rows.append((str(line.number), *given, line.state, words))
    return text(rows)


def template_text() -> str:
    """A file to begin with."""
    return text(TEMPLATE)
