"""The rooms of a programme lead: one line each, shown on the first page and above their pages."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext as _l

PLACES: Final[list[tuple[str, Any]]] = [
    ("programme.micro_credentials", _l("Micro-credentials")),
    ("programme.list_frameworks", _l("Standards")),
    ("programme.issuers", _l("Issuers")),
    ("programme.giving", _l("Give badges")),
    ("programme.issued", _l("Badges given")),
    ("programme.endorsements", _l("Endorsements")),
    ("programme.accepted_issuers", _l("Accepted issuers")),
]
