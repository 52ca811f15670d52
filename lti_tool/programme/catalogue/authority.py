"""Who may change what a whole organisation offers: its own leads, and those above it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from core.errors import NotAllowedError
from core.identity import Role
from core.scope import Owned
from core.web.sessions import Principal


def require_lead(who: Principal) -> None:
    """Raise NotAllowedError for anybody but a programme lead or administrator."""
    who.require(Role.LEAD, Role.ADMINISTRATOR)


def manages(who: Principal, row: Owned) -> bool:
    """Whether `row` belongs to the organisation of this visit, or to one below it.

    What an organisation publishes is seen by all below it, and changed by none of them.
    """
    return who.has(Role.LEAD, Role.ADMINISTRATOR) and row.owner_path.startswith(who.scope.path)


def require_manager(who: Principal, row: Owned) -> None:
    """Raise NotAllowedError unless `who` leads the organisation of `row` or one above it."""
    require_lead(who)
    if not manages(who, row):
        raise NotAllowedError(
            _("This belongs to an organisation above yours. You can read it, not change it."),
            code="owner_above",
            advice=_("Ask its programme lead for the change you need."),
        )
