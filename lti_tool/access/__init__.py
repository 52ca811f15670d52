"""Ways in without an LMS: the first administrator's single-use link."""
