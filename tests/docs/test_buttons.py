"""What the guides tell people to press and to look for is on Milepost's pages under that name."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "Approve",
    "Administrators of this LMS may administer here",
    "By hand",
    "Change the settings",
    "Check connection",
    "Come in as administrator",
    "Connect a platform",
    "Disable",
    "Download as a file",
    "From a file",
    "Make a new key",
    "Make a registration address",
    "Make an address to register it anew",
    "Or let Canvas do it",
    "Our key",
    "People without an id may come in",
    "Register it",
    "The LMS verifies its people's e-mail addresses",
    "Tools of this LMS",
    "Try again",
    "Waits for you",
    "What is kept about you",
    "Withdraw",
)


def guides() -> str:
    pages = [ROOT / "docs" / "lms.md", *(ROOT / "docs" / "guides").glob("*.md")]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def templates() -> str:
    return "\n".join(
        page.read_text(encoding="utf-8") for page in (ROOT / "templates").rglob("*.html")
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_the_guides_is_on_a_page(name: str) -> None:
    # In the guides it is marked as a name, alone or at an end of a way through several pages.
    assert any(f"{before}{name}" in guides() for before in ("*", "→ "))
    assert f'_("{name}")' in templates()
