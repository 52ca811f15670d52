"""Authoring what can be earned: issuers, micro-credentials, frameworks of standards."""
