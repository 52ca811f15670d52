"""Review: slots, allocation, scoring and decisions."""
