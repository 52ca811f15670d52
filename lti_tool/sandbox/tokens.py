"""Access tokens for the services (LTI Security Framework 1.0, section 4; RFC 7523).

The tool proves who it is by a signed assertion; the LMS answers with an opaque bearer token, of
which it keeps a digest only.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

import jwt

from lti_tool.sandbox.clock import as_text
from lti_tool.sandbox.config import SandboxConfig
from lti_tool.sandbox.errors import ServiceError
from lti_tool.sandbox.store import Store
from lti_tool.sandbox.tool_keys import ToolKeys
from lti_tool.sandbox.vocabulary import ALL_SCOPES, CLIENT_ASSERTION_TYPE

TOKEN_LIVES = timedelta(hours=1)
LONGEST_ASSERTION = 8 * 1024
LONGEST_JTI = 255
LATEST_SECOND = 2**40
ASSERTION_LIVES_AT_MOST = timedelta(hours=1)


def _invalid_client(message: str) -> NoReturn:
    raise ServiceError(401, "invalid_client", message)


def _invalid_request(message: str) -> NoReturn:
    raise ServiceError(400, "invalid_request", message)


def verified_assertion(
    assertion: str, config: SandboxConfig, keys: ToolKeys, now: datetime
) -> dict[str, Any]:
    """The claims of the tool's assertion, after every check but the one for a second use.

    Raises:
        ServiceError: 401 ``invalid_client``, or 503 where the tool's keys cannot be read.
    """
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.PyJWTError:
        _invalid_client("The assertion is no JWT.")
    kid = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(kid, str):
        _invalid_client("The assertion must be signed with RS256 and name its key (kid).")
    key = keys.find(kid)
    if key is None:
        _invalid_client("The tool publishes no RSA signing key with this kid.")
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            audience=config.token_url,
            options={
                "require": ["iss", "sub", "aud", "iat", "exp", "jti"],
                # Judged below against our own clock.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.PyJWTError as error:
        _invalid_client(f"The assertion was not accepted: {error}.")
    _check_names(claims, config.client_id)
    _check_times(claims, now)
    return claims


def _check_names(claims: Mapping[str, Any], client_id: str) -> None:
    if claims["iss"] != client_id or claims["sub"] != client_id:
        _invalid_client("iss and sub must both be the client id.")
    jti = claims["jti"]
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not jti.isprintable():
        _invalid_client(f"jti must be a text of 1 to {LONGEST_JTI} characters.")


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """No leeway: like Moodle, the LMS refuses an assertion from the future."""
    times = {name: claims.get(name) for name in ("iat", "exp", "nbf") if name in claims}
    for name, value in times.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            _invalid_client(f"{name} must be a number of seconds.")
        if not 0 <= value < LATEST_SECOND:
            _invalid_client(f"{name} is no moment of our time.")
    present = now.timestamp()
    if claims["exp"] <= present:
        _invalid_client("The assertion has expired.")
    if claims["iat"] > present or claims.get("nbf", present) > present:
        _invalid_client("The assertion is not valid yet.")
    if claims["exp"] - claims["iat"] > ASSERTION_LIVES_AT_MOST.total_seconds():
        _invalid_client("The assertion lives too long; one hour is the most.")


def claimed_client(form: Mapping[str, str]) -> str | None:
    """Who the assertion says it is from; nothing is believed by that."""
    try:
        claims = jwt.decode(
            form.get("client_assertion", "")[:LONGEST_ASSERTION],
            options={"verify_signature": False},
        )
    except jwt.PyJWTError:
        return None
    client_id = claims.get("iss")
    return client_id if isinstance(client_id, str) else None


def _granted(asked: str) -> list[str]:
    scopes = [scope for scope in ALL_SCOPES if scope in asked.split()]
    if not scopes:
        raise ServiceError(400, "invalid_scope", "None of the scopes asked for is offered.")
    return scopes


def issue(
    form: Mapping[str, str], config: SandboxConfig, store: Store, keys: ToolKeys, now: datetime
) -> dict[str, Any]:
    """Answer a token request: the scopes granted are those both asked for and offered.

    Args:
        form: the request's fields, none of them repeated.
        config: the settings.
        store: where tokens and used assertions are kept.
        keys: the tool's public keys.
        now: the present moment.

    Raises:
        ServiceError: 400, 401 or 503 with the codes of RFC 6749, section 5.2.
    """
    if "grant_type" not in form:
        _invalid_request("grant_type is missing.")
    if form["grant_type"] != "client_credentials":
        raise ServiceError(400, "unsupported_grant_type", "Use client_credentials.")
    if form.get("client_assertion_type") != CLIENT_ASSERTION_TYPE:
        _invalid_request(f"client_assertion_type must be {CLIENT_ASSERTION_TYPE}.")
    assertion = form.get("client_assertion", "")
    if not 0 < len(assertion) <= LONGEST_ASSERTION:
        _invalid_request(f"client_assertion must have 1 to {LONGEST_ASSERTION} characters.")
    claims = verified_assertion(assertion, config, keys, now)
    scopes = _granted(form.get("scope", ""))
    token = secrets.token_urlsafe(32)
    with store.write() as connection:
        _use_once(connection, claims, now)
        connection.execute(
            "INSERT INTO access_tokens (digest, scopes, expires_at) VALUES (?, ?, ?)",
            (_digest(token), " ".join(scopes), as_text(now + TOKEN_LIVES)),
        )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_LIVES.total_seconds()),
        "scope": " ".join(scopes),
    }


def _use_once(connection: sqlite3.Connection, claims: Mapping[str, Any], now: datetime) -> None:
    connection.execute("DELETE FROM assertion_ids WHERE expires_at <= ?", (as_text(now),))
    connection.execute("DELETE FROM access_tokens WHERE expires_at <= ?", (as_text(now),))
    # No assertion outlives the longest life counted from now, whatever its own exp says.
    kept_until = as_text(now + ASSERTION_LIVES_AT_MOST)
    used = connection.execute(
        "INSERT OR IGNORE INTO assertion_ids (jti, expires_at) VALUES (?, ?)",
        (claims["jti"], kept_until),
    )
    if used.rowcount == 0:
        _invalid_client("This assertion was used before; every jti is good for once.")


def require_scope(
    connection: sqlite3.Connection,
    authorization: str | None,
    allowed: tuple[str, ...],
    now: datetime,
) -> None:
    """Let a request pass whose bearer token carries one of the scopes (RFC 6750, section 3).

    Raises:
        ServiceError: 401 without a good token, 403 where its scopes do not reach.
    """
    scheme, _, token = (authorization or "").partition(" ")
    row = None
    if scheme.lower() == "bearer" and token:
        row = connection.execute(
            "SELECT scopes FROM access_tokens WHERE digest = ? AND expires_at > ?",
            (_digest(token.strip()), as_text(now)),
        ).fetchone()
    if row is None:
        raise ServiceError(
            401,
            "invalid_token",
            "A bearer token is needed that is known and has not expired.",
            {"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    if not set(row["scopes"].split()) & set(allowed):
        raise ServiceError(
            403,
            "insufficient_scope",
            f"The token needs one of the scopes: {', '.join(allowed)}.",
            {"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
