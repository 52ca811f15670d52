"""What every page shares: headers, sessions, CSRF, errors to HTTP, languages, static files."""
