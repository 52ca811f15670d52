"""The paper that comes first in an archive: what is where, in plain words."""

from __future__ import annotations

import textwrap
from datetime import datetime

from flask_babel import gettext as _

from core.web.i18n import day
from lti_tool.learning.archive.contents import Archive

_WIDTH = 78


def paper(found: Archive, now: datetime) -> str:
    """The paper in the reader's language, as text in lines of at most 78 letters."""
    name = found.person.name or _("somebody without a name here")
    parts = [
        _("Your badges and your work"),
        _("Made on %(day)s, by Milepost, for %(name)s.", day=day(now), name=name),
        _("Everything in this archive is yours. It needs no account and no program of ours to be"
          " read."),
        *_badges(),
        "badges-from-elsewhere/",
        _("Badges of other issuers that you brought here, with the report of the last check."),
        "evidence/",
        _("What you wrote and the files that you sent or were drafting, by micro-credential and"
          " revision. A file that stands in several revisions is here once. Pupils may be"
          " recognised in them: keep them as carefully as before."),
        "data.json",
        _("All of it in order, for programs: who you are, offers and badges with the reasons they"
          " rest on, your texts, links and files, what your reviewers wrote to you, your page, and"
          " what counts in your pathways."),
        _("Not in it: the reviews that you wrote about others’ work, and your reviewers’ names"
          " where reviews were without names."),
    ]  # fmt: skip
    return "\n\n".join(_wrapped(part) for part in parts) + "\n"


def _badges() -> list[str]:
    return [
        "badges/",
        _("Your badges, each in a folder of its own and in four forms. Each form holds the whole"
          " proof: one file is enough."),
        "badge.png: "
        + _("a picture with the proof inside; give out the file itself, not a screenshot"),
        "badge.svg: " + _("the same as a drawing"),
        "badge.json: " + _("the signed document (Open Badges 3.0); wallets take this one"),
        "badge.jwt: " + _("the same as a token"),
        "certificate.pdf: "
        + _("a page to print, with a code that leads to the badge’s own page; it is no proof"),
        "earlier/: " + _("versions that a later one has taken the place of, if there are any"),
        _("Anybody can check a badge with any program that reads Open Badges 3.0. To do so it asks"
          " the issuer’s site for its keys and whether the badge was withdrawn."),
    ]  # fmt: skip


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False))
