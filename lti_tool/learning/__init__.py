"""A person's own pages: their path, and their badges."""
