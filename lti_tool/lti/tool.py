"""What login, launch and the services share in one process."""

from __future__ import annotations

from dataclasses import dataclass

from core.runtime import Runtime
from keys.ring import KeyRing
from lti_tool.lti.keysets import KeySets
from lti_tool.lti.platforms import Platforms
from lti_tool.lti.targets import LAUNCH_PATH, Targets

EXTENSION = "milepost_lti"


@dataclass
class LtiTool:
    """The tool's side of LTI: registered platforms, their keys, our key ring and our pages."""

    runtime: Runtime
    ring: KeyRing
    targets: Targets
    platforms: Platforms
    key_sets: KeySets

    @classmethod
    def of(cls, runtime: Runtime, ring: KeyRing, targets: Targets) -> LtiTool:
        """With caches of its own."""
        key_sets = KeySets(runtime.http, places=max(1, runtime.config.threads - 1))
        return cls(runtime, ring, targets, Platforms(runtime.database), key_sets)

    @property
    def redirect_uri(self) -> str:
        """The one address that platforms post launches to."""
        return f"{self.runtime.config.base_url}{LAUNCH_PATH}"
