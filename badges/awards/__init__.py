"""From an award to a credential: offer, accept, sign, publish, revoke."""
