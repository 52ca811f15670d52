"""Offering one micro-credential to many people at once: a table read, checked, then carried out."""
