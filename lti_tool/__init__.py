"""The tool inside the LMS, and the composition root."""
