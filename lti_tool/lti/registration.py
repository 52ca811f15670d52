"""Registering platforms and deployments by hand; services for the command line and the pages.

LTI Security Framework 1.0, section 3.1.3 (what both sides must know of each other).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import ConflictError, UnprocessableError
from core.identity import Organisation, Role, owner_of
from core.scope import unscoped
from lti_tool.lti.families import (
    FAMILIES,
    Endpoints,
    is_frame_source,
    is_web_address,
    known_endpoints,
    origin_of,
)
from lti_tool.lti.models import Deployment, Platform
from lti_tool.lti.roles import GRANTABLE

LONGEST_ID = 255


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
    role_overrides: Mapping[str, str | None] | None = None,
) -> Platform:
    """Register a platform for `organisation`.

    What `family` knows ('moodle' and 'sandbox' from `site_url`) fills what is left empty.
    Raises UnprocessableError with every fault by field, ConflictError (409) where the issuer and
    client id are registered already, whoever they belong to.
    """
    known = known_endpoints(family, site_url)
    ends = Endpoints(
        issuer=issuer or known.issuer,
        auth_login_url=auth_login_url or known.auth_login_url,
        auth_token_url=auth_token_url or known.auth_token_url,
        jwks_url=jwks_url or known.jwks_url,
    )
    ends = replace(ends, frame_origins=_origins(frame_origins, known, ends))
    faults = _faults(name, family, client_id, ends, token_audience, role_overrides or {})
    if faults:
        raise UnprocessableError(
            _l("This platform cannot be registered as it is written."),
            code="platform_invalid",
            fields=faults,
        )
    _refuse_taken(session, ends.issuer, client_id)
    platform = Platform(
        **owner_of(organisation),
        name=name.strip(),
        family=family,
        client_id=client_id,
        issuer=ends.issuer,
        auth_login_url=ends.auth_login_url,
        auth_token_url=ends.auth_token_url,
        jwks_url=ends.jwks_url,
        frame_origins=list(ends.frame_origins),
        token_audience=token_audience or None,
        verifies_emails=verifies_emails,
        anonymous_allowed=anonymous_allowed,
        role_overrides=dict(role_overrides or {}),
        created_at=now,
    )
    session.add(platform)
    session.flush()
    return platform


def _refuse_taken(session: Session, issuer: str, client_id: str) -> None:
    with unscoped(session, "issuer and client id are unique in the whole installation"):
        taken = session.scalar(
            select(Platform.id).where(Platform.issuer == issuer, Platform.client_id == client_id)
        )
    if taken is not None:
        raise ConflictError(
            _l("This issuer and client id are registered already; nothing was changed."),
            code="platform_exists",
            advice=_l("To correct the platform, edit the one that is there."),
        )


def add_deployment(
    session: Session,
    platform: Platform,
    deployment_id: str,
    *,
    now: datetime,
    organisation: Organisation | None = None,
    name: str | None = None,
) -> Deployment:
    """Let `platform` launch under `deployment_id`, for `organisation` (default: the platform's).

    Raises UnprocessableError, or ConflictError where the platform has that deployment already.
    """
    faults: dict[str, Any] = {}
    if not _is_id(deployment_id):
        faults["deployment_id"] = _l("Give the deployment id as the LMS shows it.")
    if organisation is not None and not organisation.path.startswith(platform.owner_path):
        faults["organisation"] = _l("A deployment serves the platform's organisation or one below.")
    if faults:
        raise UnprocessableError(
            _l("This deployment cannot be added as it is written."),
            code="deployment_invalid",
            fields=faults,
        )
    with unscoped(session, "a deployment id is unique within its platform"):
        taken = session.scalar(
            select(Deployment.id).where(
                Deployment.platform_id == platform.id, Deployment.deployment_id == deployment_id
            )
        )
    if taken is not None:
        raise ConflictError(
            _l("This platform has that deployment already; nothing was changed."),
            code="deployment_exists",
        )
    owner = owner_of(organisation) if organisation else {
        "owner_id": platform.owner_id, "owner_path": platform.owner_path,
    }  # fmt: skip
    deployment = Deployment(
        **owner, platform_id=platform.id, deployment_id=deployment_id, name=name, created_at=now
    )
    session.add(deployment)
    session.flush()
    return deployment


def list_platforms(session: Session) -> list[Platform]:
    """The platforms that the session's scope sees, by name."""
    return list(session.scalars(select(Platform).order_by(Platform.name, Platform.id)))


def deployments_of(session: Session, platform: Platform) -> list[Deployment]:
    """The platform's deployments that the session's scope sees, oldest first."""
    return list(
        session.scalars(
            select(Deployment)
            .where(Deployment.platform_id == platform.id)
            .order_by(Deployment.created_at, Deployment.id)
        )
    )


def _origins(given: Sequence[str] | None, known: Endpoints, ends: Endpoints) -> tuple[str, ...]:
    if given is not None:
        return tuple(given)
    if known.frame_origins:
        return known.frame_origins
    found = (origin_of(ends.issuer), origin_of(ends.auth_login_url))
    return tuple(dict.fromkeys(origin for origin in found if origin))


def _faults(
    name: str,
    family: str,
    client_id: str,
    ends: Endpoints,
    token_audience: str | None,
    role_overrides: Mapping[str, str | None],
) -> dict[str, Any]:
    faults: dict[str, Any] = {}
    if not 0 < len(name.strip()) <= 200 or not name.isprintable():
        faults["name"] = _l("Give the platform a name of at most 200 characters.")
    if family not in FAMILIES:
        faults["family"] = _l("Choose moodle, canvas, schoology, sandbox or generic.")
    if not _is_id(client_id):
        faults["client_id"] = _l("Give the client id as the LMS shows it.")
    if not 0 < len(ends.issuer) <= 500 or not ends.issuer.isprintable() or " " in ends.issuer:
        faults["issuer"] = _l("Give the issuer as the LMS shows it, such as https://lms.example.")
    address = _l("Give a whole https address (http works on this machine only).")
    for field in ("auth_login_url", "auth_token_url", "jwks_url"):
        if not is_web_address(getattr(ends, field)):
            faults[field] = address
    if token_audience and not (len(token_audience) <= 1000 and token_audience.isprintable()):
        faults["token_audience"] = _l("Give the audience as the LMS shows it.")
    if not all(is_frame_source(source) for source in ends.frame_origins):
        faults["frame_origins"] = _l(
            "Give origins such as https://lms.example or https://*.lms.example."
        )
    wanted = {None, "", *GRANTABLE}
    if not all(isinstance(key, str) and value in wanted for key, value in role_overrides.items()):
        known = ", ".join(Role(role).value for role in GRANTABLE)
        faults["role_overrides"] = _l("A role of the LMS may become: %(known)s.", known=known)
    return faults


def _is_id(text: str) -> bool:
    return 0 < len(text) <= LONGEST_ID and text.isprintable() and text == text.strip()
