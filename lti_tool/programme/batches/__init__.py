"""Giving badges from a lead's pages: to one person, or to everybody in a file."""
