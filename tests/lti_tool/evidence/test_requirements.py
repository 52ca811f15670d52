"""The checklist: what is there, what is missing, and when students may be recognised."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from badges.achievements.document import EvidenceAsked
from lti_tool.evidence.requirements import (
    NARRATIVE,
    Gap,
    GapKind,
    gaps,
    narrative_required,
    standing,
)
from tests.support.badges import micro_credential


@dataclass
class Piece:
    requirement_id: str = "v"
    file_key: str | None = "k"
    preview_key: str | None = None
    media_type: str | None = "video/mp4"
    scan_state: str = "not_scanned"


VIDEO = EvidenceAsked("v", "video", "Video", "", 1, 2)
WORDS = EvidenceAsked("r", "reflection", "Reflection", "", 3, 5)


def kinds(asked: EvidenceAsked, pieces: int = 0, text: str = "", release: str | None = None):  # type: ignore[no-untyped-def]
    return [gap.kind for gap in standing(asked, [Piece()] * pieces, text, release).gaps]


def test_pieces_are_counted_between_their_bounds() -> None:
    assert kinds(VIDEO, 0) == [GapKind.TOO_FEW_PIECES]
    assert kinds(VIDEO, 1, release="not_recognisable") == []
    assert kinds(VIDEO, 3, release="not_recognisable") == [GapKind.TOO_MANY_PIECES]


def test_words_are_counted_between_their_bounds() -> None:
    assert kinds(WORDS) == [GapKind.NOTHING_WRITTEN]
    assert kinds(WORDS, text="one two") == [GapKind.TOO_FEW_WORDS]
    assert kinds(WORDS, text="one two\nthree") == []
    assert kinds(WORDS, text="a b c d e f") == [GapKind.TOO_MANY_WORDS]


def test_what_is_optional_may_be_left_out_but_not_half_done() -> None:
    optional = EvidenceAsked("r", "reflection", "Reflection", "", 3, 5, required=False)
    assert kinds(optional) == []
    assert kinds(optional, text="one") == [GapKind.TOO_FEW_WORDS]


def test_files_that_may_show_students_need_an_answer_and_releases() -> None:
    assert kinds(VIDEO, 1) == [GapKind.RELEASE_UNANSWERED]
    assert kinds(VIDEO, 1, release="unreleased") == [GapKind.RELEASE_MISSING]
    assert kinds(VIDEO, 1, release="released") == []
    link = standing(VIDEO, [Piece(file_key=None)], "", None)
    assert link.gaps == ()


def test_an_infected_file_keeps_a_draft_from_being_sent() -> None:
    found = standing(VIDEO, [Piece(scan_state="infected")], "", "not_recognisable")
    assert [gap.kind for gap in found.gaps] == [GapKind.INFECTED]


def test_a_narrative_is_needed_where_nothing_else_is_written() -> None:
    plan = {"id": "p", "kind": "lesson_plan", "title": "Plan", "help": "", "minimum": 1,
            "maximum": 1, "required": True}  # fmt: skip
    document = micro_credential(evidence_asked=[plan])
    assert narrative_required(document)
    missing = gaps(document, [Piece("p")], {}, {})
    assert missing == [Gap(NARRATIVE, GapKind.NOTHING_WRITTEN)]
    assert gaps(document, [Piece("p")], {NARRATIVE: "What I did."}, {}) == []
    assert not narrative_required(micro_credential())


@given(st.integers(0, 4), st.integers(0, 12), st.booleans())
def test_done_means_that_nothing_is_missing(pieces: int, count: int, required: bool) -> None:
    for asked in (
        EvidenceAsked("v", "lesson_plan", "Plan", "", 1, 2, required),
        EvidenceAsked("v", "reflection", "Reflection", "", 3, 9, required),
    ):
        found = standing(asked, [Piece()] * pieces, "w " * count, None)
        assert (found.state == "done") <= (not found.gaps)
        assert (found.state == "part") <= bool(found.gaps)
