"""What a micro-credential asks for, and what of it a revision has: the checklist. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from badges.achievements.document import EvidenceAsked, MicroCredential
from lti_tool.evidence.sniff import is_picture

NARRATIVE: Final = "_narrative"
MAX_TEXT: Final = 20_000
RECOGNISABLE_KINDS: Final = frozenset({"observation", "student_work", "video", "audio", "other"})


class GapKind(StrEnum):
    """Why a draft cannot be sent yet."""

    TOO_FEW_PIECES = "too_few_pieces"
    TOO_MANY_PIECES = "too_many_pieces"
    TOO_FEW_WORDS = "too_few_words"
    TOO_MANY_WORDS = "too_many_words"
    NOTHING_WRITTEN = "nothing_written"
    RELEASE_UNANSWERED = "release_unanswered"
    RELEASE_MISSING = "release_missing"
    INFECTED = "infected"
    TELLS_AUTHOR = "tells_author"


@dataclass(frozen=True)
class Gap:
    """One thing that is still missing. `have` and `need` count pieces or words."""

    requirement_id: str
    kind: GapKind
    have: int = 0
    need: int = 0


@dataclass(frozen=True)
class Standing:
    """How far one requirement is: `state` is done, part or todo; `have` counts words or pieces."""

    asked: EvidenceAsked
    have: int
    state: str
    gaps: tuple[Gap, ...]


class Piece(Protocol):
    """What the rules read of an evidence item."""

    requirement_id: str
    file_key: str | None
    preview_key: str | None
    media_type: str | None
    scan_state: str


def words(text: str) -> int:
    """Number of words, as the counter in the page counts them."""
    return len(text.split())


def asks_release(asked: EvidenceAsked, pieces: Sequence[Piece]) -> bool:
    """Whether to ask if students can be recognised: for files of kinds that may show them."""
    return asked.kind in RECOGNISABLE_KINDS and any(piece.file_key for piece in pieces)


def narrative_required(micro_credential: MicroCredential) -> bool:
    """Whether the general narrative is needed: where nothing else is asked for in writing."""
    return not any(
        asked.counts_words and asked.required for asked in micro_credential.evidence_asked
    )


def standing(
    asked: EvidenceAsked, pieces: Sequence[Piece], text: str, release: str | None
) -> Standing:
    """How far one requirement is."""
    if asked.counts_words:
        have = words(text)
        gaps = _word_gaps(asked, have)
    else:
        have = len(pieces)
        gaps = [*_piece_gaps(asked, have), *_file_gaps(asked, pieces, release)]
    nothing = have == 0
    state = "todo" if nothing else "part" if gaps else "done"
    return Standing(asked, have, state, tuple(gaps))


def standings(
    micro_credential: MicroCredential,
    pieces: Collection[Piece],
    texts: Mapping[str, Any],
    releases: Mapping[str, Any],
) -> list[Standing]:
    """How far each requirement is, in the document's order."""
    return [
        standing(
            asked,
            [piece for piece in pieces if piece.requirement_id == asked.id],
            str(texts.get(asked.id, "")),
            releases.get(asked.id),
        )
        for asked in micro_credential.evidence_asked
    ]


def gaps(
    micro_credential: MicroCredential,
    pieces: Collection[Piece],
    texts: Mapping[str, Any],
    releases: Mapping[str, Any],
) -> list[Gap]:
    """Everything that keeps the draft from being sent."""
    found = [
        gap for one in standings(micro_credential, pieces, texts, releases) for gap in one.gaps
    ]
    if narrative_required(micro_credential) and not words(str(texts.get(NARRATIVE, ""))):
        found.append(Gap(NARRATIVE, GapKind.NOTHING_WRITTEN))
    return found


def gaps_in_hiding(micro_credential: MicroCredential, pieces: Collection[Piece]) -> list[Gap]:
    """Where reviewers may not know the author: pictures that were not drawn anew, by requirement.

    Such a picture cannot be uploaded there; it can come with a revision of an earlier version.
    """
    telling = {
        piece.requirement_id
        for piece in pieces
        if is_picture(piece.media_type) and piece.preview_key is None
    }
    return [
        Gap(asked.id, GapKind.TELLS_AUTHOR)
        for asked in micro_credential.evidence_asked
        if asked.id in telling
    ]


def _word_gaps(asked: EvidenceAsked, have: int) -> list[Gap]:
    if have == 0 and not asked.required:
        return []
    if have == 0:
        return [Gap(asked.id, GapKind.NOTHING_WRITTEN, 0, asked.minimum)]
    if have < asked.minimum:
        return [Gap(asked.id, GapKind.TOO_FEW_WORDS, have, asked.minimum)]
    if asked.maximum and have > asked.maximum:
        return [Gap(asked.id, GapKind.TOO_MANY_WORDS, have, asked.maximum)]
    return []


def _piece_gaps(asked: EvidenceAsked, have: int) -> list[Gap]:
    least = max(asked.minimum, 1) if asked.required else (asked.minimum if have else 0)
    if have < least:
        return [Gap(asked.id, GapKind.TOO_FEW_PIECES, have, least)]
    if asked.maximum and have > asked.maximum:
        return [Gap(asked.id, GapKind.TOO_MANY_PIECES, have, asked.maximum)]
    return []


def _file_gaps(asked: EvidenceAsked, pieces: Sequence[Piece], release: str | None) -> list[Gap]:
    found = []
    if any(piece.scan_state == "infected" for piece in pieces):
        found.append(Gap(asked.id, GapKind.INFECTED))
    if asks_release(asked, pieces):
        if release is None:
            found.append(Gap(asked.id, GapKind.RELEASE_UNANSWERED))
        elif release == "unreleased":
            found.append(Gap(asked.id, GapKind.RELEASE_MISSING))
    return found
