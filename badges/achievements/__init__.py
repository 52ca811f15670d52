"""Issuers and micro-credentials: competency, method, evidence, rubric; versioned as a whole."""
