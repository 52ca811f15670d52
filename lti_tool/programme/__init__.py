"""Leading a programme: what waits for a person, and what can be earned."""
