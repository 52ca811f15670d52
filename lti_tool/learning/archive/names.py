"""Names of files and folders in an archive: readable, safe on every system, never twice."""

from __future__ import annotations

import unicodedata

_LONGEST = 60
_KEPT = "-_."
_NUMBERED = (f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10))
_RESERVED = frozenset({"con", "prn", "aux", "nul", *_NUMBERED})


def plain(text: str, fallback: str = "file") -> str:
    """`text` as the name of a file or folder: letters and digits of any script, and hyphens."""
    normal = unicodedata.normalize("NFC", text)
    chars = [char if _fits(char) else "-" for char in normal]
    name = "-".join(part for part in "".join(chars).split("-") if part).strip(".")
    head, dot, ending = name.rpartition(".")
    if dot and 0 < len(ending) <= 8:
        name = f"{head[:_LONGEST].strip('.-') or fallback}.{ending}"
    else:
        name = name[:_LONGEST].strip(".-")
    if not name or name.split(".")[0].lower() in _RESERVED:
        return f"{fallback}-{name}" if name else fallback
    return name


def _fits(char: str) -> bool:
    # Marks belong to letters in many scripts.
    return char in _KEPT or char.isalnum() or unicodedata.category(char)[0] == "M"


class Names:
    """Paths of one archive; a second one of the same name gets a number."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, folder: str, name: str) -> str:
        """The path of `name` in `folder`, free in this archive whatever the letters' case."""
        head, dot, ending = name.rpartition(".")
        stem, tail = (head, f".{ending}") if dot and head else (name, "")
        number, found = 1, f"{folder}/{name}"
        while found.casefold() in self._taken:
            number += 1
            found = f"{folder}/{stem}-{number}{tail}"
        self._taken.add(found.casefold())
        return found
