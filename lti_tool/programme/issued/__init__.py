"""Badges that were given: found again, corrected, renewed, withdrawn, and the keys they rest on."""
