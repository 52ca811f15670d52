"""The ISTE Standards for Educators by their codes, as alignments.

Only codes and the names of the seven roles are kept here; the words stand at the publisher's.
"""

from __future__ import annotations

import re
from typing import Final

from badges.achievements.document import Alignment

ADDRESS: Final = "https://iste.org/standards/educators"
FRAMEWORK: Final = "ISTE Standards for Educators"
# The role of each standard, and the last letter of its indicators.
_ROLES: Final = {
    1: ("Learner", "c"), 2: ("Leader", "c"), 3: ("Citizen", "d"), 4: ("Collaborator", "d"),
    5: ("Designer", "c"), 6: ("Facilitator", "d"), 7: ("Analyst", "c"),
}  # fmt: skip
_CODE: Final = re.compile(
    r"(?:ISTE)?[-. ]?(?:2\.)?([1-7])(?:\.?([a-d]))?", re.ASCII | re.IGNORECASE
)


def of_code(text: str) -> Alignment | None:
    """The standard (`2.1`) or indicator (`2.1.a`, also `1a`) of a code; None if it is none."""
    match = _CODE.fullmatch(text.strip())
    if match is None:
        return None
    number, letter = int(match[1]), (match[2] or "").lower()
    role, last = _ROLES[number]
    if letter > last:
        return None
    code = f"2.{number}.{letter}" if letter else f"2.{number}"
    return Alignment(role, ADDRESS, code, FRAMEWORK)
