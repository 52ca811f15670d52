"""A learner's own pages. Whoever is signed in sees their own, and only that."""

from lti_tool.learning import (
    badge_views,
    brought_views,
    endorsement_views,
    evidence_views,
    kept_views,
    mail_views,
    path_views,
    portfolio_views,
    renewal_views,
    sharing_views,
    wallet_views,
)
from lti_tool.learning.accounts import views as account_views
from lti_tool.learning.archive import views as archive_views
from lti_tool.learning.blueprint import blueprint

__all__ = [
    "account_views", "archive_views", "badge_views", "blueprint", "brought_views",
    "endorsement_views", "evidence_views", "kept_views", "mail_views", "path_views",
    "portfolio_views", "renewal_views", "sharing_views", "wallet_views",
]  # fmt: skip
