"""One's own evidence in an archive: what was written, every file once, and what was answered."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.service import micro_credential
from core.runtime import Runtime
from lti_tool.evidence import reading
from lti_tool.evidence.models import EvidenceItem, Revision, Submission
from lti_tool.learning.archive.names import Names, plain
from lti_tool.learning.archive.zipping import Entry
from lti_tool.review import feedback

_WITHHELD = ("pending", "infected")  # as everywhere: not given out until a scan has cleared it


@dataclass(frozen=True)
class Evidence:
    """The entries, what `data.json` says of them, and how many files and bytes there are."""

    entries: tuple[Entry, ...]
    data: list[dict[str, Any]]
    files: int
    file_bytes: int


def evidence_of(session: Session, runtime: Runtime, person_id: uuid.UUID, names: Names) -> Evidence:
    """Everything that the person sent or is drafting. The session looks across organisations."""
    submissions = session.scalars(
        select(Submission)
        .where(Submission.person_id == person_id)
        .order_by(Submission.created_at, Submission.id)
    ).unique()
    gathered = _Gathered(runtime, names)
    data = [_submission(session, one, gathered) for one in submissions]
    return Evidence(tuple(gathered.entries), data, len(gathered.places), gathered.size)


class _Gathered:
    """The files so far, each once: a later revision that carries one names the first place."""

    def __init__(self, runtime: Runtime, names: Names) -> None:
        self._runtime, self._names = runtime, names
        self.entries: list[Entry] = []
        self.places: dict[str, str] = {}
        self.size = 0

    def file(self, item: EvidenceItem, folder: str) -> str:
        """Where the item's file stands in the archive."""
        key, size = item.file_key or "", item.size or 0
        if key not in self.places:
            path = self._names.of(folder, plain(item.title))
            self.places[key], self.size = path, self.size + size

            def pieces() -> Iterable[bytes]:
                return self._runtime.files.chunks(key, 0, size)

            self.entries.append(Entry(path, pieces, item.created_at, size))
        return self.places[key]

    def texts(self, revision: Revision, folder: str) -> None:
        """What was written, as one paper under the headings that asked for it."""
        titles = {
            asked.id: asked.title
            for asked in micro_credential(revision.achievement_version).evidence_asked
        }
        written = [
            f"{titles.get(key, '')}\n\n{text.strip()}".strip()
            for key, text in revision.texts.items()
            if isinstance(text, str) and text.strip()
        ]
        if written:
            path = self._names.of(folder, "texts.txt")
            paper = "\n\n---\n\n".join(written) + "\n"
            self.entries.append(Entry.of(path, paper, revision.saved_at))


def _submission(session: Session, one: Submission, gathered: _Gathered) -> dict[str, Any]:
    sent = list(reversed(reading.revisions(session, one.id)))
    title = micro_credential(sent[-1].achievement_version).name if sent else ""
    folder = f"evidence/{plain(title, 'evidence')}"
    return {
        "micro_credential": title,
        "begun_at": one.created_at.isoformat(),
        "revisions": [_revision(session, revision, folder, gathered) for revision in sent],
    }


def _revision(
    session: Session, revision: Revision, folder: str, gathered: _Gathered
) -> dict[str, Any]:
    place = f"{folder}/revision-{revision.n}"
    answered = feedback.of_revision(session, revision) if revision.decided_at else None
    gathered.texts(revision, place)
    return {
        "number": revision.n,
        "state": revision.state,
        "receipt": revision.receipt,
        "saved_at": revision.saved_at.isoformat(),
        "sent_at": revision.submitted_at.isoformat() if revision.submitted_at else None,
        "decided_at": revision.decided_at.isoformat() if revision.decided_at else None,
        "texts": dict(revision.texts),
        "items": [_item(item, place, gathered) for item in revision.items],
        "feedback": _feedback(answered) if answered else None,
    }


def _item(item: EvidenceItem, folder: str, gathered: _Gathered) -> dict[str, Any]:
    told: dict[str, Any] = {"title": item.title, "kind": item.kind}
    if item.url is not None:
        return {**told, "url": item.url}
    told |= {"sha256": item.sha256, "size": item.size, "media_type": item.media_type}
    if item.scan_state in _WITHHELD:
        return {**told, "withheld": item.scan_state}
    return {**told, "file": gathered.file(item, folder)}


def _feedback(answered: feedback.Feedback) -> dict[str, Any]:
    return {
        "met": answered.met,
        "criteria": [
            {
                "name": one.criterion.name,
                "level": one.level,
                "level_name": one.level_name,
                "reached": one.reached,
                "remarks": [
                    {"reviewer": said.reviewer, "level": said.level, "comment": said.comment}
                    for said in one.remarks
                ],
            }
            for one in answered.criteria
        ],
        "summaries": [
            {"reviewer": reviewer, "text": text} for reviewer, text in answered.summaries
        ],
    }
