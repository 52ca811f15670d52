"""The demo's settings, kept beside its data, so that other commands find the same installation.

`make run` needs no settings, so neither may `milepost badge list` after it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from core.config import Config

FILE = "demo.json"
_OURS = ("ENVIRONMENT", "BASE_URL", "MASTER_KEY")


def remember(config: Config) -> None:
    """Keep the addresses of this demo under its home. Raises OSError."""
    kept = {"MILEPOST_BASE_URL": config.base_url, "MILEPOST_BADGE_URL": config.badge_url}
    (config.home / FILE).write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def recalled(env: Mapping[str, str]) -> dict[str, str]:
    """`env`, with the demo's settings where it names no installation and a demo was run here."""
    given = dict(env)
    if any(env.get(f"MILEPOST_{name}{end}") for name in _OURS for end in ("", "_FILE")):
        return given
    home = Path(env.get("MILEPOST_HOME") or "instance").expanduser()
    try:
        kept = json.loads((home / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return given
    if not isinstance(kept, dict):
        return given
    return {"MILEPOST_ENVIRONMENT": "demo", **{k: str(v) for k, v in kept.items()}, **given}
