"""The published contexts, held to their digests."""

from __future__ import annotations

import hashlib
from importlib import resources

import pytest

from badges.openbadges import ContextError, ContextIntegrityError, contexts


@pytest.mark.parametrize("url", sorted(contexts.FILES))
def test_every_context_has_the_pinned_digest(url: str) -> None:
    _name, digest = contexts.FILES[url]
    assert hashlib.sha256(contexts.context_bytes(url)).hexdigest() == digest
    assert "@context" in contexts.load_context(url)


def test_every_file_is_named_in_the_notice_and_in_the_code() -> None:
    folder = resources.files(contexts)
    notice = folder.joinpath("NOTICE.md").read_text("utf-8")
    names = {item.name for item in folder.iterdir() if item.name.endswith(".json")}
    assert names == {name for name, _digest in contexts.FILES.values()}
    assert all(name in notice for name in names)


def test_the_core_context_is_the_one_that_the_data_model_prints_a_digest_of() -> None:
    assert contexts.FILES[contexts.CREDENTIALS_V2][1].startswith("59955ced6697d61e03f2b2556febe530")


def test_an_unknown_context_is_refused_by_name() -> None:
    with pytest.raises(ContextError, match=r"https://example\.org/context"):
        contexts.load_context("https://example.org/context")


def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    name, _digest = contexts.FILES[contexts.DID_V1]
    monkeypatch.setattr(contexts, "FILES", {contexts.DID_V1: (name, "0" * 64)})
    with pytest.raises(ContextIntegrityError, match=name):
        contexts.context_bytes(contexts.DID_V1)


def test_a_loaded_context_is_a_copy() -> None:
    contexts.load_context(contexts.DID_V1)["@context"].clear()
    assert contexts.load_context(contexts.DID_V1)["@context"]
