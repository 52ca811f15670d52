"""Benchmarks: `python -m tests.bench [--only NAME]`, or `make bench`."""
