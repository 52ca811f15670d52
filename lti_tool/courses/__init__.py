"""Platforms' contexts (courses), who is in them, and as what."""
