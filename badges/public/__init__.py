"""What the world sees: credentials, achievements, issuers, keys, status lists, and Verify.

No page here reads a session; everything is the same for every stranger, so caches may keep it.
`install(app, ring)` mounts it all.
"""

from badges.public.mounting import install

__all__ = ["install"]
