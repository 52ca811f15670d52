"""An address as a QR code, to be scanned from one screen by another (ISO/IEC 18004)."""

from __future__ import annotations

import segno

SCALE = 4  # pixels a module: readable from a laptop's screen, narrower than a telephone's


def drawing(address: str) -> str:
    """SVG markup: black on white whatever the page's colours, with the quiet zone around it."""
    made = segno.make(address, error="m", micro=False)
    return made.svg_inline(scale=SCALE, border=4, dark="#000", light="#fff", svgclass="qr")
