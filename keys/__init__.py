"""The key ring: generate, seal at rest, rotate with overlap, publish."""
