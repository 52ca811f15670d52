"""A small but genuine LTI 1.3 platform, for ``milepost demo`` and the tests only.

It plays somebody else's LMS: own keys, OpenID Connect authorization, signed id_tokens, a token
endpoint, a gradebook behind AGS 2.0 and a roster behind NRPS 2.0. It therefore knows nothing of
the tool's code, and the tool nothing of it.
"""

from lti_tool.sandbox.app import create_sandbox, sandbox_of
from lti_tool.sandbox.config import ResourceLinkSpec, SandboxConfig
from lti_tool.sandbox.errors import SandboxConfigError, SandboxDataError, SandboxRefusedError
from lti_tool.sandbox.sandbox import Sandbox

__all__ = [
    "ResourceLinkSpec",
    "Sandbox",
    "SandboxConfig",
    "SandboxConfigError",
    "SandboxDataError",
    "SandboxRefusedError",
    "create_sandbox",
    "sandbox_of",
]
