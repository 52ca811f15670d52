"""Connecting an LMS by a link: the LMS and we tell each other what both need."""
