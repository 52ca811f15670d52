"""Deep linking: an instructor picks in the LMS's content picker what a link opens."""
