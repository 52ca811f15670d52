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

from badges.achievements.document import MicroCredential
from badges.awards.batches import results
from badges.awards.batches.models import BatchLine
from badges.awards.batches.table import COLUMNS, NAMES
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


def lines_text(lines: Sequence[BatchLine], document: MicroCredential) -> str:
    """Lines with what the file said in them, how they stand, and what is wrong."""
    said = {name for line in lines for name in line.given.get(results.RESULTS, {})}
    told = [one for one in results.described(document) if one.id in said]
    heads = [results.heading(document, one, NAMES) for one in told]
    head = (gettext("line"), *COLUMNS, *heads, gettext("state"), gettext("what is wrong"))
    rows: list[Sequence[str]] = [head]
    for line in lines:
        given = [line.given.get(column, "") for column in COLUMNS]
        given += [line.given.get(results.RESULTS, {}).get(one.id, "") for one in told]
        words = " ".join(
            f"{fault['column']}: {fault_words(fault)}" if fault["column"] else fault_words(fault)
            for fault in line.faults
        )
        rows.append((str(line.number), *given, line.state, words))
    return text(rows)


def template_text(document: MicroCredential | None = None) -> str:
    """A file to begin with; for `document`, with a column for each of its results."""
    if document is None:
        return text(TEMPLATE)
    told = results.described(document)
    heads = [results.heading(document, one, NAMES) for one in told]
    values = [results.example(one) for one in told]
    head, *lines = TEMPLATE
    return text([(*head, *heads), *((*line, *values) for line in lines)])
