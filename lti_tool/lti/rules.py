"""What an id_token must be before anything in it is believed. Pure.

LTI Security Framework 1.0, sections 5.1.2 and 5.1.3; OpenID Connect Core 1.0, section 3.1.3.7;
LTI 1.3 Core, section 5.3. Each rule raises `RefusedError`, which names the refusal and, in one
word, the reason.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from lti_tool.lti import names
from lti_tool.lti.families import is_web_address

LARGEST_TOKEN = 64 * 1024
LEEWAY_SECONDS = 60
OLDEST_SECONDS = 600
LONGEST_LIFE_SECONDS = 24 * 3600
LONGEST_ID = 255
LONGEST_URL = 2000
LONGEST_DATA = 16 * 1024
_ABSENT = object()


class RefusedError(Exception):
    """A launch that is not accepted: `code` is stable, `reason` one word for administrators."""

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(f"{code}: {reason}" if reason else code)
        self.code = code
        self.reason = reason


def _refuse(code: str, reason: str = "") -> NoReturn:
    raise RefusedError(code, reason)


@dataclass(frozen=True)
class Token:
    """A compact JWS taken apart (RFC 7515, section 3.1); nothing in it is believed yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signing_input: bytes
    signature: bytes


def split_token(text: str) -> Token:
    """Take an id_token apart."""
    if not text:
        _refuse("token_missing")
    if len(text) > LARGEST_TOKEN:
        _refuse("token_too_large")
    parts = text.split(".")
    if len(parts) != 3:
        _refuse("token_malformed", "parts")
    header, payload = _bytes(parts[0], "header"), _bytes(parts[1], "payload")
    return Token(
        header=_object(header, "header"),
        claims=_object(payload, "payload"),
        signing_input=f"{parts[0]}.{parts[1]}".encode("ascii"),
        signature=_bytes(parts[2], "signature"),
    )


def _bytes(part: str, which: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars="-_", validate=True)
    except (ValueError, binascii.Error, UnicodeEncodeError):
        _refuse("token_malformed", which)


def _object(raw: bytes, which: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        _refuse("token_malformed", which)
    if not isinstance(value, dict):
        _refuse("token_malformed", which)
    return value


def check_header(header: Mapping[str, Any]) -> str:
    """The key id, of a header that names the one algorithm we take and no extensions.

    `jku`, `x5u` and `jwk` are not looked at: keys come from the registered address alone.
    """
    if header.get("alg") != names.SIGNING_ALGORITHM:
        _refuse("token_invalid", "alg")
    if "crit" in header:
        _refuse("token_invalid", "crit")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        _refuse("token_invalid", "kid_missing")
    return kid


def check_parties(claims: Mapping[str, Any], *, issuer: str, client_id: str) -> None:
    """Issued by that platform, for us; with several audiences, `azp` must be us as well."""
    if claims.get("iss") != issuer:
        _refuse("token_invalid", "iss")
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(one, str) for one in listed) or client_id not in listed:
        _refuse("token_invalid", "aud")
    if "azp" in claims:
        if claims["azp"] != client_id:
            _refuse("token_invalid", "azp")
    elif len(listed) > 1:
        _refuse("token_invalid", "azp_missing")


def check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """Issued a short while ago, not expired, living no longer than a day; 60 s of leeway."""
    present = now.timestamp()
    expires, issued = _seconds(claims, "exp"), _seconds(claims, "iat")
    if expires is None:
        _refuse("token_invalid", "exp_missing")
    if issued is None:
        _refuse("token_invalid", "iat_missing")
    if expires <= present - LEEWAY_SECONDS:
        _refuse("token_invalid", "exp_past")
    if issued > present + LEEWAY_SECONDS:
        _refuse("token_invalid", "iat_ahead")
    if issued < present - OLDEST_SECONDS:
        _refuse("token_invalid", "iat_old")
    if expires - issued > LONGEST_LIFE_SECONDS:
        _refuse("token_invalid", "lifetime")
    begins = _seconds(claims, "nbf")
    if begins is not None and begins > present + LEEWAY_SECONDS:
        _refuse("token_invalid", "nbf_ahead")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse("token_invalid", f"{name}_type")
    # Written so that NaN, which Python reads from JSON, is refused as well.
    if not -(2**53) < value < 2**53:
        _refuse("token_invalid", f"{name}_range")
    return float(value)


def check_subject_type(claims: Mapping[str, Any]) -> None:
    """`sub`, where it is given, is a string."""
    if not isinstance(claims.get("sub", ""), str):
        _refuse("token_invalid", "sub_type")


def nonce_of(claims: Mapping[str, Any]) -> str:
    """The nonce. One that is missing or no string is refused."""
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not nonce:
        _refuse("nonce_invalid")
    return nonce


def deployment_of(claims: Mapping[str, Any]) -> str:
    """The deployment id."""
    found = claims.get(names.DEPLOYMENT_ID, _ABSENT)
    if found in (_ABSENT, None, ""):
        _refuse("deployment_missing")
    return _identifier(found, "deployment_id")


def check_claims(
    claims: Mapping[str, Any], *, target_link_uri: str, anonymous_allowed: bool
) -> str:
    """Every claim that a message of its type needs is there, in its type; returns the type."""
    if claims.get(names.VERSION) != names.LTI_VERSION:
        _refuse("claims_invalid", "version")
    message = claims.get(names.MESSAGE_TYPE)
    if not isinstance(message, str) or message not in names.MESSAGES:
        _refuse("claims_invalid", "message_type")
    roles = claims.get(names.ROLES)
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        _refuse("claims_invalid", "roles")
    is_link = message == names.RESOURCE_LINK_REQUEST
    if is_link or claims.get(names.RESOURCE_LINK) is not None:
        link = claims.get(names.RESOURCE_LINK)
        if not isinstance(link, dict):
            _refuse("claims_invalid", "resource_link")
        _identifier(link.get("id"), "resource_link")
    if claims.get(names.TARGET_LINK_URI) != target_link_uri:
        _refuse("claims_invalid", "target_link_uri")
    # Whoever picks, reviews or asks for data is somebody.
    if claims.get("sub") or not anonymous_allowed or not is_link:
        _identifier(claims.get("sub"), "sub")
    context = _optional_object(claims, names.CONTEXT, "context")
    if context is not None:
        _identifier(context.get("id"), "context")
    _optional_object(claims, names.CUSTOM, "custom")
    if not is_link:
        _MESSAGE_RULES[message](claims)
    return message


def _check_deep_linking(claims: Mapping[str, Any]) -> None:
    """Deep Linking 2.0, section 4.4.1. Which types are accepted is for the picker to say."""
    settings = claims.get(names.DEEP_LINKING_SETTINGS)
    if not isinstance(settings, dict):
        _refuse("claims_invalid", "deep_linking_settings")
    url = settings.get("deep_link_return_url")
    if not isinstance(url, str) or not is_web_address(url, longest=LONGEST_URL):
        _refuse("claims_invalid", "deep_link_return_url")
    for name in ("accept_types", "accept_presentation_document_targets"):
        listed = settings.get(name)
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            _refuse("claims_invalid", name)
    for name in ("accept_multiple", "accept_lineitem"):
        if settings.get(name) not in (None, True, False, "true", "false"):
            _refuse("claims_invalid", name)
    if len(json.dumps(settings.get("data"))) > LONGEST_DATA:
        _refuse("claims_invalid", "deep_linking_data")


def _check_submission_review(claims: Mapping[str, Any]) -> None:
    """Submission Review 1.0, section 3: whose work, and of which line item."""
    _identifier(_required_object(claims, names.FOR_USER, "for_user").get("user_id"), "for_user")
    endpoint = _required_object(claims, names.AGS_ENDPOINT, "lineitem")
    url = endpoint.get("lineitem")
    if not isinstance(url, str) or not is_web_address(url, longest=LONGEST_URL):
        _refuse("claims_invalid", "lineitem")


def _check_data_privacy(claims: Mapping[str, Any]) -> None:
    """A person's question about their data comes from no course and no link."""
    asked_for = _required_object(claims, names.FOR_USER, "for_user")
    if asked_for.get("user_id") is not None:
        _identifier(asked_for["user_id"], "for_user")
    if names.CONTEXT in claims:
        _refuse("claims_invalid", "context")
    if names.RESOURCE_LINK in claims:
        _refuse("claims_invalid", "resource_link")


_MESSAGE_RULES = {
    names.DEEP_LINKING_REQUEST: _check_deep_linking,
    names.SUBMISSION_REVIEW_REQUEST: _check_submission_review,
    names.DATA_PRIVACY_REQUEST: _check_data_privacy,
}


def _identifier(value: Any, reason: str) -> str:
    """An opaque id as platforms give them: some printable text, and not a book of it."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or not value.isprintable():
        _refuse("claims_invalid", reason)
    return value


def _optional_object(claims: Mapping[str, Any], name: str, reason: str) -> dict[str, Any] | None:
    value = claims.get(name)
    if value is not None and not isinstance(value, dict):
        _refuse("claims_invalid", reason)
    return value


def _required_object(claims: Mapping[str, Any], name: str, reason: str) -> dict[str, Any]:
    value = claims.get(name)
    if not isinstance(value, dict):
        _refuse("claims_invalid", reason)
    return value
