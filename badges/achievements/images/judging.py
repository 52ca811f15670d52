"""Drawing a stranger's SVG once, in a process of its own, to see that it can be drawn in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from flask_babel import lazy_gettext as _

from badges.achievements.images.pictures import SIDE
from badges.achievements.images.raster import arguments
from core.errors import UnprocessableError

# A backstop against a machine that is too busy to give the child its seconds of CPU.
WALL_SECONDS: Final = 30.0
_CHILD: Final = Path(__file__).with_name("drawing_child.py")
_ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL")


def drawn_in_time(svg: str) -> bytes:
    """The PNG of `svg` at 600 pixels. Raises UnprocessableError where it takes too long."""
    # No secret of the application's environment reaches the process that strangers feed.
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, str(_CHILD)],
            input=json.dumps(arguments(svg, SIDE)).encode(),
            capture_output=True,
            timeout=WALL_SECONDS,
            check=True,
            env=kept,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        message = _(
            "This drawing takes too long to draw. Simplify it, or save it as PNG and choose that."
        )
        raise UnprocessableError(
            message, code="picture_refused", fields={"picture": message}
        ) from None
    return done.stdout
