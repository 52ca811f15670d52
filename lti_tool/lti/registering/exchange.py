"""A platform as a JSON document, to move a connection from one installation to another.

It holds what `registration.add_platform` takes and no secret: LTI 1.3 has none that is shared.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import UnprocessableError
from core.identity import Organisation
from lti_tool.lti.deployments import add_deployment, deployments_of
from lti_tool.lti.models import Platform
from lti_tool.lti.registration import add_platform, platform_unknown

FORM = "milepost.platform"
VERSION = 1
MOST_DEPLOYMENTS = 1000

_TEXTS = ("name", "family", "issuer", "client_id", "auth_login_url", "auth_token_url", "jwks_url",
          "privacy_level")  # fmt: skip
_CHOICES = ("verifies_emails", "anonymous_allowed")
_REQUIRED = ("name", "family", "issuer", "client_id", "auth_login_url", "auth_token_url",
             "jwks_url")  # fmt: skip
_FIELDS = frozenset({"form", "version", "token_audience", "frame_origins", "role_overrides",
                     "deployments", *_TEXTS, *_CHOICES})  # fmt: skip


def export_platform(session: Session, platform_id: uuid.UUID) -> dict[str, Any]:
    """The platform and its active deployments as a document that `import_platform` takes.

    Raises NotFoundError outside the session's scope.
    """
    platform = session.scalar(select(Platform).where(Platform.id == platform_id))
    if platform is None:
        raise platform_unknown()
    return {
        "form": FORM,
        "version": VERSION,
        **{name: getattr(platform, name) for name in (*_TEXTS, *_CHOICES)},
        "token_audience": platform.token_audience,
        "frame_origins": list(platform.frame_origins),
        "role_overrides": dict(platform.role_overrides),
        "deployments": [
            {"deployment_id": one.deployment_id, "name": one.name}
            for one in deployments_of(session, platform)
            if one.state == "active"
        ],
    }


def import_platform(
    session: Session, organisation: Organisation, document: Any, now: datetime
) -> Platform:
    """Register the platform in `document` with its deployments for `organisation`.

    Raises UnprocessableError with every fault by field, or ConflictError where the platform is
    registered already; nothing is stored then.
    """
    _refuse(_shape_faults(document))
    named: Mapping[str, Any] = document
    platform = add_platform(
        session,
        organisation,
        **{name: named[name] for name in (*_TEXTS, *_CHOICES) if name in named},
        token_audience=named.get("token_audience"),
        # Without them, whoever sends people may show our pages.
        frame_origins=named.get("frame_origins"),
        role_overrides=named.get("role_overrides"),
        now=now,
    )
    for one in named.get("deployments", []):
        add_deployment(session, platform, one["deployment_id"], name=one.get("name"), now=now)
    return platform


def _refuse(faults: Mapping[str, Any]) -> None:
    if faults:
        raise UnprocessableError(
            _l("This is not a platform as Milepost exports one."),
            code="document_invalid",
            fields=faults,
        )


def _shape_faults(document: Any) -> dict[str, Any]:
    """What is of the wrong type or missing; values are judged where platforms are added."""
    if not isinstance(document, dict):
        return {"document": _l("Give one JSON object.")}
    faults: dict[str, Any] = {}
    if document.get("form", FORM) != FORM or document.get("version", VERSION) != VERSION:
        faults["version"] = _l("This document is of another kind or version.")
    for name in sorted(set(document) - _FIELDS)[:10]:
        faults[str(name)[:60]] = _l("There is no such field.")
    for name in _REQUIRED:
        if name not in document:
            faults[name] = _l("This field is missing.")
    for names, kind, words in (
        (_TEXTS, str, _l("Write a text.")),
        (_CHOICES, bool, _l("Write true or false.")),
        (("role_overrides",), dict, _l("Write an object of the LMS's roles and ours.")),
        (("frame_origins", "deployments"), list, _l("Write a list.")),
    ):
        for name in names:
            if name in document and not isinstance(document[name], kind):
                faults[name] = words
    if not isinstance(document.get("token_audience"), str | None):
        faults["token_audience"] = _l("Write a text, or null.")
    return faults | _list_faults(document, faults)


def _list_faults(document: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    faults: dict[str, Any] = {}
    origins, placed = document.get("frame_origins", []), document.get("deployments", [])
    if "frame_origins" not in known and not all(isinstance(one, str) for one in origins):
        faults["frame_origins"] = _l("Write each origin as a text.")
    if "deployments" in known:
        return faults
    usable = len(placed) <= MOST_DEPLOYMENTS and all(
        isinstance(one, dict)
        and isinstance(one.get("deployment_id"), str)
        and (one.get("name") is None or (isinstance(one["name"], str) and len(one["name"]) <= 200))
        for one in placed
    )
    if not usable:
        faults["deployments"] = _l("Write each deployment as an object with its deployment_id.")
    return faults
