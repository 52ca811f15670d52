"""“Is it this person's?”: an address that somebody types, against the hash in a badge (R18).

What is typed is compared and forgotten, and counted for each badge and for each asker: nobody can
try a list of addresses here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, jsonify, make_response, render_template, request
from flask_babel import gettext as _

from badges.awards.hashed import hashed_addresses
from badges.awards.published import PageRow
from badges.openbadges.recipients import matches
from badges.public.credential_page import page_context
from badges.public.limits import RateLimit
from badges.public.negotiation import wants_html
from badges.public.verdicts import ASK_WHICH_ADDRESS, NOT_TO_THIS_ADDRESS
from core import postal
from core.errors import UnprocessableError
from core.runtime import Runtime
from core.web.app import runtime

PER_ASKER: Final = 10
PER_BADGE: Final = 60
_LONGEST: Final = 400


@dataclass(frozen=True)
class Answer:
    """What came of a comparison, in words."""

    kind: str
    title: str
    text: str


class Comparisons:
    """How often addresses may be compared: ten a minute for an asker, sixty an hour for a badge."""

    def __init__(self) -> None:
        self.askers = RateLimit(PER_ASKER, seconds=60.0)
        self.badges = RateLimit(PER_BADGE, seconds=3600.0)

    @classmethod
    def of(cls, shared_runtime: Runtime) -> Comparisons:
        """The process's own."""
        return shared_runtime.part(cls, lambda _runtime: cls())


def belongs_to(document: Mapping[str, Any], address: str) -> bool | None:
    """Whether the badge carries the hash of `address`; None where it carries none of an address."""
    hashed = hashed_addresses(document)
    return matches({"identifier": hashed}, address) if hashed else None


def compare(row: PageRow, document: Mapping[str, Any], path: str) -> Response:
    """The answer to a posted address: the badge's page with it, or JSON.

    Raises TooManyRequestsError, and UnprocessableError (to programs) for what is no address.
    """
    counts = Comparisons.of(runtime())
    counts.askers.take(request.remote_addr or "-")
    counts.badges.take(str(row.id))
    typed = request.form.get("email", "")[:_LONGEST].strip()
    address = postal.normal(typed)
    fault = "" if address else address_fault()
    if not wants_html(("application/json",)):
        if address is None:
            raise UnprocessableError(
                _("No address was compared."), code="address_unusable", fields={"email": fault}
            )
        answer: Response = jsonify({"matches": belongs_to(document, address)})
    else:
        same = belongs_to(document, address) if address else None
        page = render_template(
            "public/credential.html",
            **page_context(row, path),
            answer=_words(same) if address else None,
            typed=typed,
            errors={"email": fault} if fault else {},
        )
        answer = make_response(page, 422 if fault else 200)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def address_fault() -> str:
    """What is said of something typed that is no address."""
    return str(_("Type one whole address, such as name@example.org."))


def _words(same: bool | None) -> Answer | None:
    if same is None:
        return None
    if same:
        return Answer(
            "good",
            _("Yes, it is theirs."),
            _("The badge was issued to the holder of this address."),
        )
    return Answer(
        "warn",
        str(NOT_TO_THIS_ADDRESS),
        str(ASK_WHICH_ADDRESS),
    )
