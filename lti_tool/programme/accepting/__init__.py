"""Whose badges count in the programme's pathways besides its own."""
