"""Connecting an LMS: by a link that it opens, by values typed on both sides, or from a file."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core import audit
from core.errors import NotFoundError, UnprocessableError
from core.scope import Scope
from lti_tool.admin.connections import place
from lti_tool.lti.deployments import add_deployment
from lti_tool.lti.models import Platform
from lti_tool.lti.registering import exchange, links
from lti_tool.lti.registration import add_platform

# What each family's form asks for; the rest is known.
ASKED: Mapping[str, tuple[str, ...]] = {
    "canvas": ("name", "client_id", "deployments"),
    "moodle": ("name", "site_url", "client_id", "deployments"),
    "schoology": ("name", "client_id", "deployments"),
    "generic": (
        "name", "issuer", "client_id", "auth_login_url", "auth_token_url", "jwks_url",
        "token_audience", "deployments",
    ),
}  # fmt: skip
MOST_DEPLOYMENTS = 200
LARGEST_FILE = 256 * 1024


def add(
    session: Session,
    scope: Scope,
    family: str,
    given: Mapping[str, str],
    *,
    organisation_id: uuid.UUID | None,
    actor_id: uuid.UUID,
    now: datetime,
) -> Platform:
    """Register what was typed, with its deployments (one a line).

    Raises UnprocessableError with every fault by field, ConflictError, NotFoundError.
    """
    values: dict[str, Any] = {
        name: given.get(name, "").strip() for name in ASKED[family] if name != "deployments"
    }
    deployment_ids = lines(given.get("deployments", ""))
    if len(deployment_ids) > MOST_DEPLOYMENTS:
        fault = _l("That are too many at once; give at most 200.")
        raise UnprocessableError(fault, fields={"deployments": fault})
    if family == "moodle" and not values["site_url"]:
        fault = _l("Give the address of your Moodle, such as https://moodle.example.org.")
        raise UnprocessableError(fault, fields={"site_url": fault})
    platform = add_platform(
        session, place(session, scope, organisation_id), family=family, now=now, **values
    )
    for one in deployment_ids:
        try:
            add_deployment(session, platform, one, now=now)
        except UnprocessableError as error:
            faults = {"deployments": next(iter(error.fields.values()))}
            raise UnprocessableError(error.message, fields=faults) from error
    _note(session, platform, "platform.add", actor_id, now)
    return platform


def bring_in(
    session: Session,
    scope: Scope,
    text: str,
    *,
    organisation_id: uuid.UUID | None,
    actor_id: uuid.UUID,
    now: datetime,
) -> Platform:
    """Register the platform in a file as another installation gave it.

    Raises UnprocessableError with what is wrong, ConflictError, NotFoundError.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        fault = _l("This is not JSON. Give the file as Milepost made it.")
        raise UnprocessableError(fault, fields={"document": fault}) from None
    platform = exchange.import_platform(
        session, place(session, scope, organisation_id), document, now
    )
    _note(session, platform, "platform.import", actor_id, now)
    return platform


def withdraw(session: Session, link_id: uuid.UUID, *, actor_id: uuid.UUID, now: datetime) -> None:
    """Make a registration address useless. Raises NotFoundError where none is open."""
    found = next((one for one in links.of_organisation(session, now) if one.id == link_id), None)
    if found is None:
        raise NotFoundError(_l("This address was used meanwhile, or has been withdrawn."))
    links.revoke(session, link_id, now)
    audit.record(
        session, owner=found, actor_id=actor_id, action="registration_link.withdraw",
        subject=found, now=now,
    )  # fmt: skip


def lines(text: str) -> Sequence[str]:
    """What was typed, one a line; twice the same is once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _note(
    session: Session, platform: Platform, action: str, actor_id: uuid.UUID, now: datetime
) -> None:
    audit.record(
        session, owner=platform, actor_id=actor_id, action=action, subject=platform, now=now
    )
