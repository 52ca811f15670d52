"""Login and launch, step by step; the views open the transactions and set the cookies.

LTI Security Framework 1.0, section 5.1.1; LTI 1.3 Core, section 5. Every function raises
RefusedError for what it does not accept, before anything is written.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from core.prepared import Direct
from core.web.sessions import StartedSession, start_session
from lti_tool.lti import claims as launch_claims
from lti_tool.lti import logins, messages, names, oidc, people, rules
from lti_tool.lti.claims import LaunchClaims
from lti_tool.lti.deep_linking import requests
from lti_tool.lti.logins import Login
from lti_tool.lti.messages import Destination
from lti_tool.lti.platforms import KnownPlatform, PlatformDeployment
from lti_tool.lti.rules import RefusedError, Token
from lti_tool.lti.targets import HOME, Target, Visit
from lti_tool.lti.tokens import verified_claims
from lti_tool.lti.tool import LtiTool

LONGEST_ISSUER = 500


@dataclass(frozen=True)
class Begun:
    """A login just begun: the cookie that ties it to this browser, and where the browser goes."""

    id: uuid.UUID
    cookie: str
    url: str
    state: str
    nonce: str


@dataclass(frozen=True)
class Arrived:
    """A launch whose token holds: what it says, and where it goes.

    `named` is what the link opens that a message of another type is about, as far as its address
    or parameters tell.
    """

    login: Login
    platform: KnownPlatform
    deployment: PlatformDeployment
    launch: LaunchClaims
    target: Target
    named: Target | None = None


@dataclass(frozen=True)
class Launched:
    """A launch that went through."""

    started: StartedSession
    visit: Visit
    target: Target


def find_platform(tool: LtiTool, hints: Mapping[str, str]) -> KnownPlatform:
    """The platform that a login names by issuer and, where it gives one, client id."""
    issuer, client_id = hints.get("iss", ""), hints.get("client_id", "")
    if not issuer:
        raise RefusedError("iss_missing")
    known: tuple[KnownPlatform, ...] = ()
    if len(issuer) <= LONGEST_ISSUER and issuer.isprintable():
        known = tool.platforms.of_issuer(issuer)
    if not known:
        raise RefusedError("platform_unknown")
    if not client_id and len(known) > 1:
        raise RefusedError("client_ambiguous")
    for platform in known:
        if client_id in ("", platform.client_id):
            return platform
    raise RefusedError("client_unknown")


def check_login(tool: LtiTool, platform: KnownPlatform, hints: Mapping[str, str]) -> None:
    """What a login must be once its platform is known."""
    if platform.disabled:
        raise RefusedError("platform_disabled")
    if not hints.get("login_hint"):
        raise RefusedError("login_hint_missing")
    tool.targets.of_uri(hints.get("target_link_uri", ""), tool.runtime.config.base_url)


def begin_login(
    direct: Direct,
    tool: LtiTool,
    platform: KnownPlatform,
    hints: Mapping[str, str],
    *,
    in_window: bool,
    now: datetime,
) -> Begun:
    """Write the login's row and say where to send the browser."""
    kept = {name: hints[name] for name in logins.KEPT_HINTS if name in hints}
    login_id = uuid.uuid4()
    secret = logins.secret_for(login_id)
    sign_in = oidc.authorization(platform, kept, tool.redirect_uri, secret)
    cookie = logins.begin(
        direct,
        login_id=login_id,
        platform_id=platform.id,
        state=sign_in.state,
        nonce=sign_in.nonce,
        target_link_uri=hints["target_link_uri"],
        hints=kept,
        in_window=in_window,
        now=now,
    )
    return Begun(login_id, cookie, sign_in.url, sign_in.state, sign_in.nonce)


def check_login_state(login: Login | None, now: datetime) -> Login:
    """The login that a launch answers: one of ours, unused, not too old."""
    if login is None:
        raise RefusedError("state_invalid")
    if login.used:
        raise RefusedError("launch_reused")
    if login.expires_at <= now:
        raise RefusedError("state_invalid")
    return login


def is_same_browser(login: Login, cookie: str | None) -> bool:
    """Whether `cookie` is the one that this login gave."""
    return cookie is not None and hmac.compare_digest(logins.digest(cookie), login.cookie_hash)


def nonce_fits(login: Login, claims: Mapping[str, Any]) -> bool:
    """Whether the token answers this login and no other."""
    return hmac.compare_digest(logins.digest(rules.nonce_of(claims)), login.nonce_hash)


def refuse_nonce(direct: Direct, claims: Mapping[str, Any]) -> NoReturn:
    """Say what is wrong with a nonce that does not fit: used before, or another login's."""
    used = logins.nonce_was_used(direct, rules.nonce_of(claims))
    raise RefusedError("launch_reused" if used else "nonce_mismatch")


def genuine_claims(
    tool: LtiTool,
    platform: KnownPlatform,
    token: Token,
    now: datetime,
) -> dict[str, Any]:
    """The token's claims, shown to be the platform's own words. May ask the network for keys."""
    if platform.disabled:
        raise RefusedError("platform_disabled")
    return verified_claims(token, platform, tool.key_sets, now)


def arrive(
    tool: LtiTool, login: Login, platform: KnownPlatform, claims: Mapping[str, Any]
) -> Arrived:
    """Judge what a genuine message says."""
    deployment = _deployment(tool, platform, rules.deployment_of(claims))
    rules.check_claims(
        claims,
        target_link_uri=login.target_link_uri,
        anonymous_allowed=platform.anonymous_allowed,
    )
    oidc.check_message(claims, platform)
    launch = launch_claims.read(claims, platform.frame_origins, platform.privacy_level)
    target, named = _target(tool, launch), None
    if launch.message != names.RESOURCE_LINK_REQUEST:
        named = tool.targets.named(
            launch.custom.get(names.CUSTOM_TARGET),
            launch.target_link_uri,
            tool.runtime.config.base_url,
        )
    return Arrived(login, platform, deployment, launch, target, named)


def launch(direct: Direct, tool: LtiTool, arrived: Arrived, now: datetime) -> Launched:
    """Take the login, record the launch and start the session, all in this transaction."""
    if not logins.use(direct, arrived.login.id, now):
        raise RefusedError("launch_reused")
    recorded = people.record(
        direct, arrived.platform, arrived.deployment, arrived.launch, arrived.target, now
    )
    going = messages.destination(direct, arrived, recorded)
    tool.platforms.launched(direct, arrived.platform.id, now)
    started = start_session(
        direct,
        person_id=recorded.person_id,
        organisation_id=arrived.deployment.owner_id,
        organisation_path=arrived.deployment.owner_path,
        context_id=recorded.context_id,
        platform_id=arrived.platform.id,
        roles=recorded.roles,
        data=_session_data(arrived, recorded, going),
        hours=tool.runtime.config.session_hours,
        now=now,
    )
    if arrived.launch.deep_linking is not None:
        requests.begin(
            direct,
            platform_id=arrived.platform.id,
            deployment=arrived.deployment,
            context_id=recorded.context_id,
            person_id=recorded.person_id,
            session_id=started.id,
            said=arrived.launch,
            edited=arrived.named,
            now=now,
        )
    visit = Visit(
        session_id=started.id,
        person_id=recorded.person_id,
        roles=recorded.roles,
        context_id=recorded.context_id,
        resource_link_id=recorded.link.id,
        about_id=going.about_id,
    )
    return Launched(started, visit, going.page)


def _session_data(
    arrived: Arrived, recorded: people.Recorded, going: Destination
) -> dict[str, Any]:
    """What pages may want to know of the launch (`principal().data`)."""
    said, link_id = arrived.launch, recorded.link.id
    return {
        "resource_link_id": str(link_id) if link_id else None,
        "resource_link_title": said.link_title,
        "context_title": said.context.title if said.context else None,
        "target": {"kind": going.target.kind, "argument": going.target.argument},
        "takes_grades": bool(said.grades.line_item or said.grades.line_items),
        "platform_name": arrived.platform.name,
        "frame_origins": list(arrived.platform.frame_origins),
        "return_url": said.return_url,
        "document_target": said.document_target,
        "locale": said.person.locale,
        **going.data,
    }


def _deployment(tool: LtiTool, platform: KnownPlatform, deployment_id: str) -> PlatformDeployment:
    found = platform.deployments.get(deployment_id)
    if found is None:
        # It may have been added since the platform was last read; the token is genuine, so look.
        again = tool.platforms.get(platform.id, fresh=True)
        found = again.deployments.get(deployment_id) if again else None
        if found is None and again is not None:
            raise RefusedError("deployment_unknown", again.held.get(deployment_id, ""))
    if found is None:
        raise RefusedError("deployment_unknown")
    return found


def _target(tool: LtiTool, said: LaunchClaims) -> Target:
    """What the link opens: its address says, or where that is the bare tool, its parameter.

    Messages of other types lead to a page of their own, whatever the address.
    """
    if said.message != names.RESOURCE_LINK_REQUEST:
        if not tool.targets.answers(said.message):
            raise RefusedError("claims_invalid", "message_type")
        return Target(said.message)
    named = tool.targets.of_uri(said.target_link_uri, tool.runtime.config.base_url)
    if named is not None:
        return named
    return tool.targets.parse(said.custom.get(names.CUSTOM_TARGET, HOME))
