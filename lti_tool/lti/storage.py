"""The platform's own storage in the browser, for frames in which no cookie of ours survives.

LTI postMessage Storage 0.1; LTI OIDC Login with LTI Client Side postMessages 0.1. A platform that
offers it names a frame in the login (`lti_storage_target`). Our page there has state and nonce
kept by the platform's page, and reads them back when the launch comes without the login's cookie.
Nothing else is ever kept there. Messages go to the origin of the authorization endpoint alone,
and answers are taken from there alone, so that no other page can read or make up either.
"""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from lti_tool.lti import logins
from lti_tool.lti.families import origin_of
from lti_tool.lti.logins import Login
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.rules import RefusedError

TARGET = "lti_storage_target"
# `_parent`, or the name of a frame beside ours. Anything else is no offer that we can take up.
_FRAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}")


@dataclass(frozen=True)
class Place:
    """Where a login's two secrets are kept: in which frame, of which origin, under which names."""

    frame: str
    origin: str
    state_key: str
    nonce_key: str


def place(hints: Mapping[str, str], platform: KnownPlatform, login_id: uuid.UUID) -> Place | None:
    """The storage that the login with those `hints` was offered; None where there is none."""
    frame = hints.get(TARGET, "")
    origin = origin_of(platform.auth_login_url)
    if not origin or not _FRAME.fullmatch(frame):
        return None
    # The names hold no secret: the id stands in front of every state.
    name = f"milepost-{login_id.hex}"
    return Place(frame, origin, f"{name}-state", f"{name}-nonce")


def check_kept(login: Login, state: str, fields: Mapping[str, str]) -> None:
    """What the platform's storage gave back is this login's: the browser is the one that began it.

    `state` is the launch's own, shown to be `login`'s before. Raises RefusedError.
    """
    kept_state = logins.digest(fields.get("stored_state", ""))
    kept_nonce = logins.digest(fields.get("stored_nonce", ""))
    same_state = hmac.compare_digest(kept_state, logins.digest(state))
    same_nonce = hmac.compare_digest(kept_nonce, login.nonce_hash)
    if not (same_state and same_nonce):
        raise RefusedError("state_mismatch")
