"""How badges and issuers look: our drawings with a live preview, and pictures of one's own."""
