from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "core" / "web" / "translations"
LOCALES = sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/messages.po"))
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")


def catalogue(locale: str) -> Catalog:
    with (FOLDER / locale / "LC_MESSAGES" / "messages.po").open("rb") as handle:
        return read_po(handle, locale=locale)


def forms(message: Message) -> list[tuple[str, str]]:
    """(original, translation) pairs; a plural form is held against the plural original."""
    if isinstance(message.id, list | tuple):
        return [(message.id[1], text) for text in message.string]
    return [(message.id, str(message.string))]


def test_there_is_a_second_language() -> None:
    assert "es" in LOCALES


def test_the_template_holds_every_text_of_the_sources(tmp_path: Path) -> None:
    fresh = tmp_path / "messages.pot"
    subprocess.run(
        [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F",
         "core/web/babel.cfg", "--no-location", "-k", "_l", "-k", "N_", "-o", str(fresh), "."],
        cwd=ROOT, check=True,
    )  # fmt: skip
    with fresh.open("rb") as new, (FOLDER / "messages.pot").open("rb") as kept:
        wanted = {message.id for message in read_po(new) if message.id}
        found = {message.id for message in read_po(kept) if message.id}
    assert wanted == found, "run: make translations"


@pytest.mark.parametrize("locale", LOCALES)
def test_a_language_that_is_offered_is_whole(locale: str) -> None:
    with (FOLDER / "messages.pot").open("rb") as handle:
        wanted = {message.id for message in read_po(handle) if message.id}
    found = catalogue(locale)
    missing = [key for key in wanted if (entry := found.get(key)) is None or not entry.string]
    assert missing == []
    for message in found:
        if message.id:
            assert all(text for _original, text in forms(message)), message.id
            assert not message.fuzzy, message.id


@pytest.mark.parametrize("locale", LOCALES)
def test_translations_keep_every_placeholder(locale: str) -> None:
    for message in catalogue(locale):
        if not message.id:
            continue
        for original, text in forms(message):
            wanted, found = set(PLACEHOLDER.findall(original)), set(PLACEHOLDER.findall(text))
            may_lack = {("num", "")} if isinstance(message.id, list | tuple) else set()
            assert wanted - may_lack <= found <= wanted, (message.id, text)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_compiled_catalogue_is_the_written_one(locale: str) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(locale))
    compiled.seek(0)
    with (FOLDER / locale / "LC_MESSAGES" / "messages.mo").open("rb") as handle:
        kept = read_mo(handle)
    fresh = read_mo(compiled)

    def texts(found: Catalog) -> dict[str, object]:
        return {str(message.id): message.string for message in found if message.id}

    assert texts(kept) == texts(fresh)
