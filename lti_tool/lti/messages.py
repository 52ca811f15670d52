"""Where each type of message leads, and to whom it is open.

LTI 1.3 Core, section 5.3.5; Deep Linking 2.0, section 2.1; Submission Review 1.0, section 3; the
data privacy launch. Every refusal is raised before the launch's transaction commits, so that it
leaves nothing behind.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from core.identity import Person, Role
from core.prepared import Direct, Prepared
from lti_tool.courses.models import Membership
from lti_tool.lti import names
from lti_tool.lti.claims import LaunchClaims
from lti_tool.lti.models import LineItem, PlatformUser, ResourceLink
from lti_tool.lti.people import Recorded
from lti_tool.lti.platforms import PlatformDeployment
from lti_tool.lti.roles import is_lms_administrator
from lti_tool.lti.rules import RefusedError
from lti_tool.lti.targets import Target

if TYPE_CHECKING:
    from lti_tool.lti.launching import Arrived

# Where a coach or lead is asked about a link of a copied course; no address names it.
COPIED_LINK = "copied-link"
MICRO_CREDENTIAL = "micro-credential"
TEACHING = frozenset({Role.COACH, Role.LEAD, Role.ADMINISTRATOR})
REVIEWING = frozenset({Role.COACH, Role.LEAD})

_u: Any = PlatformUser.__table__
_m: Any = Membership.__table__
_p: Any = Person.__table__
_r: Any = ResourceLink.__table__
_l: Any = LineItem.__table__
_PERSON_OF = Prepared(
    select(_u.c.person_id, _p.c.owner_path)
    .join(_p, _p.c.id == _u.c.person_id)
    .where(_u.c.platform_id == bindparam("platform"), _u.c.sub == bindparam("sub"))
)
_MEMBER = Prepared(
    select(_m.c.id).where(
        _m.c.context_id == bindparam("context"), _m.c.person_id == bindparam("person")
    )
)
_BY_LINE_ITEM = Prepared(
    select(_r.c.target_kind, _r.c.target_argument).where(
        _r.c.platform_id == bindparam("platform"), _r.c.line_item_url == bindparam("url")
    )
)
_BY_OWN_COLUMN = Prepared(
    select(_l.c.key, _r.c.target_kind, _r.c.target_argument)
    .join(_r, _r.c.id == _l.c.resource_link_id)
    .where(_r.c.platform_id == bindparam("platform"), _l.c.url == bindparam("url"))
)


@dataclass(frozen=True)
class Destination:
    """`page` is opened now, `target` is what the link opens; `data` is for the page's session."""

    page: Target
    target: Target
    about_id: uuid.UUID | None = None
    data: dict[str, Any] = field(default_factory=dict)


def destination(direct: Direct, arrived: Arrived, recorded: Recorded) -> Destination:
    """Where the launch goes that has just been recorded. Raises RefusedError."""
    said, target = arrived.launch, arrived.target
    if said.message == names.DEEP_LINKING_REQUEST:
        if recorded.roles.isdisjoint(TEACHING) and not is_lms_administrator(said.roles):
            raise RefusedError("picker_role")
        return Destination(target, target)
    if said.message == names.SUBMISSION_REVIEW_REQUEST:
        return _review(direct, arrived, recorded)
    if said.message == names.DATA_PRIVACY_REQUEST:
        return _privacy(said, target, recorded)
    link = recorded.link
    data: dict[str, Any] = {"dates": dict(link.dates)} if link.dates else {}
    asks = link.asked and not recorded.roles.isdisjoint(REVIEWING)
    return Destination(Target(COPIED_LINK) if asks else link.target, link.target, data=data)


def _review(direct: Direct, arrived: Arrived, recorded: Recorded) -> Destination:
    said, platform = arrived.launch, arrived.platform
    own = said.for_user == said.person.sub
    if not own and recorded.roles.isdisjoint(REVIEWING):
        raise RefusedError("review_role")
    found = _PERSON_OF.first(direct, {"platform": platform.id, "sub": said.for_user})
    if found is not None and not own:
        _check_same_course(direct, arrived.deployment, recorded, found)
    asked = _micro_credential(direct, arrived, recorded.link.target)
    page = Target(arrived.target.kind, asked)
    return Destination(page, page, found.person_id if found else None)


def _check_same_course(
    direct: Direct, deployment: PlatformDeployment, recorded: Recorded, found: Any
) -> None:
    """Whose work it is belongs to the course of the gradebook, or else to a lead's organisation."""
    if recorded.context_id is not None:
        member = {"context": recorded.context_id, "person": found.person_id}
        allowed = _MEMBER.first(direct, member) is not None
    else:
        below = found.owner_path.startswith(deployment.owner_path)
        allowed = below and Role.LEAD in recorded.roles
    if not allowed:
        raise RefusedError("review_foreign")


def _micro_credential(direct: Direct, arrived: Arrived, opened: Target) -> str | None:
    """The micro-credential of the column: by its link, its address, or what the message names."""
    if opened.kind == MICRO_CREDENTIAL:
        return opened.argument
    wanted = {"platform": arrived.platform.id, "url": arrived.launch.grades.line_item}
    for row in _BY_LINE_ITEM.run(direct, wanted):
        if row.target_kind == MICRO_CREDENTIAL:
            return str(row.target_argument)
    for row in _BY_OWN_COLUMN.run(direct, wanted):
        kind, _place, achievement = (f"{row.key}::").split(":")[:3]
        if kind == "context" and achievement:
            return achievement
        if row.target_kind == MICRO_CREDENTIAL:
            return str(row.target_argument)
    named = arrived.named
    return named.argument if named and named.kind == MICRO_CREDENTIAL else None


def _privacy(said: LaunchClaims, target: Target, recorded: Recorded) -> Destination:
    administers = is_lms_administrator(said.roles) or Role.ADMINISTRATOR in recorded.roles
    about_self = said.for_user in (None, said.person.sub)
    if not about_self and not administers:
        raise RefusedError("privacy_role")
    return Destination(target, target, recorded.person_id, {"sees_summary": administers})
