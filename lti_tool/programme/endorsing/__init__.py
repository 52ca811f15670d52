"""Leads' pages: endorsing others, deciding what others may say of one's own, and terms of use."""
