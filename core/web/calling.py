"""What to call somebody: their name, and where the LMS sent none, words that still read well.

The mark is the same on every page and tells two nameless people apart; it is made from our own id,
which nobody is shown, and says nothing about them.
"""

from __future__ import annotations

import hashlib
import uuid

from flask_babel import gettext as _


def mark(person_id: uuid.UUID) -> str:
    """Four letters and digits that stay with a person, such as `4F2A`."""
    return hashlib.sha256(person_id.bytes).hexdigest()[:4].upper()


def colleague(name: str | None, person_id: uuid.UUID) -> str:
    """A teacher as other teachers and coaches meet them."""
    return _named(name) or str(_("Colleague %(mark)s", mark=mark(person_id)))


def teacher(name: str | None, person_id: uuid.UUID) -> str:
    """A teacher as programme leads and administrators meet them."""
    return _named(name) or str(_("Teacher %(mark)s", mark=mark(person_id)))


def oneself(name: str | None) -> str:
    """The person of this visit, to themselves."""
    return _named(name) or str(_("You"))


def _named(name: str | None) -> str:
    return " ".join((name or "").split())
