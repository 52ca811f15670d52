"""Who comes in and where: person, context, membership and resource link of a launch, recorded.

LTI 1.3 Core, sections 5.3.6 to 5.4.1. One SELECT reads all that is known; what has not changed is
not written.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from core import timezones
from core.identity import Organisation, Person, Role, RoleGrant
from core.prepared import Direct, Prepared
from core.scope import Scope
from lti_tool.courses.models import Context, Membership
from lti_tool.courses.service import (
    KnownContext,
    KnownMembership,
    record_context,
    record_membership,
)
from lti_tool.lti.claims import ContextClaims, LaunchClaims
from lti_tool.lti.links import ITEM_FIELDS, LINK_FIELDS, RecordedLink, items, links, record_link
from lti_tool.lti.models import PlatformUser
from lti_tool.lti.platforms import KnownPlatform, PlatformDeployment
from lti_tool.lti.roles import is_lms_administrator, is_test_user, milepost_roles
from lti_tool.lti.targets import Target


@dataclass(frozen=True)
class Recorded:
    """What a launch came to in the database."""

    person_id: uuid.UUID
    context_id: uuid.UUID | None
    link: RecordedLink
    roles: frozenset[Role]


_o: Any = Organisation.__table__.alias("o")
_u: Any = PlatformUser.__table__.alias("u")
_p: Any = Person.__table__.alias("p")
_c: Any = Context.__table__.alias("c")
_m: Any = Membership.__table__.alias("m")
_r: Any = links.alias("r")
_g: Any = RoleGrant.__table__.alias("g")
_i: Any = items.alias("i")
_people: Any = Person.__table__
_users: Any = PlatformUser.__table__
_grants: Any = RoleGrant.__table__

_PERSON_FIELDS = (
    "name",
    "given_name",
    "email",
    "email_verified_at",
    "locale",
    "timezone",
    "is_test",
)
_platform: Any = bindparam("platform")
_deployment: Any = bindparam("deployment")
_KNOWN = Prepared(
    select(
        _u.c.person_id,
        *(_p.c[name].label(f"p_{name}") for name in _PERSON_FIELDS),
        _c.c.id.label("c_id"), _c.c.title.label("c_title"), _c.c.label.label("c_label"),
        _c.c.memberships_url.label("c_memberships_url"),
        _m.c.id.label("m_id"), _m.c.roles.label("m_roles"), _m.c.lti_roles.label("m_lti_roles"),
        _m.c.state.label("m_state"), _m.c.last_seen_at.label("m_last_seen_at"),
        _r.c.id.label("r_id"), *(_r.c[name].label(f"r_{name}") for name in LINK_FIELDS),
        *(_i.c[name].label(f"i_{name}") for name in ITEM_FIELDS),
        _g.c.id.label("g_id"), _g.c.role.label("g_role"), _g.c.context_id.label("g_context_id"),
        _g.c.owner_path.label("g_owner_path"),
    )
    .select_from(_o)
    .join(_u, (_u.c.platform_id == _platform) & (_u.c.sub == bindparam("sub")), isouter=True)
    .join(_p, _p.c.id == _u.c.person_id, isouter=True)
    .join(_c, (_c.c.platform_id == _platform) & (_c.c.deployment_id == _deployment)
          & (_c.c.lti_id == bindparam("context")), isouter=True)
    .join(_m, (_m.c.context_id == _c.c.id) & (_m.c.person_id == _u.c.person_id), isouter=True)
    .join(_r, (_r.c.deployment_id == _deployment) & (_r.c.lti_id == bindparam("link")),
          isouter=True)
    .join(_i, _i.c.id == bindparam("item"), isouter=True)
    .join(_g, (_g.c.person_id == _u.c.person_id) & _g.c.ended_at.is_(None), isouter=True)
    .where(_o.c.id == bindparam("organisation"))
)  # fmt: skip

_NEW_PERSON = Prepared.insert(_people)
_NEW_USER = Prepared.insert(_users)
_STILL_GRANTED = Prepared(
    select(_grants.c.role)
    .where(_grants.c.id == bindparam("grant"), _grants.c.ended_at.is_(None))
    .with_for_update(read=True)
)


def record(
    session: Session | Direct,
    platform: KnownPlatform,
    deployment: PlatformDeployment,
    launch: LaunchClaims,
    target: Target,
    now: datetime,
) -> Recorded:
    """Record the launch in this transaction.

    Two first launches of one person at one moment meet at a unique constraint: IntegrityError, and
    the caller begins the transaction anew.
    """
    owner = {"owner_id": deployment.owner_id, "owner_path": deployment.owner_path}
    direct = Direct.of(session)
    rows = _KNOWN.run(
        direct,
        {
            "organisation": deployment.owner_id,
            "platform": platform.id,
            "deployment": deployment.id,
            "sub": launch.person.sub or "",
            "context": launch.context.id if launch.context else "",
            "link": launch.link_id or "",
            "item": launch.item_id,
        },
    )
    known = rows[0]
    roles = milepost_roles(launch.roles, platform.role_overrides)
    person_id = _record_person(direct, known, owner, platform, launch, now)
    context_id = None
    if launch.context is not None:
        context_id = _record_context(
            direct, known, owner, platform.id, deployment.id, launch, launch.context, now
        )
        _record_member(direct, known, owner, context_id, person_id, roles, launch, now)
    link = record_link(
        direct, known, {**owner, "platform_id": platform.id}, deployment, launch, target,
        context_id, now,
    )  # fmt: skip
    granted = _granted(direct, rows, deployment, context_id)
    return Recorded(person_id, context_id, link, roles | granted | _administering(platform, launch))


def _record_member(
    direct: Direct,
    known: Any,
    owner: dict[str, Any],
    context_id: uuid.UUID,
    person_id: uuid.UUID,
    roles: frozenset[Role],
    launch: LaunchClaims,
    now: datetime,
) -> None:
    record_membership(
        direct,
        _known_membership(known),
        owner=owner,
        context_id=context_id,
        person_id=person_id,
        roles=roles,
        lti_roles=launch.roles,
        now=now,
    )


def _known_membership(known: Any) -> KnownMembership | None:
    if known.m_id is None:
        return None
    return KnownMembership(
        known.m_id, known.m_roles, known.m_lti_roles, known.m_state, known.m_last_seen_at
    )


def _record_context(
    direct: Direct,
    known: Any,
    owner: dict[str, Any],
    platform_id: uuid.UUID,
    deployment_id: uuid.UUID,
    launch: LaunchClaims,
    said: ContextClaims,
    now: datetime,
) -> uuid.UUID:
    return record_context(
        direct,
        KnownContext(known.c_id, known.c_title, known.c_label, known.c_memberships_url)
        if known.c_id
        else None,
        owner=owner,
        platform_id=platform_id,
        deployment_id=deployment_id,
        lti_id=said.id,
        title=said.title,
        label=said.label,
        memberships_url=launch.roster_url,
        now=now,
    )


def _administering(platform: KnownPlatform, launch: LaunchClaims) -> frozenset[Role]:
    """Administrator, for this visit, where ours allowed it and the LMS says so of somebody known.

    It is no grant that is kept: it ends when either side takes it back.
    """
    allowed = platform.administrators_allowed and launch.person.sub is not None
    if allowed and is_lms_administrator(launch.roles):
        return frozenset({Role.ADMINISTRATOR})
    return frozenset()


def _granted(
    direct: Direct,
    rows: Sequence[Any],
    deployment: PlatformDeployment,
    context_id: uuid.UUID | None,
) -> frozenset[Role]:
    """Roles granted in this organisation or one above it, everywhere or in this context."""
    above = Scope(deployment.owner_id, deployment.owner_path).ancestors
    ids = {
        row.g_id
        for row in rows
        if row.g_role
        and row.g_owner_path in above
        and (row.g_context_id is None or row.g_context_id == context_id)
    }
    if not ids:
        return frozenset()
    # Held until the session is written: who ends a grant meanwhile waits, and then finds it.
    live = [row for one in sorted(ids) for row in _STILL_GRANTED.run(direct, {"grant": one})]
    return frozenset(Role(row.role) for row in live)


def _record_person(
    direct: Direct,
    known: Any,
    owner: dict[str, Any],
    platform: KnownPlatform,
    launch: LaunchClaims,
    now: datetime,
) -> uuid.UUID:
    said = launch.person
    email = said.email or known.p_email
    verified_at = known.p_email_verified_at if email == known.p_email else None
    if said.email and platform.verifies_emails:
        verified_at = verified_at or now
    wanted = {
        "name": said.name or known.p_name,
        "given_name": said.given_name or known.p_given_name,
        "email": email,
        "email_verified_at": verified_at,
        "locale": said.locale or known.p_locale,
        "timezone": _zone(said.timezone) or known.p_timezone,
        "is_test": bool(known.p_is_test) or is_test_user(launch.roles),
    }
    if known.person_id is not None:
        if any(getattr(known, f"p_{name}") != value for name, value in wanted.items()):
            direct.run(
                update(_people)
                .where(_people.c.id == known.person_id)
                .values(**wanted, updated_at=now)
            )
        person_id: uuid.UUID = known.person_id
        return person_id
    new_id = uuid.uuid4()
    _NEW_PERSON.run(direct, {"id": new_id, **owner, **wanted, "created_at": now, "updated_at": now})
    if said.sub is not None:
        _NEW_USER.run(
            direct,
            {
                **owner,
                "platform_id": platform.id,
                "sub": said.sub,
                "person_id": new_id,
                "created_at": now,
            },
        )
    return new_id


def _zone(name: str | None) -> str | None:
    """The zone's name, if there is such a zone."""
    return name if name is not None and timezones.known(name) else None
