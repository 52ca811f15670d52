"""Jinja's environment for our pages: Flask's, with cheap imports between templates."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping
from typing import Any

from flask.sansio.app import App
from flask.templating import Environment
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class TemplateGlobals(ChainMap[str, Any]):
    """A template's own globals over the environment's.

    Jinja subtracts their names from the page's at every `{% from … import … %}`. ChainMap's view
    does that name by name, through every map; two sets do it at once.
    """

    def keys(self) -> set[str]:  # type: ignore[override]
        """The names as they are now."""
        return set().union(*self.maps)


class _Compiled(BytecodeCache):
    """Every template compiled once in a process, however many applications it makes."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[str, Any]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Jinja's key names the template, the checksum its text."""
        checksum, code = self._made.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what Jinja has just compiled."""
        self._made[bucket.key] = (bucket.checksum, bucket.code)


_COMPILED = _Compiled()


class PageEnvironment(Environment):
    """Flask's environment, with `TemplateGlobals` and templates compiled once."""

    def __init__(self, app: App, **options: Any) -> None:
        super().__init__(app, **{"bytecode_cache": _COMPILED, **options})

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of one template; what the environment learns later is among them."""
        return TemplateGlobals({} if d is None else d, self.globals)
