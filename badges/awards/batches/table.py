"""Reading a table of recipients: CSV as spreadsheets write it, every fault by line and column.

RFC 4180, with the semicolons and tabs that spreadsheets use where a comma is the decimal sign.
Whom a line means is `checking`'s to find out.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from badges.achievements.document import MicroCredential
from badges.awards.batches import results
from badges.awards.batches.faults import Fault
from badges.awards.naming import clean_name
from core import postal
from core.errors import UnprocessableError

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_LINES: Final = 20_000
KEPT_CELL: Final = 254
EMAIL, PERSON, NAME = "email", "person", "name"
COLUMNS: Final = (EMAIL, PERSON, NAME)
# How columns may be headed, in small letters, and what they hold.
NAMES: Final = {
    "email": EMAIL, "e-mail": EMAIL, "mail": EMAIL, "email address": EMAIL, "e-mail address": EMAIL,
    "correo": EMAIL, "correo electrónico": EMAIL,
    "person": PERSON, "person id": PERSON, "id": PERSON, "persona": PERSON,
    "name": NAME, "full name": NAME, "nombre": NAME,
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One recipient as the file has it: `number` counts the file's lines from 1, header included.

    `email` is in its kept form; values that are at fault are None, and stand in `given`, beside
    what the line says of results (`results.RESULTS`).
    """

    number: int
    email: str | None
    person_id: uuid.UUID | None
    name: str | None
    given: dict[str, Any]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Table:
    """The lines of a file, and the columns that were not read. `fault` is the whole file's."""

    lines: tuple[Line, ...] = ()
    unread: tuple[str, ...] = ()
    fault: Fault | None = None


def read(data: bytes, document: MicroCredential | None = None) -> Table:
    """Read a file; never raises for what is in it.

    Columns for the results that `document` describes are read, too.
    """
    text = _text(data)
    if isinstance(text, Fault):
        return Table(fault=text)
    try:
        return _read(text, document)
    except csv.Error:
        return Table(fault=Fault("", "quotes"))


def line_of(number: int, given: dict[str, str]) -> Line:
    """One line from what was typed into its columns."""
    faults: list[Fault] = []
    email, person, name = (given.get(column, "").strip() for column in COLUMNS)
    kept = postal.normal(email) if email else None
    if email and kept is None:
        faults.append(Fault(EMAIL, "email_unusable"))
    found: uuid.UUID | None = None
    if person:
        try:
            found = uuid.UUID(person)
        except ValueError:
            faults.append(Fault(PERSON, "person_unusable"))
    if not email and not person:
        faults.append(Fault(EMAIL, "recipient_missing"))
    clean: str | None = None
    if name:
        try:
            clean = clean_name(name)
        except UnprocessableError:
            faults.append(Fault(NAME, "name_unusable"))
    shown = {column: given[column][:KEPT_CELL] for column in COLUMNS if given.get(column)}
    return Line(number, kept, found, clean, shown, tuple(faults))


def _text(data: bytes) -> str | Fault:
    if len(data) > MAX_BYTES:
        return Fault("", "too_large", {"limit": MAX_BYTES // (1024 * 1024)})
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return Fault("", "workbook")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return Fault("", "not_text")
    if "\0" in text:
        return Fault("", "not_text")
    return text if text.strip() else Fault("", "empty")


def _read(text: str, document: MicroCredential | None) -> Table:
    rows = _rows(text)
    _number, header = next(rows, (0, []))  # a file may hold nothing but delimiters
    if not header:
        return Table(fault=Fault("", "empty"))
    columns = [NAMES.get(" ".join(cell.lower().split()), "") for cell in header]
    others = {n: cell for n, cell in enumerate(header) if not columns[n] and cell.strip()}
    found = results.columns(others, document) if document else {}
    if fault := _header_fault(columns):
        return Table(fault=fault)
    if isinstance(found, Fault):
        return Table(fault=found)
    needed = results.required(document, found.values()) if document else []
    lines: list[Line] = []
    for number, cells in rows:
        if len(lines) >= MAX_LINES:
            return Table(fault=Fault("", "too_many_lines", {"limit": MAX_LINES}))
        line = _line(number, columns, cells)
        if found:
            said, faults = results.read(found, needed, cells)
            given = {**line.given, results.RESULTS: said}
            line = replace(line, given=given, faults=(*line.faults, *faults))
        lines.append(line)
    if not lines:
        return Table(fault=Fault("", "no_lines"))
    unread = tuple(cell.strip()[:60] for n, cell in others.items() if n not in found)
    return Table(tuple(_without_doubles(lines)), unread)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Records that are not empty, each with the number of the line on which it begins."""
    lines = text.splitlines(keepends=True)
    first = next(line for line in lines if line.strip())
    counts = {mark: first.count(mark) for mark in (",", ";", "\t")}
    delimiter = max(counts, key=lambda mark: counts[mark])
    # csv's own lines, so that a line break inside quotes counts as one.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begun, cells
        begun = reader.line_num + 1


def _header_fault(columns: Sequence[str]) -> Fault | None:
    for column in COLUMNS:
        if columns.count(column) > 1:
            return Fault("", "column_twice", {"name": column})
    if EMAIL not in columns and PERSON not in columns:
        return Fault("", "columns_missing")
    return None


def _line(number: int, columns: Sequence[str], cells: Sequence[str]) -> Line:
    given = {column: cell for column, cell in zip(columns, cells, strict=False) if column}
    line = line_of(number, given)
    if any(cell.strip() for cell in cells[len(columns) :]):
        return _with(line, Fault("", "too_many_cells"))
    return line


def _without_doubles(lines: Sequence[Line]) -> Iterator[Line]:
    """The same recipient a second time is a fault of the second line."""
    seen: dict[object, int] = {}
    for line in lines:
        keys = [
            (column, key)
            for column, key in (
                (EMAIL, postal.same(line.email) if line.email else None),
                (PERSON, line.person_id),
            )
            if key is not None
        ]
        faults = [
            Fault(column, "twice", {"line": seen[key]}) for column, key in keys if key in seen
        ]
        for _column, key in keys:
            seen.setdefault(key, line.number)
        yield _with(line, faults[0]) if faults else line


def _with(line: Line, fault: Fault) -> Line:
    return replace(line, faults=(*line.faults, fault))
