"""What a verified launch says, in our own types; absent where a platform left it out.

LTI 1.3 Core, sections 5.3 and 5.4; OpenID Connect Core 1.0, section 5.1; AGS 2.0, section 3.1;
Deep Linking 2.0, section 4.4.1; Submission Review 1.0, section 3.
Names and addresses are optional. A variable that the platform did not replace (`$Person.name.full`)
counts as absent, as do null and empty values. Nothing is unescaped; pages escape what they show.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lti_tool.lti import names
from lti_tool.lti.families import is_web_address, origin_allowed
from lti_tool.lti.rules import RefusedError

_VARIABLE = re.compile(r"\$[A-Za-z][\w.]*")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_ZONE = re.compile(r"[A-Za-z_]+(?:/[A-Za-z0-9_+\-]+){0,2}")
LONGEST_URL = 2000
LONGEST_WORD = 255
MOST_WORDS = 50
MOST_HISTORY = 20

# What is kept of names and addresses, by the level that an administrator chose for the platform.
PRIVACY = {
    "full": frozenset({"name", "email"}),
    "name": frozenset({"name"}),
    "email": frozenset({"email"}),
    "pseudonymous": frozenset[str](),
}


@dataclass(frozen=True)
class PersonClaims:
    """Who launches; `sub` is None for an anonymous launch."""

    sub: str | None
    name: str | None
    given_name: str | None
    email: str | None
    locale: str | None
    timezone: str | None


@dataclass(frozen=True)
class ContextClaims:
    """The course."""

    id: str
    title: str | None
    label: str | None


@dataclass(frozen=True)
class GradeClaims:
    """Where grades go, and what the platform lets us do there."""

    line_item: str | None
    line_items: str | None
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class DeepLinkSettings:
    """What the platform accepts from the picker, and where it goes (Deep Linking 2.0, 4.4.1).

    `line_items` is None where the platform does not say. `has_data` tells data that is null from
    none at all.
    """

    return_url: str
    types: tuple[str, ...]
    targets: tuple[str, ...]
    multiple: bool
    line_items: bool | None
    has_data: bool
    data: Any


@dataclass(frozen=True)
class LaunchClaims:
    """A launch, of whichever message type.

    `item_id` names the deep-linked item that the link was made from; the histories are the
    platform's ids of the links and courses that it was copied from. `for_user` is the platform's
    id of the person whose work or data it is about.
    """

    message: str
    person: PersonClaims
    roles: tuple[str, ...]
    context: ContextClaims | None
    link_id: str | None
    link_title: str | None
    grades: GradeClaims
    roster_url: str | None
    target_link_uri: str
    custom: Mapping[str, str]
    return_url: str | None
    document_target: str | None
    item_id: uuid.UUID | None = None
    link_history: tuple[str, ...] = field(default=())
    context_history: tuple[str, ...] = field(default=())
    for_user: str | None = None
    deep_linking: DeepLinkSettings | None = None


def read(
    claims: Mapping[str, Any], frame_origins: tuple[str, ...], privacy_level: str = "full"
) -> LaunchClaims:
    """The launch in claims that `rules.check_claims` has let through.

    `frame_origins` are the platform's: a way back to anywhere else is refused. What is above
    `privacy_level` is left out, as if it had not been sent. Raises RefusedError for a return
    address that is no safe web address.
    """
    message = claims[names.MESSAGE_TYPE]
    link = _object(claims.get(names.RESOURCE_LINK))
    shown = _object(claims.get(names.LAUNCH_PRESENTATION))
    custom = {
        key: value
        for key, value in _object(claims.get(names.CUSTOM)).items()
        if _is_text(value) and not _VARIABLE.fullmatch(value)
    }
    context = claims.get(names.CONTEXT)
    return LaunchClaims(
        message=message,
        person=_person(claims, shown, PRIVACY.get(privacy_level, PRIVACY["pseudonymous"])),
        roles=_words(claims[names.ROLES]),
        context=ContextClaims(
            context["id"], text(context.get("title"), 500), text(context.get("label"), 255)
        )
        if context
        else None,
        link_id=link.get("id"),
        link_title=text(link.get("title"), 500),
        grades=_grades(_object(claims.get(names.AGS_ENDPOINT))),
        roster_url=_service_url(
            _object(claims.get(names.NRPS_CLAIM)).get("context_memberships_url")
        ),
        target_link_uri=claims[names.TARGET_LINK_URI],
        custom=custom,
        return_url=_return_url(shown.get("return_url"), frame_origins),
        document_target=text(shown.get("document_target"), 20),
        item_id=_uuid(custom.get(names.CUSTOM_ITEM)),
        link_history=_history(custom.get(names.CUSTOM_LINK_HISTORY)),
        context_history=_history(custom.get(names.CUSTOM_CONTEXT_HISTORY)),
        for_user=_object(claims.get(names.FOR_USER)).get("user_id"),
        deep_linking=_deep_linking(claims[names.DEEP_LINKING_SETTINGS])
        if message == names.DEEP_LINKING_REQUEST
        else None,
    )


def text(value: Any, longest: int) -> str | None:
    """`value` as a line of text of at most `longest` characters; None where it says nothing."""
    if not _is_text(value):
        return None
    plain = value[: longest * 2]
    if not plain.isprintable():
        plain = "".join(char if char.isprintable() else " " for char in plain)
    plain = " ".join(plain.split())[:longest].strip()
    return None if not plain or _VARIABLE.fullmatch(plain) else plain


def person_of(entry: Mapping[str, Any], privacy_level: str) -> PersonClaims:
    """A person by the members that a roster shares with a launch (NRPS 2.0, 2.2), kept alike."""
    return _person(entry, {}, PRIVACY.get(privacy_level, PRIVACY["pseudonymous"]))


def safe_return_url(claims: Mapping[str, Any], frame_origins: tuple[str, ...]) -> str | None:
    """The way back in claims whose signature holds, but which may be odd otherwise."""
    try:
        shown = _object(claims.get(names.LAUNCH_PRESENTATION))
        return _return_url(shown.get("return_url"), frame_origins)
    except RefusedError:
        return None


def _person(
    claims: Mapping[str, Any], shown: Mapping[str, Any], kept: frozenset[str]
) -> PersonClaims:
    claims = claims if "name" in kept else {**claims, **_NAMELESS}
    given, family = text(claims.get("given_name"), 200), text(claims.get("family_name"), 200)
    whole = text(claims.get("name"), 200)
    together = " ".join(part for part in (given, family) if part)[:200]
    return PersonClaims(
        sub=claims.get("sub") or None,
        name=whole or together or None,
        given_name=given,
        email=_email(claims.get("email")) if "email" in kept else None,
        locale=_matching(claims.get("locale"), _LOCALE, 35)
        or _matching(shown.get("locale"), _LOCALE, 35),
        timezone=_matching(claims.get("zoneinfo"), _ZONE, 64),
    )


_NAMELESS = {"name": None, "given_name": None, "family_name": None}


def _deep_linking(settings: Mapping[str, Any]) -> DeepLinkSettings:
    told = settings.get("accept_lineitem")
    return DeepLinkSettings(
        return_url=settings["deep_link_return_url"],
        types=_words(settings["accept_types"]),
        targets=_words(settings["accept_presentation_document_targets"]),
        multiple=settings.get("accept_multiple") in (True, "true"),
        line_items=None if told is None else told in (True, "true"),
        has_data=settings.get("data") is not None,
        data=settings.get("data"),
    )


def _history(value: str | None) -> tuple[str, ...]:
    """The ids in a history variable, newest first; it may be very long."""
    if not value:
        return ()
    parts = (part.strip() for part in value.split(",")[:MOST_HISTORY])
    return tuple(
        part
        for part in parts
        if part and len(part) <= LONGEST_WORD and part.isprintable() and part[0] != "$"
    )


def _uuid(value: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(value) if value else None
    except ValueError:
        return None


def _grades(endpoint: Mapping[str, Any]) -> GradeClaims:
    scopes = endpoint.get("scope")
    listed = scopes if isinstance(scopes, list) else []
    return GradeClaims(
        line_item=_service_url(endpoint.get("lineitem")),
        line_items=_service_url(endpoint.get("lineitems")),
        scopes=_words(listed),
    )


def _return_url(value: Any, frame_origins: tuple[str, ...]) -> str | None:
    if not _is_text(value) or _VARIABLE.fullmatch(value):
        return None
    if not is_web_address(value, longest=LONGEST_URL):
        raise RefusedError("claims_invalid", "return_url")
    if not origin_allowed(value, list(frame_origins)):
        raise RefusedError("claims_invalid", "return_url_elsewhere")
    found: str = value
    return found


def _service_url(value: Any) -> str | None:
    usable = isinstance(value, str) and is_web_address(value, longest=LONGEST_URL)
    return value if usable else None


def _email(value: Any) -> str | None:
    if not isinstance(value, str) or not 3 <= len(value) <= 254 or not value.isprintable():
        return None
    local, at, domain = value.strip().rpartition("@")
    return value.strip() if at and local and domain and " " not in value.strip() else None


def _matching(value: Any, pattern: re.Pattern[str], longest: int) -> str | None:
    usable = isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value)
    return value if usable else None


def _words(listed: list[Any]) -> tuple[str, ...]:
    """The texts of a list that a database can keep; a list beyond all measure is cut."""
    usable = (one for one in listed[:MOST_WORDS] if isinstance(one, str))
    return tuple(one for one in usable if one.isprintable() and len(one) <= LONGEST_WORD)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""
