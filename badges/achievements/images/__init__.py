"""The badge's drawing: six SVG templates, filled by rule, and rasterised to PNG.

`render_svg` fills a template, `render_png` rasterises it, `ImageStore` keeps what was rasterised.
The same input gives the same bytes on the same machine.
"""

from badges.achievements.images.colours import colour_faults, contrast, require_readable
from badges.achievements.images.drawing import render_svg
from badges.achievements.images.raster import SIZES, render_png
from badges.achievements.images.store import ImageStore

__all__ = [
    "SIZES", "ImageStore", "colour_faults", "contrast", "render_png", "render_svg",
    "require_readable",
]  # fmt: skip
