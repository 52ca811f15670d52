"""Infrastructure and identity. Knows nothing of badges or LTI."""
