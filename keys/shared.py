"""The key ring that all parts of one process share."""

from __future__ import annotations

from core.runtime import Runtime
from keys.ring import KeyRing


def ring_of(runtime: Runtime) -> KeyRing:
    """The process's key ring, opened with the master key of its settings."""
    return runtime.part(KeyRing, lambda it: KeyRing(it.database, it.config.master_key))
