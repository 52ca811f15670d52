"""What is wrong with a table, or in a line of it; `words` says it in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What is wrong in a column of a line; `words` says `code` in words, with `more` in them."""

    column: str
    code: str
    more: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form that a line keeps."""
        return {"column": self.column, "code": self.code, **self.more}
