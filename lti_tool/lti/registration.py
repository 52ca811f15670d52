"""Registering platforms and deployments; services for the command line, the pages and links.

LTI Security Framework 1.0, section 3.1.3 (what both sides must know of each other).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Organisation, Role, owner_of
from core.scope import unscoped
from core.unique import unless_taken
from lti_tool.lti.deployments import (
    add_deployment,
    approve_deployment,
    deployments_of,
    is_id,
    note_waiting,
    refuse_deployment,
)
from lti_tool.lti.families import (
    FAMILIES,
    Endpoints,
    is_frame_source,
    is_web_address,
    known_endpoints,
    origin_of,
)
from lti_tool.lti.models import Platform
from lti_tool.lti.roles import GRANTABLE

PRIVACY_LEVELS = ("full", "name", "email", "pseudonymous")
MOST_OVERRIDES = 50
__all__ = [
    "PRIVACY_LEVELS", "add_deployment", "add_platform", "approve_deployment", "change_platform",
    "deployments_of", "list_platforms", "note_waiting", "platform_unknown", "refuse_deployment",
]  # fmt: skip
_CHECKED = ("name", "family", "client_id", "issuer", "auth_login_url", "auth_token_url", "jwks_url",
            "frame_origins", "token_audience", "role_overrides", "privacy_level")  # fmt: skip


def add_platform(
    session: Session,
    organisation: Organisation,
    *,
    name: str,
    family: str,
    client_id: str,
    now: datetime,
    site_url: str = "",
    issuer: str = "",
    auth_login_url: str = "",
    auth_token_url: str = "",
    jwks_url: str = "",
    token_audience: str | None = None,
    frame_origins: Sequence[str] | None = None,
    verifies_emails: bool = False,
    anonymous_allowed: bool = False,
    administrators_allowed: bool = False,
    role_overrides: Mapping[str, str | None] | None = None,
    privacy_level: str = "full",
    features: Mapping[str, Any] | None = None,
) -> Platform:
    """Register a platform for `organisation`.

    What `family` knows ('moodle' and 'sandbox' from `site_url`) fills what is left empty;
    `features` is what the platform granted, where it told (see `Platform`).
    Raises UnprocessableError with every fault by field, ConflictError (409) where the issuer and
    client id are registered already, whoever they belong to.
    """
    named = Endpoints(issuer, auth_login_url, auth_token_url, jwks_url)
    ends = _filled(named, known_endpoints(family, site_url), frame_origins)
    wanted = {
        "name": name.strip(),
        "family": family,
        "client_id": client_id,
        **asdict(ends),
        "frame_origins": list(ends.frame_origins),
        "token_audience": token_audience or None,
        "role_overrides": dict(role_overrides or {}),
        "privacy_level": privacy_level,
    }
    _refuse_faults(_faults(wanted), _l("This platform cannot be registered as it is written."))
    taken = _taken()
    if _is_taken(session, ends.issuer, client_id):
        raise taken
    platform = Platform(
        **owner_of(organisation),
        **wanted,
        verifies_emails=verifies_emails,
        anonymous_allowed=anonymous_allowed,
        administrators_allowed=administrators_allowed,
        features=dict(features or {}),
        created_at=now,
    )
    with unless_taken(session, taken):
        session.add(platform)
    return platform


def change_platform(
    session: Session,
    platform_id: uuid.UUID,
    *,
    now: datetime,
    name: str | None = None,
    auth_login_url: str | None = None,
    auth_token_url: str | None = None,
    jwks_url: str | None = None,
    token_audience: str | None = None,
    frame_origins: Sequence[str] | None = None,
    verifies_emails: bool | None = None,
    anonymous_allowed: bool | None = None,
    administrators_allowed: bool | None = None,
    role_overrides: Mapping[str, str | None] | None = None,
    privacy_level: str | None = None,
    features: Mapping[str, Any] | None = None,
    disabled: bool | None = None,
) -> Platform:
    """Correct a platform that the session's scope sees; None leaves a value as it is.

    `token_audience` "" means the token endpoint again; `frame_origins` and `role_overrides`
    replace all there were.
    Issuer and client id stay: they say which platform it is. Other processes see the change once
    what they remember is stale (`platforms.STALE_AFTER`).
    Raises NotFoundError, or UnprocessableError with every fault by field.
    """
    platform = session.scalar(select(Platform).where(Platform.id == platform_id).with_for_update())
    if platform is None:
        raise platform_unknown()
    given = {
        "name": name.strip() if name is not None else None,
        "auth_login_url": auth_login_url,
        "auth_token_url": auth_token_url,
        "jwks_url": jwks_url,
        "frame_origins": list(frame_origins) if frame_origins is not None else None,
        "verifies_emails": verifies_emails,
        "anonymous_allowed": anonymous_allowed,
        "administrators_allowed": administrators_allowed,
        "role_overrides": dict(role_overrides) if role_overrides is not None else None,
        "privacy_level": privacy_level,
        "features": dict(features) if features is not None else None,
    }
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if token_audience is not None:
        changes["token_audience"] = token_audience or None
    if disabled is not None:
        changes["disabled_at"] = (platform.disabled_at or now) if disabled else None
    faults = _faults({**_values_of(platform), **changes})
    _refuse_faults(
        {key: text for key, text in faults.items() if key in changes},
        _l("This platform cannot be changed as it is written."),
    )
    for key, value in changes.items():
        setattr(platform, key, value)
    session.flush()
    return platform


def platform_unknown() -> NotFoundError:
    """Nobody there, or nobody that the session's scope sees."""
    return NotFoundError(_l("There is no platform with this id."), code="platform_unknown")


def _values_of(platform: Platform) -> dict[str, Any]:
    """What `_faults` looks at, as it stands in the platform's row."""
    return {name: getattr(platform, name) for name in _CHECKED}


def _refuse_faults(faults: Mapping[str, Any], message: Any) -> None:
    if faults:
        raise UnprocessableError(message, code="platform_invalid", fields=faults)


def _is_taken(session: Session, issuer: str, client_id: str) -> bool:
    with unscoped(session, "issuer and client id are unique in the whole installation"):
        found = session.scalar(
            select(Platform.id).where(Platform.issuer == issuer, Platform.client_id == client_id)
        )
    return found is not None


def _taken() -> ConflictError:
    return ConflictError(
        _l("This issuer and client id are registered already; nothing was changed."),
        code="platform_exists",
        advice=_l("To correct the platform that is there, use: milepost platform set"),
    )


def list_platforms(session: Session) -> list[Platform]:
    """The platforms that the session's scope sees, by name."""
    return list(session.scalars(select(Platform).order_by(Platform.name, Platform.id)))


def _filled(named: Endpoints, known: Endpoints, frames: Sequence[str] | None) -> Endpoints:
    """The addresses as `named`, what is empty from `known`; `frames` None: whoever sends people."""
    ends = Endpoints(
        issuer=named.issuer or known.issuer,
        auth_login_url=named.auth_login_url or known.auth_login_url,
        auth_token_url=named.auth_token_url or known.auth_token_url,
        jwks_url=named.jwks_url or known.jwks_url,
    )
    if frames is not None:
        return replace(ends, frame_origins=tuple(frames))
    if known.frame_origins:
        return replace(ends, frame_origins=known.frame_origins)
    found = (origin_of(ends.issuer), origin_of(ends.auth_login_url))
    return replace(ends, frame_origins=tuple(dict.fromkeys(filter(None, found))))


def _faults(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with the `_CHECKED` values, by column."""
    faults: dict[str, Any] = {}
    name, issuer, audience = wanted["name"], wanted["issuer"], wanted["token_audience"]
    if not 0 < len(name.strip()) <= 200 or not name.isprintable():
        faults["name"] = _l("Give the platform a name of at most 200 characters.")
    if wanted["family"] not in FAMILIES:
        faults["family"] = _l("Choose moodle, canvas, schoology, sandbox or generic.")
    if not is_id(wanted["client_id"]):
        faults["client_id"] = _l("Give the client id as the LMS shows it.")
    if not 0 < len(issuer) <= 500 or not issuer.isprintable() or " " in issuer:
        faults["issuer"] = _l("Give the issuer as the LMS shows it, such as https://lms.example.")
    address = _l("Give a whole https address (http works on this machine only).")
    for field in ("auth_login_url", "auth_token_url", "jwks_url"):
        if not is_web_address(wanted[field]):
            faults[field] = address
    if audience and not (len(audience) <= 1000 and audience.isprintable()):
        faults["token_audience"] = _l("Give the audience as the LMS shows it.")
    if not all(is_frame_source(source) for source in wanted["frame_origins"]):
        faults["frame_origins"] = _l(
            "Give origins such as https://lms.example or https://*.lms.example."
        )
    if wanted["privacy_level"] not in PRIVACY_LEVELS:
        faults["privacy_level"] = _l("Choose full, name, email or pseudonymous.")
    if fault := _overrides_fault(wanted["role_overrides"]):
        faults["role_overrides"] = fault
    return faults


def _overrides_fault(overrides: Mapping[Any, Any]) -> Any:
    """What is wrong with a table of the LMS's roles and ours; None where nothing is."""
    for key, value in overrides.items():
        if not isinstance(key, str) or not is_id(key):
            return _l("Write each role of the LMS as it stands in its launches, without spaces.")
        if value not in {None, "", *GRANTABLE}:
            known = ", ".join(Role(role).value for role in GRANTABLE)
            return _l("A role of the LMS may become: %(known)s.", known=known)
    if len(overrides) > MOST_OVERRIDES:
        return _l("At most %(most)s roles can be changed.", most=MOST_OVERRIDES)
    return None
