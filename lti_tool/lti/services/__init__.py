"""LTI Advantage services: access tokens, line items, scores."""
