"""Every mapped class of the installation, imported for its table."""

from __future__ import annotations

import importlib

MODULES = (
    "core.addresses",
    "core.audit",
    "core.identity",
    "core.outbox",
    "core.quotas",
    "core.web.sessions",
    "keys.models",
    "badges.achievements.models",
    "badges.pathways.models",
    "badges.awards.models",
    "badges.awards.evidence_models",
    "badges.awards.links",
    "badges.awards.batches.models",
    "badges.endorsements.models",
    "badges.holdings.models",
    "badges.wallets.models",
    "lti_tool.lti.models",
    "lti_tool.lti.deep_linking.models",
    "lti_tool.lti.registering.models",
    "lti_tool.courses.models",
    "lti_tool.evidence.models",
    "lti_tool.review.models",
    "lti_tool.learning.accounts.models",
    "lti_tool.learning.notices.models",
    "lti_tool.admin.models",
    "lti_tool.access.models",
    "lti_tool.programme.catalogue.models",
)

for _name in MODULES:
    importlib.import_module(_name)
