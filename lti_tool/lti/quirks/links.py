"""Mending `Link` headers (RFC 8288) before they are read."""

from __future__ import annotations

import html

_CURLY = str.maketrans({"“": '"', "”": '"', "„": '"', "″": '"', "‘": "'", "’": "'"})


def standard_link_header(value: str) -> str:
    """A header that follows the standard, as it is."""
    return value


def mended_link_header(value: str) -> str:
    """A header with curly quotation marks and `&amp;` made right.

    Header bytes are read as Latin-1, so that UTF-8 comes as two or three odd characters for one.
    """
    try:
        text = value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        text = value
    return html.unescape(text.translate(_CURLY)).translate(_CURLY)
