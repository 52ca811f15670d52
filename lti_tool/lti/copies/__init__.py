"""Links that came with a copied course: recognised, and asked about once."""
