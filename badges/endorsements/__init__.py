"""Endorsements: what one issuer says of another's badges, signed on its own (R20-R22)."""
