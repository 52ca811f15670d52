"""A badge's picture: six SVG templates, filled by rule, or a picture of one's own, made clean.

`render_svg` fills a template, `render_png` rasterises a drawing, `ImageStore` keeps what was
rasterised, `receive` cleans what somebody brings. The same input gives the same bytes on the same
machine.
"""

from badges.achievements.images.colours import colour_faults, contrast, require_readable
from badges.achievements.images.drawing import icon_svg, render_svg
from badges.achievements.images.pictures import Picture
from badges.achievements.images.raster import SIZES, render_png
from badges.achievements.images.store import ImageStore
from badges.achievements.images.uploads import Received, receive

__all__ = [
    "SIZES", "ImageStore", "Picture", "Received", "colour_faults", "contrast", "icon_svg",
    "receive", "render_png", "render_svg", "require_readable",
]  # fmt: skip
