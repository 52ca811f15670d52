"""Parameters of logins and launches as they arrive: once each, readable, of bounded size."""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.datastructures import MultiDict

from lti_tool.lti.rules import RefusedError

LARGEST_LOGIN = 8 * 1024  # bytes, of all parameters together
LOGIN = ("iss", "login_hint", "target_link_uri", "lti_message_hint", "lti_deployment_id",
         "client_id", "lti_storage_target")  # fmt: skip
LAUNCH = ("id_token", "state", "error", "error_description")
STORAGE = (*LAUNCH, "stored_state", "stored_nonce")


def once(sources: Iterable[MultiDict[str, str]], wanted: tuple[str, ...]) -> dict[str, str]:
    """The `wanted` parameters that are there. Raises RefusedError for one that comes twice."""
    found: dict[str, str] = {}
    for source in sources:
        for name in wanted:
            values = source.getlist(name)
            if len(values) + (name in found) > 1:
                raise RefusedError("duplicate_parameter")
            if values:
                found[name] = values[0]
    return found


def login_hints(found: dict[str, str]) -> dict[str, str]:
    """Check the size and signs of a login's parameters: whoever comes may have a row written."""
    if sum(len(value.encode("utf-8", "surrogatepass")) for value in found.values()) > LARGEST_LOGIN:
        raise RefusedError("request_too_large")
    # Databases keep no NUL; no platform sends one.
    if any("\0" in value for value in found.values()):
        raise RefusedError("parameter_invalid")
    return found
