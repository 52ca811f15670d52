"""A learner's own pages. Whoever is signed in sees their own, and only that."""

from lti_tool.learning import badge_views, kept_views, mail_views, path_views
from lti_tool.learning.accounts import views as account_views
from lti_tool.learning.blueprint import blueprint

__all__ = ["account_views", "badge_views", "blueprint", "kept_views", "mail_views", "path_views"]
