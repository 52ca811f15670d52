"""What every test would otherwise pay for anew: RSA keys, compiled statements, routes, the disk.

All are made by the real code and handed out again; nothing is made up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import sqlalchemy
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from flask import Flask
from werkzeug.routing import Rule

import core.db

# More than any one test makes: keys of one installation must differ. What several tests share has
# keys of its own (see `apart`).
_KEYS = 48

_builders: dict[Any, Any] = {}
_keys: deque[RSAPrivateKey] = deque()
_apart = False


@cache
def install() -> None:
    """Hand out again what was made before, in this process."""
    rsa.generate_private_key = _reusing(rsa.generate_private_key)
    Flask.url_rule_class = _Remembered
    core.db.create_engine = partial(  # type: ignore[attr-defined]
        sqlalchemy.create_engine, execution_options={"compiled_cache": _Statements()}
    )
    core.db._synchronise = _never_waiting


@contextmanager
def apart() -> Iterator[None]:
    """Keys made inside are handed out to nobody else."""
    global _apart
    before, _apart = _apart, True
    try:
        yield
    finally:
        _apart = before


def _never_waiting(driver: Any, info: Any, _wanted: str) -> None:
    """As PostgreSQL's fsync=off in these tests: processes are killed here, machines are not."""
    if not info.get("milepost_unsynced"):
        driver.execute("PRAGMA synchronous=OFF")
        info["milepost_unsynced"] = True


def _reusing(make: Callable[..., RSAPrivateKey]) -> Callable[..., RSAPrivateKey]:
    def generate_private_key(
        public_exponent: int, key_size: int, backend: Any = None
    ) -> RSAPrivateKey:
        plain = key_size == 2048 and not _apart
        if not plain or len(_keys) < _KEYS:
            made = make(public_exponent, key_size, backend)
            if plain:
                _keys.append(made)
            return made
        _keys.rotate(-1)
        return _keys[-1]

    return generate_private_key


class _Statements(dict[Any, Any]):
    """Compiled statements of all engines of one kind; SQLAlchemy keeps them by engine."""

    def get(self, key: Any, default: Any = None) -> Any:
        """SQLAlchemy's key begins with the engine's own dialect."""
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), value)


class _Remembered(Rule):
    """A rule whose URL builder, which depends on its text alone, is compiled once a process."""

    def _compile_builder(self, append_unknown: bool = True) -> Any:
        if self.defaults:
            return super()._compile_builder(append_unknown)
        key = (self.rule, tuple(self._trace), append_unknown)
        if key not in _builders:
            _builders[key] = super()._compile_builder(append_unknown)
        return _builders[key]
