"""The parts of the `milepost` command, one module per subject."""
