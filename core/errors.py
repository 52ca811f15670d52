"""Domain errors. Features raise them; `core.web` alone turns them into HTTP.

Each carries a stable `code` for machines and logs, and a `message` for the person who reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class MilepostError(Exception):
    """Base of everything that features raise on purpose.

    `code` is stable and machine-readable, `message` a whole sentence for people (may be a lazy
    gettext string), `advice` what to do next, `details` facts that may be shown.
    """

    status = 400
    default_code = "bad_request"

    def __init__(
        self,
        message: Any,
        *,
        code: str | None = None,
        advice: Any = None,
        title: Any = None,
        details: Mapping[str, Any] | None = None,
        actions: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(str(code or self.default_code))
        self.message = message
        self.code = code or self.default_code
        self.advice = advice
        self.title = title
        self.details = dict(details or {})
        self.actions = list(actions)
        self.headers: dict[str, str] = {}

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class InvalidInputError(MilepostError):
    """What was sent does not have the form that is asked for."""

    status = 400
    default_code = "invalid_input"


class UnprocessableError(MilepostError):
    """Well-formed, but not acceptable; `fields` says which field and why."""

    status = 422
    default_code = "unprocessable"

    def __init__(self, message: Any, *, fields: Mapping[str, Any] | None = None, **kw: Any) -> None:
        super().__init__(message, **kw)
        self.fields = dict(fields or {})


class TooLargeError(MilepostError):
    """Over a stated limit."""

    status = 413
    default_code = "too_large"


class NotAuthenticatedError(MilepostError):
    """No session, or one that has ended."""

    status = 401
    default_code = "session_missing"


class NotAllowedError(MilepostError):
    """Known person, but not theirs to do or see (and its existence is no secret)."""

    status = 403
    default_code = "not_allowed"


class NotFoundError(MilepostError):
    """Nothing there, or nothing that this person may know of."""

    status = 404
    default_code = "not_found"


class ConflictError(MilepostError):
    """Somebody or something else was first; nothing was changed."""

    status = 409
    default_code = "conflict"


class GoneError(MilepostError):
    """It existed and has been withdrawn, used or has expired."""

    status = 410
    default_code = "gone"


class UnavailableError(MilepostError):
    """Something this depends on does not answer; trying again later makes sense."""

    status = 503
    default_code = "unavailable"

    def __init__(self, message: Any, *, retry_after: int = 30, **kw: Any) -> None:
        super().__init__(message, **kw)
        self.headers["Retry-After"] = str(retry_after)


class ConfigError(Exception):
    """One or more settings are wrong; `faults` lists all of them as sentences."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(self.faults))
