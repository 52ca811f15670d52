"""The badge service: achievements, pathways, awards, and what the world sees of them."""
