"""Canonical forms, byte for byte as PyLD makes them, and strangers' graphs within bounds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from pyld import jsonld

from badges.openbadges import (
    AchievementCredential,
    CanonicalizationError,
    CanonicalizationLimitError,
    canonical_guard,
    contexts,
)
from badges.openbadges.canonical import in_process
from badges.openbadges.canonical_guard import Guarded
from tests.badges.openbadges.strategies import UNSHRUNK, alike, credentials
from tests.support.ob3 import full_credential, mini_credential

ROOT = Path(__file__).resolve().parents[3]
LINKS = {"@context": {"id": "@id", "links": {"@id": "urn:links", "@type": "@id"}}}


def by_pyld(document: dict[str, Any]) -> str:
    """PyLD's own expansion, conversion and canonicalization, with nothing of ours but files."""

    def loader(url: str, _options: Any) -> dict[str, Any]:
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": contexts.load_context(url),
        }

    nquads: str = jsonld.normalize(
        document,
        {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": loader},
    )
    return nquads


@settings(max_examples=40, phases=UNSHRUNK)
@given(credential=credentials())
def test_the_canonical_form_is_pylds(credential: AchievementCredential) -> None:
    document = alike(credential.to_document())
    assert in_process().canonicalize([document])[0].nquads == by_pyld(document)


def test_controls_are_escaped_as_rdfc_says() -> None:
    document = {**mini_credential(), "name": '\b\t\n\x0b\f\r\x1b"\\\x7f\x85'}
    expected = '"\\b\\t\\n\\u000B\\f\\r\\u001B\\"\\\\\\u007F\x85"'
    assert expected in in_process().canonicalize([document])[0].nquads


def test_a_child_process_answers_the_same() -> None:
    documents = [full_credential(), mini_credential()]
    assert Guarded().canonicalize(documents) == in_process().canonicalize(documents)
    with_faults = {**mini_credential(), "colour": "green"}
    assert Guarded().canonicalize([with_faults]) == in_process().canonicalize([with_faults])


def test_sha_384_is_another_form_only_where_labels_depend_on_it() -> None:
    document = mini_credential()
    first, second = (
        in_process().canonicalize([document], hash_name=name)[0] for name in ("sha256", "sha384")
    )
    assert len(first.nquads) == len(second.nquads)


def clique(size: int) -> dict[str, Any]:
    """Blank nodes that all point to one another: the graph that makes RDFC-1.0 explode."""
    names = [f"_:n{number}" for number in range(size)]
    return {
        "@context": "urn:links-context",
        "id": "urn:root",
        "links": [
            {"id": name, "links": [other for other in names if other != name]} for name in names
        ],
    }


def test_a_poisoned_graph_is_stopped_and_the_next_document_is_served() -> None:
    guarded = Guarded({"urn:links-context": LINKS})
    assert guarded.canonicalize([clique(3)])[0].nquads.count("\n") >= 6
    with pytest.raises(CanonicalizationLimitError):
        guarded.canonicalize([clique(11)])
    assert Guarded().canonicalize([mini_credential()])[0].problems == ()


def test_what_is_not_json_ld_is_a_clear_error_in_both() -> None:
    document = {**mini_credential(), "id": ["a", "b"]}
    for canonicalizer in (in_process(), Guarded()):
        with pytest.raises(CanonicalizationError):
            canonicalizer.canonicalize([document])


def test_an_identifier_cannot_smuggle_statements() -> None:
    spaced = {**mini_credential(), "id": "https://example.org/a> <urn:b> <urn:c> .\n<urn:d"}
    form = in_process().canonicalize([spaced])[0]
    assert form.problems
    assert "<urn:d" not in form.nquads


def test_many_threads_share_few_children() -> None:
    expected = in_process().canonicalize([full_credential()])
    answers: list[Any] = []

    def work() -> None:
        answers.extend(Guarded().canonicalize([full_credential()]) == expected for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 40
    assert len(canonical_guard._pool._idle) <= canonical_guard.MAX_IDLE


def test_a_child_that_died_while_idle_is_replaced() -> None:
    Guarded().canonicalize([mini_credential()])
    for child in canonical_guard._pool._idle:
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
    assert Guarded().canonicalize([mini_credential()])[0].nquads


SCRIPT = """
    import os, sys
    from badges.openbadges.canonical_guard import Guarded, _pool
    document = {"@context": "https://www.w3.org/ns/credentials/v2", "id": "urn:x", "name": "x"}
    guarded = Guarded()
    first = guarded.canonicalize([document])
    parents = [child.process.pid for child in _pool._idle]
    forked = os.fork()
    if forked == 0:
        same = guarded.canonicalize([document]) == first
        sys.stdout.flush()
        os._exit(0 if same else 1)
    _pid, status = os.waitpid(forked, 0)
    assert status == 0
    assert guarded.canonicalize([document]) == first
    assert [child.process.pid for child in _pool._idle] == parents
    print(*parents)
"""


def test_forks_do_not_share_children_and_none_is_left_behind() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            textwrap.dedent(SCRIPT),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for pid in done.stdout.split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)
