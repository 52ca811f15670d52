"""Columns of a table that tell results: one for each that the micro-credential describes.

A result description (Open Badges 3.0, B.1.22) is a line of the rubric or a result beside it, and
its column is headed by its name or its id. A line of the rubric is told by the level that was
reached, by its name or its points; a result beside it by its value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from badges.achievements.document import RESULT_STATUSES, Criterion, MicroCredential, ResultAsked
from badges.achievements.fields import is_number, plain_number
from badges.achievements.reading import result_fault
from badges.awards.batches.faults import Fault
from badges.awards.granting import Told

RESULTS: Final = "results"  # under this a line keeps what it says of them, by their ids
_KEPT_CELL: Final = 120
_SUMMED: Final = ("RawScore", "Percent")
Described = Criterion | ResultAsked


def described(document: MicroCredential) -> tuple[Described, ...]:
    """The rubric's lines, then the results beside them."""
    return (*document.rubric.criteria, *document.results)


def heading(document: MicroCredential, one: Described, taken: Collection[str] = ()) -> str:
    """What heads its column: its name, or its id where another column is called so."""
    names = [_plain(other.name) for other in described(document)]
    own = _plain(one.name)
    return one.name if names.count(own) == 1 and own not in taken else one.id


def columns(header: Mapping[int, str], document: MicroCredential) -> dict[int, Described] | Fault:
    """Which of the columns, by their place, tell which result. Others are left out.

    A fault where it cannot be told which, or where one is missing that is required beside these.
    """
    ids = {one.id: one for one in described(document)}
    found: dict[int, Described] = {}
    for place, cell in header.items():
        named = [one for one in ids.values() if _plain(one.name) == _plain(cell)]
        own = ids.get(cell.strip())
        if own is None and len(named) > 1:
            more = {"name": cell.strip(), "ids": ", ".join(one.id for one in named)}
            return Fault("", "column_several", more)
        one = own or next(iter(named), None)
        if one is None:
            continue
        if one in found.values():
            return Fault("", "column_twice", {"name": one.name})
        found[place] = one
    missing = [one.name for one in required(document, found.values()) if one not in found.values()]
    if missing:
        return Fault("", "result_columns_missing", {"names": ", ".join(missing)})
    return found


def required(document: MicroCredential, beside: Iterable[Described]) -> list[Described]:
    """What has to be told where the results `beside` are: a rubric as a whole, and what has a
    required value, unless the badge works it out from the rubric."""
    told = list(beside)
    if not told:
        return []
    rubric = any(isinstance(one, Criterion) for one in told)
    criteria = document.rubric.criteria if rubric else ()
    summed = rubric and all(level.points for one in criteria for level in one.levels)
    values = [
        one
        for one in document.results
        if one.required is not None
        and one.type != "Status"
        and not (summed and one.type in _SUMMED)
    ]
    return [*criteria, *values]


def read(
    found: Mapping[int, Described], needed: Collection[Described], cells: Sequence[str]
) -> tuple[dict[str, str], list[Fault]]:
    """What a line says of its results, by their ids, and what is wrong with that."""
    said: dict[str, str] = {}
    faults: list[Fault] = []
    for place, one in found.items():
        text = " ".join(cells[place].split()) if place < len(cells) else ""
        if not text:
            said[one.id] = ""  # the column is there, and stays where the lines are saved
            if one in needed:
                faults.append(Fault(one.name, "result_missing"))
            continue
        value = _value(one, text)
        said[one.id] = (text if isinstance(value, Fault) else value)[:_KEPT_CELL]
        if isinstance(value, Fault):
            faults.append(value)
    return said, faults


def told(document: MicroCredential, said: Mapping[str, str]) -> Told:
    """What `read` found in a line that was in order, as awards keep it."""
    levels, values = {}, {}
    for one in described(document):
        text = said.get(one.id)
        if text and isinstance(one, Criterion):
            levels[one.id] = _level(one, text) or 0
        elif text:
            values[one.id] = text
    return Told(levels, values)


def example(one: Described) -> str:
    """A value that a file to begin with can show."""
    if isinstance(one, Criterion):
        return one.level(one.required_level).name
    if one.type == "Status":
        return "Completed"
    return one.required or (one.allowed or (one.maximum or one.minimum or "",))[-1]


def _value(one: Described, text: str) -> str | Fault:
    if isinstance(one, Criterion):
        return _level_name(one, text)
    value = _known(one, text)
    if result_fault(one, value):
        return _fault(one)
    if _below(one, value):
        return Fault(one.name, "result_below", {"required": one.required})
    return value


def _level_name(criterion: Criterion, text: str) -> str | Fault:
    number = _level(criterion, text)
    if number is None:
        names = ", ".join(level.name for level in criterion.levels)
        return Fault(criterion.name, "result_choice", {"choices": names})
    if number < criterion.required_level:
        least = criterion.level(criterion.required_level).name
        return Fault(criterion.name, "result_below", {"required": least})
    return criterion.level(number).name


def _level(criterion: Criterion, text: str) -> int | None:
    """The number of the level that `text` means: by its name, its id, or its points.

    Where no level has points, it may be told by its number.
    """
    levels = list(enumerate(criterion.levels, 1))
    for number, level in levels:
        if _plain(level.name) == _plain(text) or level.id == text:
            return number
    points = {number: level.points for number, level in levels if level.points is not None}
    if not points:
        return next((number for number, _level in levels if str(number) == text), None)
    meant = [number for number, given in points.items() if _same_number(given, text)]
    return meant[0] if len(meant) == 1 else None


def _known(asked: ResultAsked, text: str) -> str:
    """`text` as the micro-credential writes it; as it is where it has no such value."""
    choices = sorted(RESULT_STATUSES) if asked.type == "Status" else asked.allowed
    for choice in choices:
        if _plain(choice) == _plain(text):
            return choice
    if not choices and _bounds(asked) and is_number(_point(text)):
        return plain_number(_point(text))
    return text


def _below(asked: ResultAsked, value: str) -> bool:
    if asked.required is None:
        return False
    if asked.type == "Status":
        return value != asked.required
    if asked.allowed:
        return asked.allowed.index(value) < asked.allowed.index(asked.required)
    if is_number(value) and is_number(asked.required):
        return float(value) < float(asked.required)
    return False


def _fault(asked: ResultAsked) -> Fault:
    choices = sorted(RESULT_STATUSES) if asked.type == "Status" else asked.allowed
    if choices:
        return Fault(asked.name, "result_choice", {"choices": ", ".join(choices)})
    if bounds := _bounds(asked):
        return Fault(asked.name, "result_number", {"bounds": bounds})
    return Fault(asked.name, "result_long")


def _bounds(asked: ResultAsked) -> str:
    low, high = asked.minimum, asked.maximum
    if low is not None and high is not None:
        return f"{low} – {high}"
    return f"≥ {low}" if low is not None else f"≤ {high}" if high is not None else ""


def _same_number(given: str, text: str) -> bool:
    return is_number(_point(text)) and plain_number(_point(text)) == plain_number(given)


def _point(text: str) -> str:
    """A number as spreadsheets write it, with a point."""
    return text.replace(",", ".")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
