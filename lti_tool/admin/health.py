"""Whether a connection works: its key set is fetched and a token asked for, nothing else.

LTI Security Framework 1.0, sections 4.1 and 6.3; RFC 6749, section 5.2 (error answers). What is
found is a code with facts; `wording` says it in words and what to do. Nothing here runs inside a
transaction but `known_scopes` and `keep`, which do not use the network.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from core.http import FetchError, Response
from core.identity import owner_like
from core.runtime import Runtime
from keys.errors import NoActiveKeyError
from keys.shared import ring_of
from lti_tool.admin.models import PlatformCheck
from lti_tool.lti.keysets import LARGEST_SET, parse_key_set
from lti_tool.lti.models import Platform, ResourceLink
from lti_tool.lti.names import (
    CLIENT_ASSERTION_TYPE,
    SCOPE_LINE_ITEM,
    SCOPE_MEMBERSHIPS,
    SCOPE_RESULT,
    SCOPE_SCORE,
)
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.services.tokens import AccessTokens

TIMEOUT_SECONDS = 5.0
LARGEST_ANSWER = 64 * 1024
MOST_LINKS = 200
MOST_KEYS_KEPT = 10
USUAL_SCOPES = frozenset({SCOPE_SCORE, SCOPE_LINE_ITEM, SCOPE_RESULT, SCOPE_MEMBERSHIPS})
_ORDER = ("good", "warn", "bad")
# RFC 6749, section 5.2, and what platforms say beside it.
_KNOWN_ERRORS = frozenset(
    {"invalid_client", "invalid_scope", "invalid_grant", "invalid_request", "unauthorized_client",
     "unsupported_grant_type", "invalid_token"}
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What was found of one `part` ('keys' or 'token'): `state` good, warn or bad."""

    part: str
    state: str
    code: str
    facts: dict[str, Any] = field(default_factory=dict)


def known_scopes(session: Session, platform: Platform) -> frozenset[str]:
    """The service scopes that the platform's launches offered lately; empty before the first."""
    rows = session.scalars(
        select(ResourceLink.scopes)
        .where(ResourceLink.platform_id == platform.id)
        .order_by(ResourceLink.updated_at.desc())
        .limit(MOST_LINKS)
    )
    granted = platform.features.get("scopes")
    told = {scope for row in rows for scope in row}
    told |= set(granted) if isinstance(granted, list) else set()
    return frozenset(scope for scope in told if isinstance(scope, str))


def probe(runtime: Runtime, platform: KnownPlatform, scopes: frozenset[str]) -> list[Finding]:
    """Fetch the platform's key set and ask it for a token; never raises for what it answers.

    Without known `scopes` the usual ones are asked for: whether our key is accepted shows anyway.
    """
    return [
        _keys(runtime, platform.jwks_url),
        _token(runtime, platform, scopes or USUAL_SCOPES, told=bool(scopes)),
    ]


def keep(
    session: Session,
    platform_id: uuid.UUID,
    findings: Sequence[Finding],
    *,
    actor_id: uuid.UUID,
    now: datetime,
) -> PlatformCheck:
    """Remember what was found, in place of what was found before.

    Raises NotFoundError for a platform that the session's scope does not see.
    """
    # Two checks that end together meet at the platform's row.
    platform = session.scalar(select(Platform).where(Platform.id == platform_id).with_for_update())
    if platform is None:
        raise NotFoundError("There is no such platform.", code="platform_unknown")
    row = session.scalar(select(PlatformCheck).where(PlatformCheck.platform_id == platform_id))
    before = list(row.findings) if row else []
    if row is None:
        row = PlatformCheck(**owner_like(platform), platform_id=platform.id)
        session.add(row)
    row.checked_at, row.checked_by = now, actor_id
    row.state = worst(findings)
    row.findings = [asdict(_since(item, before, now)) for item in findings]
    session.flush()
    return row


def worst(findings: Sequence[Finding]) -> str:
    """The state of the whole."""
    return max((item.state for item in findings), key=_ORDER.index, default="good")


def read(rows: Sequence[dict[str, Any]]) -> list[Finding]:
    """Findings as they were kept."""
    return [Finding(row["part"], row["state"], row["code"], dict(row["facts"])) for row in rows]


def _since(item: Finding, before: Sequence[dict[str, Any]], now: datetime) -> Finding:
    """The same keys as last time are as old as they were then."""
    if "kids" not in item.facts:
        return item
    since = now.isoformat()
    for old in before:
        if old["part"] == item.part and old["facts"].get("kids") == item.facts["kids"]:
            since = old["facts"].get("since", since)
    return Finding(item.part, item.state, item.code, {**item.facts, "since": since})


def _keys(runtime: Runtime, url: str) -> Finding:
    try:
        answer = runtime.http.get(
            url,
            headers={"Accept": "application/json"},
            timeout=TIMEOUT_SECONDS,
            max_bytes=LARGEST_SET,
        )
    except FetchError as error:
        return Finding("keys", "bad", "unreachable", {"reason": error.reason})
    if answer.status != 200:
        return Finding("keys", "bad", "status", {"status": answer.status})
    if _is_html(answer):
        return Finding("keys", "bad", "html")
    found = parse_key_set(answer.body)
    if not found:
        return Finding("keys", "bad", "no_keys")
    usable = sorted(kid for kid, key in found.items() if not isinstance(key, str))
    if not usable:
        return Finding("keys", "bad", "no_usable_key", {"count": len(found)})
    kids = [kid[:100] for kid in usable[:MOST_KEYS_KEPT]]
    return Finding("keys", "good", "fine", {"count": len(usable), "kids": kids})


def _token(
    runtime: Runtime, platform: KnownPlatform, scopes: frozenset[str], *, told: bool
) -> Finding:
    try:
        answer = _ask(runtime, platform, scopes)
    except NoActiveKeyError:
        return Finding("token", "bad", "own_key_missing")
    except FetchError as error:
        return Finding("token", "bad", "unreachable", {"reason": error.reason})
    said = _json_object(answer.body)
    if answer.status != 200:
        return _refused(answer, said, told=told)
    if not isinstance(said.get("access_token"), str):
        return Finding("token", "bad", "html" if _is_html(answer) else "no_token")
    granted = said.get("scope")
    # RFC 6749, section 5.1: left out where all that was asked for is granted.
    missing = scopes - set(granted.split()) if isinstance(granted, str) else frozenset()
    if missing:
        state = "warn" if SCOPE_SCORE in missing or told else "good"
        return Finding("token", state, "scopes_missing", {"missing": sorted(missing)})
    return Finding("token", "good", "fine", {"scopes": sorted(scopes)})


def _ask(runtime: Runtime, platform: KnownPlatform, scopes: frozenset[str]) -> Response:
    tokens = AccessTokens(runtime.http, ring_of(runtime), runtime.now)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": CLIENT_ASSERTION_TYPE,
        "client_assertion": tokens.assertion(platform),
        "scope": " ".join(sorted(scopes)),
    }
    return runtime.http.request(
        "POST",
        platform.auth_token_url,
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
        body=urlencode(form).encode(),
        timeout=TIMEOUT_SECONDS,
        max_bytes=LARGEST_ANSWER,
    )


def _refused(answer: Response, said: dict[str, Any], *, told: bool) -> Finding:
    error = said.get("error")
    facts: dict[str, Any] = {"status": answer.status}
    if isinstance(error, str) and error in _KNOWN_ERRORS:
        facts["error"] = error
        # Asked for what no launch has offered yet: the key is accepted, the rest will show.
        if error == "invalid_scope" and not told:
            return Finding("token", "warn", "scopes_unknown", facts)
        return Finding("token", "bad", error, facts)
    if answer.status in {301, 302, 303, 307, 308}:
        return Finding("token", "bad", "redirect", facts)
    return Finding("token", "bad", "status", facts)


def _is_html(answer: Response) -> bool:
    start = answer.body[:200].lstrip().lower()
    return start.startswith((b"<!doctype", b"<html", b"<head", b"<body"))


def _json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, whatever media type it claims (Moodle says text/html)."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
