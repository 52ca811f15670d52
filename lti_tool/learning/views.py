"""A learner's own pages. Whoever is signed in sees their own, and only that."""

from lti_tool.learning import badge_views, path_views
from lti_tool.learning.blueprint import blueprint

__all__ = ["badge_views", "blueprint", "path_views"]
