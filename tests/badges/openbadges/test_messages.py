"""Sentences of the library can be told in a language: each is marked, with its values apart."""

from __future__ import annotations

import ast
import copy
from pathlib import Path

from badges.openbadges.errors import ProofError
from badges.openbadges.messages import N_, Filled

ROOM = Path(__file__).resolve().parents[3] / "badges" / "openbadges"
TOLD = frozenset(
    {"BakingError", "CanonicalizationError", "CanonicalizationLimitError",
     "CanonicalizerBusyError", "DidError", "DocumentError", "HoldersProofError", "KeyFormatError",
     "ProofError", "ResolutionError", "StatusListError", "UnsupportedProofError"}
)  # fmt: skip
# Said to whoever runs or calls it, and never of what somebody brought.
FOR_CALLERS = frozenset(
    {"__main__.py", "baking.py", "canonical_child.py", "presentations.py", "status_list.py"}
)


def unmarked(path: Path) -> list[str]:
    """Where a sentence is raised that no extractor finds."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            plain = isinstance(node.args[0], ast.JoinedStr | ast.Constant)
            if node.func.id in TOLD and plain:
                found.append(f"{path.name}:{node.lineno}")
    return found


def test_every_sentence_that_a_report_may_tell_is_marked_for_translation() -> None:
    found = [
        place for path in ROOM.rglob("*.py") if path.name not in FOR_CALLERS
        for place in unmarked(path)
    ]  # fmt: skip
    assert found == []


def test_an_exception_gives_back_the_template_and_the_values_of_its_sentence() -> None:
    said = str(
        ProofError(Filled(N_("Proofs of the kind %(name)s cannot be checked here."), name="x"))
    )
    assert said == "Proofs of the kind x cannot be checked here."
    assert isinstance(said, Filled)
    assert (said.template % {"name": "y"}, said.params) == (
        "Proofs of the kind y cannot be checked here.", {"name": "x"},
    )  # fmt: skip
    assert copy.deepcopy(said) == said
