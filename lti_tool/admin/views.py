"""The administrators' pages. Importing this completes `blueprint`."""

from __future__ import annotations

from lti_tool.admin import connecting_views, connection_views, delivery_views, settings_views
from lti_tool.admin.blueprint import blueprint

__all__ = [
    "blueprint", "connecting_views", "connection_views", "delivery_views", "settings_views",
]  # fmt: skip
