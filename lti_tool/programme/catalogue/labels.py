"""What a form's fields are called where their faults are listed: "Line 2, level 1, points"."""

from __future__ import annotations

import re
from typing import Any, Final

from flask_babel import lazy_gettext as _l

_ROWS: Final[dict[str, Any]] = {
    "research": _l("Source %(n)s"),
    "evidence_asked": _l("Evidence %(n)s"),
    "criteria": _l("Line %(n)s"),
    "levels": _l("level %(n)s"),
    "alignment": _l("Standard %(n)s"),
    "results": _l("Result %(n)s"),
    "related": _l("Related achievement %(n)s"),
    "identifiers": _l("Identifier %(n)s"),
}
_FIELDS: Final[dict[str, Any]] = {
    "name": _l("Name"),
    "competency": _l("Competency"),
    "description": _l("Description"),
    "method": _l("Method"),
    "level": _l("Level"),
    "minutes": _l("Expected work"),
    "criteria_narrative": _l("What it took"),
    "validity": _l("How long it holds"),
    "achievement_type": _l("Kind"),
    "credits": _l("Credits"),
    "language": _l("Language"),
    "field_of_study": _l("Field"),
    "specialization": _l("Specialisation"),
    "human_code": _l("Code in your catalogue"),
    "tags": _l("Tags"),
    "research": _l("Research behind it"),
    "evidence_asked": _l("What is asked for as evidence"),
    "criteria": _l("The rubric"),
    "levels": _l("Levels"),
    "alignment": _l("Standards"),
    "results": _l("Results beside the rubric"),
    "related": _l("Related achievements"),
    "identifiers": _l("Identifiers"),
    "title": _l("Title"),
    "url": _l("Address"),
    "kind": _l("Kind"),
    "help": _l("What to show in it"),
    "minimum": _l("At least"),
    "maximum": _l("At most"),
    "required": _l("What is needed"),
    "required_level": _l("The level that is needed"),
    "points": _l("Points"),
    "code": _l("Code"),
    "framework": _l("Framework"),
    "target_type": _l("What it is"),
    "k": _l("How many read each submission"),
    "blindness": _l("Who sees whose name"),
    "template": _l("Drawing"),
    "primary": _l("Main colour"),
    "accent": _l("Second colour"),
    "lines": _l("Words on it"),
    "identifier": _l("Identifier"),
    "type": _l("Kind"),
    "allowed": _l("Or one of these values"),
    "version": _l("Its version"),
    "iste": _l("ISTE codes"),
    "slug": _l("Word for its address"),
    "email": _l("E-mail"),
    "phone": _l("Telephone"),
    "official": _l("Signed on behalf of"),
    "street_address": _l("Street and number"),
    "post_office_box_number": _l("Post office box"),
    "postal_code": _l("Postal code"),
    "address_locality": _l("Town"),
    "address_region": _l("State or region"),
    "address_country": _l("Country"),
    "address_country_code": _l("Country in two letters"),
    "parent_slug": _l("The issuer above it"),
    "parent_name": _l("Its name"),
    "parent_url": _l("Its web address"),
}
_SPECIAL: Final[dict[str, Any]] = {
    ".url": _l("Website"),
    "levels.description": _l("What it looks like"),
    "evidence_asked.title": _l("What it is called"),
    "criteria.description": _l("The question it answers"),
}
_SILENT: Final = frozenset({"rubric", "review", "image", "address"})
_PART: Final = re.compile(r"([a-z_]+)(?:\[([0-9]+)\])?", re.ASCII)


def label(place: str) -> str:
    """The field at `place`, as the page calls it."""
    words, inside = [], ""
    for part in place.split("."):
        match = _PART.fullmatch(part)
        if match is None:
            return place
        name, index = match[1], match[2]
        if index is not None:
            words.append(str(_ROWS.get(name, name)) % {"n": int(index) + 1})
            inside = name
        elif name not in _SILENT:
            words.append(str(_SPECIAL.get(f"{inside}.{name}") or _FIELDS.get(name, name)))
    return ", ".join(words)
