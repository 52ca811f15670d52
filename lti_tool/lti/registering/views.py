"""`/lti/register/<token>`, which an LMS opens for its administrator, and `/lti/canvas.json`.

IMS LTI Dynamic Registration 1.0, section 3.3. There is no session here: the link's secret in the
path is good for one registration, and is what a form's safety mark would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template
from flask import request as http_request
from flask_babel import gettext as _
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.errors import ConflictError, MilepostError
from core.web.assets import asset_url
from lti_tool.lti import parameters
from lti_tool.lti.errors import LtiRefusedError
from lti_tool.lti.registering import discovery, enrolling, links, offer
from lti_tool.lti.registering.enrolling import Registered, Stored
from lti_tool.lti.registering.links import Invitation
from lti_tool.lti.registering.refusals import RegistrationRefusedError, where_to_paste
from lti_tool.lti.registration import PRIVACY_LEVELS
from lti_tool.lti.rules import RefusedError
from lti_tool.lti.tool import LtiTool

EXTENSION = "milepost_registering"
SENT = ("openid_configuration", "registration_token")
CANVAS_SECONDS = 3600

blueprint = Blueprint("registering", __name__)


@dataclass(frozen=True)
class Asked:
    """What the LMS sent along with its administrator."""

    url: str
    token: str

    @property
    def place(self) -> str:
        """The host that is shown to people."""
        return urlsplit(self.url).netloc


def install(app: Flask, tool: LtiTool) -> None:
    """Serve registration links on `app`."""
    app.extensions[EXTENSION] = tool
    app.register_blueprint(blueprint)


def _lti() -> LtiTool:
    found: LtiTool = current_app.extensions[EXTENSION]
    return found


@blueprint.get("/lti/register/<token>")
def confirm(token: str) -> str:
    """Say what will be shared with whom, and ask."""
    tool = _lti()
    with tool.runtime.database.transaction() as session:
        invitation = links.open_link(session, token, tool.runtime.now())
    asked = _asked()
    discovery.check_address(asked.url)
    discovery.check_token(asked.token)
    return render_template(
        "lti/register.html",
        organisation=invitation.organisation.name,
        platform_name=invitation.platform_name,
        choose_privacy=invitation.platform_id is None,
        asked=asked,
        action=http_request.path,
        messages=(offer.RESOURCE_LINK, offer.DEEP_LINKING),
        scopes=offer.SCOPES,
        claims=offer.claims_for(invitation.privacy_level or "full"),
        addresses=_ourselves(tool).addresses,
    )


@blueprint.post("/lti/register/<token>")
def register(token: str) -> str:
    """Ask the LMS how it is reached, tell it about us, and store what it answers."""
    tool = _lti()
    asked, level = _asked(), http_request.form.get("privacy_level", "full")
    discovery.check_address(asked.url)
    discovery.check_token(asked.token)
    with tool.runtime.database.transaction() as session:
        invitation = links.take(session, token, tool.runtime.now())
    level = invitation.privacy_level or (level if level in PRIVACY_LEVELS else "full")
    try:
        platform = discovery.fetch(tool.runtime.http, asked.url, asked.token)
        enrolling.check_invitation(invitation, platform)
        document = offer.registration(_ourselves(tool), platform, level)
        answer = enrolling.enrol(tool.runtime.http, platform, asked.token, document)
    except BaseException as error:
        # Where the LMS cannot have registered us, nothing has happened: the link stays good.
        if not getattr(error, "spent", False):
            with tool.runtime.database.transaction() as session:
                links.give_back(session, invitation.id)
            _offer_again(error, asked, level)
        raise
    stored = _store(tool, invitation, platform, answer, level)
    tool.platforms.forget()
    return render_template(
        "lti/registered.html",
        stored=stored,
        platform=stored.platform,
        organisation=invitation.organisation.name,
        second=invitation.platform_id is not None and not stored.updated,
    )


@blueprint.get("/lti/canvas.json")
def canvas() -> Response:
    """What Canvas reads when a developer key is made by address."""
    response = jsonify(offer.canvas_document(_ourselves(_lti())))
    response.headers["Cache-Control"] = f"public, max-age={CANVAS_SECONDS}"
    response.headers["Vary"] = "Accept-Language"
    return response


def _asked() -> Asked:
    """What the LMS sent, in the address or carried on by our own form."""
    try:
        found = parameters.once((http_request.args, http_request.form), SENT)
        parameters.login_hints(found)
    except RefusedError as error:
        raise LtiRefusedError(error.code, error.reason) from error
    if not found.get("openid_configuration"):
        refused = RegistrationRefusedError("configuration_missing")
        refused.advice = [*refused.advice, *where_to_paste()]
        raise refused
    return Asked(found["openid_configuration"], found.get("registration_token", ""))


def _ourselves(tool: LtiTool) -> offer.Tool:
    base = tool.runtime.config.base_url
    return offer.Tool(
        base_url=base,
        icon_url=f"{base}{asset_url('favicon.svg')}",
        description=_(
            "Teachers show what they practise, colleagues read it, and what is met becomes a badge."
        ),
        choose=_("Choose from Milepost"),
    )


def _store(
    tool: LtiTool,
    invitation: Invitation,
    platform: discovery.PlatformConfiguration,
    answer: Registered,
    level: str,
) -> Stored:
    """Write it down. The LMS has registered us: what cannot be written is told to people."""
    now = tool.runtime.now()
    try:
        with tool.runtime.database.transaction(invitation.organisation.scope) as session:
            return enrolling.store(
                session, invitation, platform, answer, privacy_level=level, now=now
            )
    except (IntegrityError, ConflictError) as error:
        # Another link registered the same LMS in this very moment.
        raise RegistrationRefusedError("platform_exists", spent=True) from error
    except (DBAPIError, MilepostError) as error:
        if isinstance(error, RegistrationRefusedError):
            raise
        raise RegistrationRefusedError(
            "registration_unfinished", spent=True, facts=_by_hand(platform, answer)
        ) from error


def _by_hand(platform: discovery.PlatformConfiguration, answer: Registered) -> dict[str, str]:
    facts = {
        _("Issuer"): platform.issuer,
        _("Client id"): answer.client_id,
        _("Deployment id"): answer.deployment_id or "",
        _("Authorization endpoint"): platform.authorization_endpoint,
        _("Token endpoint"): platform.token_endpoint,
        _("Key set address"): platform.jwks_uri,
    }
    return {name: value for name, value in facts.items() if value}


def _offer_again(error: BaseException, asked: Asked, level: str) -> None:
    """Let the page of a refusal that left everything as it was try again."""
    if isinstance(error, RegistrationRefusedError):
        again = {
            "label": _("Try again"),
            "url": http_request.path,
            "method": "post",
            "fields": {
                "openid_configuration": asked.url,
                "registration_token": asked.token,
                "privacy_level": level,
            },
            "primary": True,
        }
        error.actions.append(again)
