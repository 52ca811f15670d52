"""What we ask an LMS for: addresses, services, claims, and the places where we may stand. Pure.

IMS LTI Dynamic Registration 1.0, section 3.5 (client metadata, lti-tool-configuration); Canvas'
extensions of it. The same facts make the document for Canvas' "by URL" method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lti_tool.lti import names
from lti_tool.lti.registering.discovery import CANVAS, Message, PlatformConfiguration

TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
RESOURCE_LINK = names.RESOURCE_LINK_REQUEST
DEEP_LINKING = names.DEEP_LINKING_REQUEST
# Moodle grants line items for reading only where they are asked for by name.
SCOPES = (
    names.SCOPE_LINE_ITEM,
    names.SCOPE_LINE_ITEM_READ,
    names.SCOPE_RESULT,
    names.SCOPE_SCORE,
    names.SCOPE_MEMBERSHIPS,
)
# What a copied course or activity was before; left as written by an LMS that does not know it.
VARIABLES = {
    names.CUSTOM_LINK_HISTORY: names.LINK_HISTORY_VARIABLE,
    names.CUSTOM_CONTEXT_HISTORY: names.CONTEXT_HISTORY_VARIABLE,
}
CANVAS_PRIVACY = {
    "full": "public",
    "name": "name_only",
    "email": "email_only",
    "pseudonymous": "anonymous",
}
_ALWAYS = ("iss", "sub")
_NAMES = ("name", "given_name", "family_name")


@dataclass(frozen=True)
class Placement:
    """A place in Canvas: its name there, the message it sends, who sees it."""

    name: str
    message: str
    visibility: str | None = None


PLACEMENTS = (
    Placement("course_navigation", RESOURCE_LINK, "members"),
    Placement("account_navigation", RESOURCE_LINK, "admins"),
    Placement("link_selection", DEEP_LINKING),
    Placement("assignment_selection", DEEP_LINKING),
)
_STANDARD = {DEEP_LINKING: ("ContentArea",)}


@dataclass(frozen=True)
class Tool:
    """What is said of us. `description` and `choose` are in the administrator's language."""

    base_url: str
    icon_url: str
    description: str
    choose: str
    name: str = "Milepost"

    @property
    def domain(self) -> str:
        """Host and port, as Moodle compares them with `target_link_uri`."""
        return urlsplit(self.base_url).netloc

    @property
    def home(self) -> str:
        """The page for whoever comes."""
        return f"{self.base_url}/to/home"

    @property
    def login(self) -> str:
        """Where launches begin."""
        return f"{self.base_url}/lti/login"

    @property
    def launch(self) -> str:
        """Where launches end; the only redirect address, and where something is chosen."""
        return f"{self.base_url}/lti/launch"

    @property
    def keys(self) -> str:
        """Our public keys."""
        return f"{self.base_url}/.well-known/jwks.json"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address of ours that an LMS gets to know."""
        return self.home, self.login, self.launch, self.keys

    def target_of(self, message: str) -> str:
        """The address that a message of that type is for."""
        return self.home if message == RESOURCE_LINK else self.launch

    def label_of(self, message: str) -> str:
        """What the LMS writes beside it."""
        return self.choose if message == DEEP_LINKING else self.name


def claims_for(privacy_level: str) -> tuple[str, ...]:
    """The claims that a level of privacy lets us ask for."""
    asked = list(_ALWAYS)
    if privacy_level in {"full", "name"}:
        asked += _NAMES
    if privacy_level in {"full", "email"}:
        asked.append("email")
    return (*asked, "locale", "zoneinfo")


def registration(tool: Tool, platform: PlatformConfiguration, privacy_level: str) -> dict[str, Any]:
    """The document to post: client metadata, with what `platform` offers of what we want."""
    scopes = [one for one in SCOPES if platform.scopes is None or one in platform.scopes]
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["client_credentials", "implicit"],
        "initiate_login_uri": tool.login,
        "redirect_uris": [tool.launch],
        "client_name": tool.name,
        "client_uri": tool.base_url,
        "logo_uri": tool.icon_url,
        "jwks_uri": tool.keys,
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(scopes),
        TOOL_CONFIGURATION: _tool_configuration(tool, platform, privacy_level),
    }


def _tool_configuration(
    tool: Tool, platform: PlatformConfiguration, privacy_level: str
) -> dict[str, Any]:
    known = platform.claims
    claims = [
        one for one in claims_for(privacy_level) if known is None or one in known or one in _ALWAYS
    ]
    found: dict[str, Any] = {
        "domain": tool.domain,
        "description": tool.description,
        "target_link_uri": tool.home,
        "custom_parameters": custom_parameters(platform.variables),
        "claims": claims,
        "messages": messages(tool, platform),
    }
    if platform.is_canvas:
        found[f"{CANVAS}privacy_level"] = CANVAS_PRIVACY[privacy_level]
        found[f"{CANVAS}vendor"] = tool.name
    return found


def custom_parameters(known: frozenset[str] | None = None) -> dict[str, str]:
    """The variables that we want filled in; `known` are those the LMS has, None if it said none."""
    return {
        name: variable
        for name, variable in VARIABLES.items()
        if known is None or {variable, variable.removeprefix("$")} & known
    }


def messages(tool: Tool, platform: PlatformConfiguration) -> list[dict[str, Any]]:
    """Each message we take, with its placements as the platform writes them."""
    offered = {one.type: one for one in platform.messages or ()}
    types = [RESOURCE_LINK]
    if platform.messages is None or DEEP_LINKING in offered:
        types.append(DEEP_LINKING)
    others = (names.SUBMISSION_REVIEW_REQUEST, names.DATA_PRIVACY_REQUEST)
    types += [one for one in others if one in offered]
    found: list[dict[str, Any]] = []
    for kind in types:
        if platform.is_canvas and kind in (RESOURCE_LINK, DEEP_LINKING):
            found += _in_canvas(tool, kind, offered.get(kind))
            continue
        message = _message(tool, kind)
        listed = offered[kind].placements if kind in offered else ()
        placements = [one for one in _STANDARD.get(kind, ()) if one in listed]
        found.append({**message, "placements": placements} if placements else message)
    return found


def _message(tool: Tool, kind: str) -> dict[str, Any]:
    return {"type": kind, "target_link_uri": tool.target_of(kind), "label": tool.label_of(kind)}


def _in_canvas(tool: Tool, kind: str, offered: Message | None) -> list[dict[str, Any]]:
    """One entry a placement: Canvas' settings of a placement stand beside its message."""
    found = []
    for place in PLACEMENTS:
        name = _name_in_canvas(place.name, offered)
        if place.message != kind or name is None:
            continue
        entry = {**_message(tool, kind), "icon_uri": tool.icon_url, "placements": [name]}
        if place.visibility:
            entry[f"{CANVAS}visibility"] = place.visibility
        if place.name == "course_navigation":
            entry[f"{CANVAS}course_navigation/default_enabled"] = True
        found.append(entry)
    return found


def _name_in_canvas(name: str, offered: Message | None) -> str | None:
    """The placement as this Canvas writes it, with its prefix or without; None if it has none."""
    if offered is None or not offered.placements:
        return name
    for written in (name, f"{CANVAS}{name}"):
        if written in offered.placements:
            return written
    return None


def canvas_document(tool: Tool, privacy_level: str = "full") -> dict[str, Any]:
    """The developer key's configuration that Canvas reads from an address ("Enter URL")."""
    return {
        "title": tool.name,
        "description": tool.description,
        "oidc_initiation_url": tool.login,
        "target_link_uri": tool.home,
        "redirect_uris": [tool.launch],
        "scopes": list(SCOPES),
        "extensions": [
            {
                "domain": tool.domain,
                "tool_id": "milepost",
                "platform": "canvas.instructure.com",
                "privacy_level": CANVAS_PRIVACY[privacy_level],
                "settings": {
                    "text": tool.name,
                    "icon_url": tool.icon_url,
                    "placements": [_canvas_placement(tool, place) for place in PLACEMENTS],
                },
            }
        ],
        "public_jwk_url": tool.keys,
        "custom_fields": custom_parameters(),
    }


def _canvas_placement(tool: Tool, place: Placement) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "placement": place.name,
        "message_type": place.message,
        "target_link_uri": tool.target_of(place.message),
        "text": tool.label_of(place.message),
        "icon_url": tool.icon_url,
        "enabled": True,
    }
    if place.visibility:
        found["visibility"] = place.visibility
    if place.name == "course_navigation":
        found["default"] = "enabled"
    return found
