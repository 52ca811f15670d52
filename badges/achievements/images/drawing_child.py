"""The process that draws a stranger's SVG; run by its path, so that it loads the renderer alone.

Standard input holds JSON with the renderer's arguments; the PNG goes to standard output. The kernel
ends it when it takes too long, since native code heeds no signal of Python's.
"""

from __future__ import annotations

import json
import resource
import sys

import resvg_py

CPU_SECONDS = 5
MEMORY_BYTES = 1024**3


def main() -> None:
    """Draw what standard input holds."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    arguments = json.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(bytes(resvg_py.svg_to_bytes(**arguments)))


if __name__ == "__main__":
    main()
