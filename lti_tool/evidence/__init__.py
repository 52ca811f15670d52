"""Evidence: assignments, submissions and their revisions, files, links, receipts."""
