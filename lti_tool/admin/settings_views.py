"""What a connection is set to: one form, saved as a whole."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core.errors import UnprocessableError
from core.web.app import runtime
from lti_tool.admin import connections
from lti_tool.admin.blueprint import administrator, blueprint, lti_tool
from lti_tool.lti.models import Platform
from lti_tool.lti.registration import MOST_OVERRIDES

ADDRESSES = ("auth_login_url", "auth_token_url", "jwks_url", "token_audience")
BLANK_ROWS = 2
_AS_USUAL = "usual"


@blueprint.get("/connections/<uuid:platform_id>/settings")
def settings(platform_id: uuid.UUID) -> str:
    """The form as the connection is set now."""
    who = administrator()
    with runtime().database.snapshot(who.scope) as session:
        platform = connections.find(session, platform_id)
    values = {
        "name": platform.name,
        **{name: getattr(platform, name) or "" for name in ADDRESSES},
        "frame_origins": "\n".join(platform.frame_origins),
        "privacy_level": platform.privacy_level,
        **{name: getattr(platform, name) for name in _SWITCHES},
    }
    return _page(platform, values, dict(platform.role_overrides), {})


_SWITCHES = ("verifies_emails", "anonymous_allowed", "administrators_allowed")


@blueprint.post("/connections/<uuid:platform_id>/settings")
def save_settings(platform_id: uuid.UUID) -> ResponseReturnValue:
    """Save all of it, or nothing and say what needs another look."""
    who, form = administrator(), request.form
    values: dict[str, Any] = {
        "name": form.get("name", ""),
        **{name: form.get(name, "").strip() for name in ADDRESSES},
        "frame_origins": form.get("frame_origins", ""),
        "privacy_level": form.get("privacy_level", ""),
        **{name: name in form for name in _SWITCHES},
    }
    overrides = _overrides()
    wanted = {name: value for name, value in values.items() if name != "administrators_allowed"}
    try:
        with runtime().database.transaction(who.scope) as session:
            changed = connections.change(
                session,
                platform_id,
                {
                    **wanted,
                    "frame_origins": values["frame_origins"].split(),
                    "role_overrides": overrides,
                },
                administrators_allowed=values["administrators_allowed"],
                actor_id=who.person_id,
                actor_session=who.session_id,
                now=runtime().now(),
            )
    except UnprocessableError as error:
        with runtime().database.snapshot(who.scope) as session:
            platform = connections.find(session, platform_id)
        return _page(platform, values, overrides, error.fields), 422
    lti_tool().platforms.forget()
    flash(_("Saved.") if changed else _("Nothing was different, so nothing was changed."), "good")
    return redirect(url_for("admin.connection", platform_id=platform_id), 303)


def _overrides() -> dict[str, str]:
    """The rows of the form whose role is not treated as usual; the last of two alike holds."""
    form, found = request.form, {}
    for number in range(MOST_OVERRIDES + BLANK_ROWS + connections.MOST_ROLES_SEEN):
        role = form.get(f"role-{number}", "").strip()
        meaning = form.get(f"meaning-{number}", _AS_USUAL)
        if role and meaning != _AS_USUAL:
            found[role] = "" if meaning == "nobody" else meaning
    return found


def _page(
    platform: Platform, values: dict[str, Any], overrides: dict[str, Any], errors: dict[str, Any]
) -> str:
    with runtime().database.snapshot(administrator().scope) as session:
        seen = connections.roles_seen(session, platform)
    rows = [(role, meaning or "nobody") for role, meaning in overrides.items()]
    rows += [(role, _AS_USUAL) for role in seen if role not in overrides]
    rows += [("", _AS_USUAL)] * BLANK_ROWS
    return render_template(
        "admin/settings.html",
        platform=platform,
        values=values,
        rows=rows,
        hours=runtime().config.session_hours,
        errors={name: str(text) for name, text in errors.items()},
    )
