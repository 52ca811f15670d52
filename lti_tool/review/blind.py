"""What reviewers may see of whose work it is: names, labels, file names."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.identity import Person
from core.scope import unscoped
from core.web.calling import colleague
from lti_tool.evidence import assignments, sniff
from lti_tool.evidence.models import EvidenceItem, Revision


def hides_author(revision: Revision) -> bool:
    """Whether reviewers may not know the author: in double-blind reviews alone."""
    return assignments.hides_author(revision.policy or {})


def name(session: Session, revision: Revision) -> str:
    """What the work is called for its reviewers: a blind label, or what the author is called."""
    if hides_author(revision):
        return revision.label or str(_("A colleague"))
    author = revision.submission.person_id
    with unscoped(session, "the author, whom the policy shows to reviewers"):
        person = session.get(Person, author)
    return colleague(person.name if person else None, author)


def of_test_student(session: Session, revision: Revision) -> bool:
    """Whether an LMS invented the author, which is no secret: nobody's work is being judged."""
    with unscoped(session, "the author, of whom only this is told"):
        found = session.scalar(
            select(Person.is_test).where(Person.id == revision.submission.person_id)
        )
    return bool(found)


def item_name(revision: Revision, item: EvidenceItem) -> str:
    """A piece's name for reviewers: its own, or where names are hidden "Evidence 2.pdf"."""
    if not hides_author(revision):
        return item.title
    alike = [one.id for one in revision.items if bool(one.url) == bool(item.url)]
    number = alike.index(item.id) + 1
    if item.url:
        return str(_("Link %(number)s", number=number))
    ending = sniff.ending(item.title)
    if item.preview_type:  # reviewers get the image that was drawn anew
        ending = "png" if item.preview_type == "image/png" else "jpg"
    label = str(_("Evidence %(number)s", number=number))
    return f"{label}.{ending}" if ending else label
