"""My accounts: several LMS accounts of one person, joined by themselves from both sides."""
