"""Mail about one's badges: what is told, and what a person does not want to be told."""
