"""Telling an LMS about us, and storing what it answers.

IMS LTI Dynamic Registration 1.0, sections 3.5 and 3.6. The request is sent outside of any
transaction; once it has left, the LMS may have registered us whatever comes back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.http import AddressNotAllowedError, FetchError, HttpClient
from core.identity import Organisation
from core.scope import unscoped
from lti_tool.lti.deployments import add_deployment, is_id
from lti_tool.lti.families import is_frame_source, known_endpoints, origin_of
from lti_tool.lti.models import Deployment, Platform
from lti_tool.lti.registering import links
from lti_tool.lti.registering.discovery import (
    LARGEST_BYTES,
    PlatformConfiguration,
    bearer,
    is_canvas_issuer,
)
from lti_tool.lti.registering.links import Invitation
from lti_tool.lti.registering.offer import TOOL_CONFIGURATION
from lti_tool.lti.registering.refusals import RegistrationRefusedError
from lti_tool.lti.registration import add_platform, change_platform

REGISTRATION_SECONDS = 10.0
MOST_SCOPES = 50
# Nothing can have reached the LMS: the address was refused, or no connection could be made safe.
_BEFORE_SENDING = {"tls"}
_ERROR_WORD = re.compile(r"[a-z][a-z_]{2,40}")
_FAMILY_NAMES = {"moodle": "Moodle", "canvas": "Canvas", "schoology": "Schoology"}


@dataclass(frozen=True)
class Registered:
    """What the LMS answered. `deployment_id` is None where it gave none."""

    client_id: str
    deployment_id: str | None
    granted: Mapping[str, Any]


@dataclass(frozen=True)
class Stored:
    """What came of it. `updated` says that the platform was there before."""

    platform: Platform
    deployment_id: str | None
    updated: bool


def check_invitation(invitation: Invitation, platform: PlatformConfiguration) -> None:
    """A link that updates one platform is for no other issuer."""
    if invitation.platform_issuer not in (None, platform.issuer):
        raise RegistrationRefusedError("other_platform")


def enrol(
    http: HttpClient, platform: PlatformConfiguration, token: str, document: Mapping[str, Any]
) -> Registered:
    """Post `document` to the LMS and read what it made of it.

    Raises RegistrationRefusedError; `spent` says whether the LMS may have registered us.
    """
    try:
        answer = http.request(
            "POST",
            platform.registration_endpoint,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                **bearer(token),
            },
            body=json.dumps(document).encode(),
            timeout=REGISTRATION_SECONDS,
            max_bytes=LARGEST_BYTES,
            redirects=0,
        )
    except AddressNotAllowedError as error:
        raise RegistrationRefusedError("url_not_allowed", "private") from error
    except FetchError as error:
        if error.reason in _BEFORE_SENDING:
            raise RegistrationRefusedError("configuration_unavailable", error.reason) from error
        raise RegistrationRefusedError(
            "registration_uncertain", error.reason, spent=True
        ) from error
    if 400 <= answer.status < 500:
        raise RegistrationRefusedError("registration_refused", _error_word(answer.body))
    if answer.status not in (200, 201):
        raise RegistrationRefusedError("registration_uncertain", "status", spent=True)
    return _read(answer.body)


def _read(body: bytes) -> Registered:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RegistrationRefusedError("registration_uncertain", "not_json", spent=True)
    # Canvas' client ids are numbers that some versions write as such.
    client_id = _identifier(found.get("client_id"))
    if client_id is None:
        raise RegistrationRefusedError("registration_uncertain", "client_id", spent=True)
    ours = found.get(TOOL_CONFIGURATION)
    ours = ours if isinstance(ours, dict) else {}
    deployment_id = _identifier(ours.get("deployment_id")) or _identifier(
        found.get("deployment_id")
    )
    return Registered(client_id, deployment_id, _granted(found, ours))


def _identifier(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and is_id(value) else None


def _granted(found: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """What the LMS says it lets us do, for the administrators' page; nothing depends on it."""
    scope, messages = found.get("scope"), ours.get("messages")
    listed = (
        [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
    )
    placements = [
        place
        for one in listed[:MOST_SCOPES]
        if isinstance(one.get("placements"), list)
        for place in one["placements"][:MOST_SCOPES]
    ]
    return {
        "scopes": _words(scope.split() if isinstance(scope, str) else []),
        "messages": _words([one.get("type") for one in listed]),
        "placements": _words(placements),
    }


def _words(values: list[Any]) -> list[str]:
    usable = (one for one in values if isinstance(one, str) and is_id(one))
    return list(dict.fromkeys(usable))[:MOST_SCOPES]


def _error_word(body: bytes) -> str:
    """The error code of RFC 7591, section 3.2.2, where it is a plain word."""
    try:
        word = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return word if isinstance(word, str) and _ERROR_WORD.fullmatch(word) else ""


def store(
    session: Session,
    invitation: Invitation,
    platform: PlatformConfiguration,
    answer: Registered,
    *,
    privacy_level: str,
    now: datetime,
) -> Stored:
    """Write down the platform and its deployment, or bring up to date what the link may update.

    Raises RegistrationRefusedError (`platform_exists`, 409) where it is there and is not the
    link's: it is left as it is.
    """
    with unscoped(session, "issuer and client id are unique in the whole installation"):
        known = session.scalar(
            select(Platform)
            .where(Platform.issuer == platform.issuer, Platform.client_id == answer.client_id)
            .with_for_update()
        )
        if known is not None and known.id != invitation.platform_id:
            raise RegistrationRefusedError("platform_exists", spent=True)
        if known is not None:
            stored = _update(session, known, platform, answer, now)
        else:
            stored = _add(session, invitation.organisation, platform, answer, privacy_level, now)
        if answer.deployment_id is not None:
            _place(session, stored, answer.deployment_id, now)
    link = links.settle(session, invitation.id, stored.id)
    audit.record(
        session, owner=stored, actor_id=link.actor_id, subject=stored, now=now,
        action="platform.updated" if known is not None else "platform.registered",
        details={"link": str(link.id)},
    )  # fmt: skip
    return Stored(stored, answer.deployment_id, known is not None)


def _add(
    session: Session,
    organisation: Organisation,
    platform: PlatformConfiguration,
    answer: Registered,
    privacy_level: str,
    now: datetime,
) -> Platform:
    return add_platform(
        session,
        organisation,
        name=_name(platform),
        family=platform.family,
        client_id=answer.client_id,
        issuer=platform.issuer,
        auth_login_url=platform.authorization_endpoint,
        auth_token_url=platform.token_endpoint,
        jwks_url=platform.jwks_uri,
        token_audience=platform.token_audience,
        frame_origins=_frame_origins(platform),
        privacy_level=privacy_level,
        features=_features(platform, answer),
        now=now,
    )


def _update(
    session: Session,
    known: Platform,
    platform: PlatformConfiguration,
    answer: Registered,
    now: datetime,
) -> Platform:
    """Addresses and what is granted; an administrator's own choices stay."""
    frames = dict.fromkeys([*known.frame_origins, *_frame_origins(platform)])
    return change_platform(
        session,
        known.id,
        now=now,
        auth_login_url=platform.authorization_endpoint,
        auth_token_url=platform.token_endpoint,
        jwks_url=platform.jwks_uri,
        token_audience=platform.token_audience or "",
        frame_origins=list(frames),
        features=_features(platform, answer),
    )


def _place(session: Session, platform: Platform, deployment_id: str, now: datetime) -> None:
    """The deployment that the LMS named, which by that needs nobody's approval."""
    state = session.scalar(
        select(Deployment.state).where(
            Deployment.platform_id == platform.id, Deployment.deployment_id == deployment_id
        )
    )
    if state != "active":
        add_deployment(session, platform, deployment_id, now=now)


def _features(platform: PlatformConfiguration, answer: Registered) -> dict[str, Any]:
    return {"version": platform.version, **answer.granted}


def _name(platform: PlatformConfiguration) -> str:
    host = urlsplit(platform.issuer).netloc
    family = _FAMILY_NAMES.get(platform.family)
    if platform.account_name:
        return f"{platform.account_name} ({family})" if family else platform.account_name
    return f"{family}, {host}"[:200] if family else host[:200]


def _frame_origins(platform: PlatformConfiguration) -> list[str]:
    known: tuple[str, ...] = ()
    if is_canvas_issuer(platform.issuer):
        known = known_endpoints("canvas").frame_origins
    found = (
        *known,
        origin_of(platform.issuer),
        origin_of(platform.authorization_endpoint),
        platform.source_origin,
    )
    return [one for one in dict.fromkeys(found) if is_frame_source(one)]
