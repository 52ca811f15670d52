"""Jinja's environment for our pages: Flask's, with cheap imports between templates."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping
from typing import Any

from flask.templating import Environment


class TemplateGlobals(ChainMap[str, Any]):
    """A template's own globals over the environment's.

    Jinja subtracts their names from the page's at every `{% from … import … %}`. ChainMap's view
    does that name by name, through every map; two sets do it at once.
    """

    def keys(self) -> set[str]:  # type: ignore[override]
        """The names as they are now."""
        return set().union(*self.maps)


class PageEnvironment(Environment):
    """Flask's environment, with `TemplateGlobals`."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of one template; what the environment learns later is among them."""
        return TemplateGlobals({} if d is None else d, self.globals)
