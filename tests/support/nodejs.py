"""The verifiers of other hands that run in Node: one process for each question."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).parent / "node"


def answer(script: str, question: object) -> Any:
    """What `node/SCRIPT` says to the JSON of `question`; skips where Node's packages are absent."""
    node = shutil.which("node")
    if node is None or not (_FOLDER / "node_modules" / ".package-lock.json").is_file():
        pytest.skip(f"run: npm ci --ignore-scripts --no-audit --no-fund --prefix {_FOLDER}")
    done = subprocess.run(
        [node, script], cwd=_FOLDER, input=json.dumps(question), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
