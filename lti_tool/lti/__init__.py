"""LTI 1.3: login, launch and services; the only user of PyLTI1p3."""
