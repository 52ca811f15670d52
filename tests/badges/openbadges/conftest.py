"""Fixtures of the Open Badges tests: the vectors beside the repository, and Node's verifiers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from badges.openbadges import contexts
from tests.support import nodejs
from tests.support.ob3 import NOW, SHARED, VECTORS

NodeVerify = Callable[[list[dict[str, Any]], list[dict[str, Any]]], list[dict[str, Any]]]


def vector_entries() -> list[dict[str, Any]]:
    """The index of the vectors, empty where the shared folder is absent."""
    if not VECTORS.is_dir():
        return []
    entries: list[dict[str, Any]] = json.loads((VECTORS / "index.json").read_text("utf-8"))
    return entries


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of 1EdTech's schema and the vectors."""
    if not VECTORS.is_dir():
        pytest.skip(f"{SHARED} is absent: the vectors are not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def node_verify() -> NodeVerify:
    """@digitalbazaar/vc, for many documents in one process."""

    def verify(
        documents: list[dict[str, Any]], controllers: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        known = {url: contexts.load_context(url) for url in contexts.FILES}
        known |= {document["id"]: document for document in controllers}
        request = {"documents": documents, "known": known, "now": NOW.isoformat()}
        answers: list[dict[str, Any]] = nodejs.answer("verify.mjs", request)
        return answers

    return verify
