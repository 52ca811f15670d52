"""The evidence that one's own badge rests on, piece by piece, as it could be shown to strangers.

Only what was sent in the revision that the badge's own decision was about: nothing of an earlier
or later one, and nothing of anybody else.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.document import EvidenceAsked
from badges.achievements.service import micro_credential
from badges.awards.building import decision_of
from badges.awards.granting import Receipt
from badges.awards.models import Award
from badges.awards.published_evidence import Piece
from badges.pathways.ledger import facts_by_key
from core.files import CHUNK, FileStore
from core.scope import unscoped
from core.web.i18n import filesize
from lti_tool.evidence import sniff
from lti_tool.evidence.models import EvidenceItem, Revision
from lti_tool.evidence.pages import scan_text, show_as
from lti_tool.evidence.requirements import NARRATIVE, words
from lti_tool.review.deciding import SOURCE
from lti_tool.review.models import Decision

_OWN: Final = "a person's own evidence, whichever school they came in through"
_WITHHELD: Final = ("pending", "infected")
_LONGEST_NAME: Final = 100


@dataclass(frozen=True)
class Shown:
    """A piece with what its author is told of it.

    Attributes:
        piece: as it would be published; the digest of a picture is still that of its original.
        label: what its author calls it.
        note: kind, size and what it was for.
        item_id: the evidence item, where it is a file that its author can open.
        recognisable: its author said that pupils can be recognised in it.
        withheld: why it cannot be published; empty where it can.
    """

    piece: Piece
    label: str
    note: str
    item_id: uuid.UUID | None = None
    recognisable: bool = False
    withheld: str = ""


def pieces_of(session: Session, award: Award) -> list[Shown]:
    """Every piece that the award's badge rests on, in the order in which it was asked for."""
    with unscoped(session, _OWN):
        revision = _revision(session, award)
        found = [] if revision is None else _pieces(revision)
        return [
            replace(one, piece=replace(one.piece, position=place))
            for place, one in enumerate(found)
        ]


def as_given_out(files: FileStore, piece: Piece) -> Piece:
    """The piece with the digest and size of the file that strangers get. Reads the file.

    Raises NotFoundError where the store has it no more.
    """
    if piece.file_key is None:
        return piece
    if piece.shown_as != "image":
        files.open(piece.file_key).close()
        return piece
    digest = hashlib.sha256()
    with files.open(piece.file_key) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
        size = stream.seek(0, io.SEEK_END)
    return replace(piece, sha256=digest.hexdigest(), size=size)


def _revision(session: Session, award: Award) -> Revision | None:
    """What was decided on, where the award rests on a decision about this person's own work."""
    receipt = Receipt.from_dict(award.receipt)
    fact = decision_of(award, facts_by_key(session, award.person_id, receipt.facts))
    if fact is None or fact.source != SOURCE:
        return None
    found = session.scalar(
        select(Revision)
        .join(Decision, Decision.revision_id == Revision.id)
        .where(
            Decision.submission_id == uuid.UUID(fact.source_id), Decision.number == fact.revision
        )
    )
    if found is None or found.submission.person_id != award.person_id:
        return None
    return found


def _pieces(revision: Revision) -> Iterator[Shown]:
    seen: set[str] = set()  # an address can be opened once, whatever it was given for
    for asked in micro_credential(revision.achievement_version).evidence_asked:
        if asked.counts_words:
            yield from _text(asked.id, asked.title, asked.kind, revision)
            continue
        items = [item for item in revision.items if item.requirement_id == asked.id]
        recognisable = revision.releases.get(asked.id) in ("released", "unreleased")
        for item in items:
            if item.url is None:
                yield _file(item, asked, recognisable=recognisable)
            elif item.url not in seen:
                seen.add(item.url)
                yield _link(item, item.url, asked)
    yield from _text(NARRATIVE, _("Account of what was done"), "other", revision)


def _text(key: str, name: str, kind: str, revision: Revision) -> Iterable[Shown]:
    written = str(revision.texts.get(key, "")).strip()
    if not written:
        return
    count = words(written)
    note = ngettext("What you wrote, %(num)s word", "What you wrote, %(num)s words", count)
    yield Shown(
        Piece(f"text:{key}", 0, "text", "text", name, kind, text=written), label=name, note=note
    )


def _link(item: EvidenceItem, url: str, asked: EvidenceAsked) -> Shown:
    return Shown(
        Piece(str(item.id), 0, "link", "link", asked.title, asked.kind, url=url),
        label=item.title,
        note=_("Link to %(host)s, for “%(asked)s”", host=url.split("/")[2], asked=asked.title),
    )


def _file(item: EvidenceItem, asked: EvidenceAsked, *, recognisable: bool) -> Shown:
    shown = show_as(item)
    picture = shown == "image"
    kind = sniff.by_media_type(item.media_type)
    ending = sniff.ending(item.title)
    if picture:
        ending = "png" if item.preview_type == "image/png" else "jpg"
    elif kind is None or ending not in kind.endings:
        ending = kind.endings[0] if kind else "bin"
    size = item.size or 0
    note = _(
        "%(kind)s file, %(size)s, for “%(asked)s”",
        kind=(sniff.ending(item.title) or ending).upper(), size=filesize(size), asked=asked.title,
    )  # fmt: skip
    piece = Piece(
        key=str(item.id),
        position=0,
        kind="file",
        shown_as=shown,
        name=asked.title,
        evidence_kind=asked.kind,
        file_key=item.preview_key if picture else item.file_key,
        filename=f"{_plain(asked.title)}.{ending}",
        media_type=item.preview_type if picture else item.media_type,
        size=size,
        sha256=item.sha256,
        read_sha256=item.sha256,
    )
    withheld = scan_text(item.scan_state) if item.scan_state in _WITHHELD else ""
    return Shown(piece, item.title, note, item.id, recognisable, withheld)


def _plain(title: str) -> str:
    """A file name that says what was asked for, and nothing that its author's file was called."""
    kept = "".join(char if char.isalnum() or char in " -_()" else " " for char in title)
    return " ".join(kept.split())[:_LONGEST_NAME] or "evidence"
