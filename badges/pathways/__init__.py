"""Pathways: the criteria language, the typed facts it reads, and enrolments.

A pathway has one rule, a tree published as an immutable version. `rules` parses, checks and
evaluates it and, like everything it stands on, is pure: no Flask, no database, no network.
`facts` holds the typed facts. The database half of the feature lives in modules of its own.
"""
