"""What the practice LMS can say no to, as exceptions.

The views turn these into pages or JSON; nothing below the views knows Flask.
"""

from collections.abc import Mapping


class SandboxError(Exception):
    """Base of everything the practice LMS raises on purpose."""


class SandboxRefusedError(SandboxError, ValueError):
    """The practice LMS was asked to run outside a demonstration or a test."""


class SandboxConfigError(SandboxError, ValueError):
    """A setting of the practice LMS cannot be used; the message names every fault."""


class SandboxDataError(SandboxError):
    """The data folder cannot be used: not writable, or written by another version."""


class NotFoundError(SandboxError):
    """A person, course or resource link that does not exist, or not for this person."""


class ServiceError(SandboxError):
    """A refusal by the token endpoint or a service, told as JSON.

    Args:
        status: HTTP status.
        code: short machine-readable word (RFC 6749, section 5.2, where one exists).
        message: one sentence for a developer.
        headers: extra response headers such as ``WWW-Authenticate``.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class AuthorizationRefusedError(SandboxError):
    """An authorization request without a client and redirect address that we may answer to.

    Everything else is answered to the tool by form post (OpenID Connect Core 1.0, 3.1.2.6).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
