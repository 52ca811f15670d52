"""Page templates, shipped as package data: base frames, components and one folder per feature."""
