"""The claims of a resource link launch (LTI 1.3 Core, section 5.3 and appendix A)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lti_tool.sandbox.addresses import Addresses
from lti_tool.sandbox.config import SandboxConfig
from lti_tool.sandbox.line_items import LineItem
from lti_tool.sandbox.links import ResourceLink
from lti_tool.sandbox.people import Course, SandboxPerson
from lti_tool.sandbox.roster import personal_data
from lti_tool.sandbox.vocabulary import (
    AGS_CLAIM,
    AGS_SCOPES,
    CLAIM,
    COURSE_SECTION,
    LTI_VERSION,
    NRPS_CLAIM,
    RESOURCE_LINK_REQUEST,
)

TOKEN_LIVES_SECONDS = 60
FRAME_WIDTH = 965
FRAME_HEIGHT = 650
PLATFORM_NAME = "Alder Valley practice LMS"
PRODUCT_FAMILY = "practice-lms"
PLATFORM_VERSION = "1"

TARGET_FRAME = "iframe"
TARGET_WINDOW = "window"
TARGETS = (TARGET_FRAME, TARGET_WINDOW)


@dataclass(frozen=True)
class Launch:
    """Who opens what, and where it is shown (``iframe`` or ``window``)."""

    person: SandboxPerson
    course: Course
    link: ResourceLink
    line_item: LineItem | None
    target: str


def substituted(person: SandboxPerson, course: Course, link: ResourceLink) -> dict[str, str]:
    """The link's custom parameters; variables that we do not know stay as they are written."""
    shared = personal_data(person, link)
    variables = {
        "$User.id": person.id,
        "$Person.sourcedId": person.sourcedid,
        "$Context.id": course.id,
        "$Context.title": course.title,
        "$Context.label": course.label,
        "$CourseSection.sourcedId": course.sourcedid,
        "$ResourceLink.id": link.id,
        "$ResourceLink.title": link.title,
        "$ResourceLink.description": link.description,
        "$ResourceLink.id.history": link.copied_from or None,
        "$Context.id.history": course.copy_of or None,
        "$Membership.role": ",".join(course.roles_of(person)),
        "$Person.name.full": shared.get("name"),
        "$Person.name.given": shared.get("given_name"),
        "$Person.name.family": shared.get("family_name"),
        "$Person.email.primary": shared.get("email"),
    }
    known = {name: value for name, value in variables.items() if value is not None}
    return {name: known.get(value, value) for name, value in link.custom.items()}


def build(config: SandboxConfig, launch: Launch, nonce: str, now: datetime) -> dict[str, Any]:
    """Every claim of the id_token.

    Args:
        config: the settings, for issuer, client and deployment.
        launch: who opens what.
        nonce: the authorization request's nonce.
        now: the moment of issue; the token lives 60 seconds.
    """
    issued_at = int(now.timestamp())
    return {
        "iss": config.issuer,
        "sub": launch.person.id,
        "aud": config.client_id,
        "azp": config.client_id,
        "iat": issued_at,
        "exp": issued_at + TOKEN_LIVES_SECONDS,
        "nonce": nonce,
        "locale": launch.person.locale,
        **personal_data(launch.person, launch.link),
        f"{CLAIM}message_type": RESOURCE_LINK_REQUEST,
        f"{CLAIM}version": LTI_VERSION,
        f"{CLAIM}deployment_id": config.deployment_id,
        f"{CLAIM}target_link_uri": launch.link.target_link_uri,
        f"{CLAIM}roles": launch.course.roles_of(launch.person),
        f"{CLAIM}tool_platform": platform_claim(config),
        **_place(config, launch),
        **_services(config, launch),
    }


def platform_claim(config: SandboxConfig) -> dict[str, str]:
    """What the tool is told of the LMS itself."""
    return {
        "guid": str(uuid.uuid5(uuid.NAMESPACE_URL, config.issuer)),
        "name": PLATFORM_NAME,
        "description": "A small LMS to practise with. Everybody in it is made up.",
        "url": config.base_url,
        "product_family_code": PRODUCT_FAMILY,
        "version": PLATFORM_VERSION,
    }


def _place(config: SandboxConfig, launch: Launch) -> dict[str, Any]:
    """The claims about the activity, the course and the page around the tool."""
    link, course = launch.link, launch.course
    presentation: dict[str, Any] = {
        "document_target": launch.target,
        "return_url": Addresses(config.base_url).return_page(link.id),
        "locale": launch.person.locale,
    }
    if launch.target == TARGET_FRAME:
        presentation |= {"width": FRAME_WIDTH, "height": FRAME_HEIGHT}
    return {
        f"{CLAIM}resource_link": {
            "id": link.id,
            "title": link.title,
            "description": link.description,
        },
        f"{CLAIM}context": {
            "id": course.id,
            "label": course.label,
            "title": course.title,
            "type": [COURSE_SECTION],
        },
        f"{CLAIM}launch_presentation": presentation,
        f"{CLAIM}custom": substituted(launch.person, course, link),
        f"{CLAIM}lis": {
            "person_sourcedid": launch.person.sourcedid,
            "course_section_sourcedid": course.sourcedid,
        },
    }


def _services(config: SandboxConfig, launch: Launch) -> Mapping[str, Any]:
    """The claims that say where grades and rosters are (AGS 2.0, 3.1; NRPS 2.0, 3.6.1.1)."""
    addresses = Addresses(config.base_url)
    endpoint: dict[str, Any] = {
        "scope": list(AGS_SCOPES),
        "lineitems": addresses.line_items(launch.course.id),
    }
    if launch.line_item is not None:
        endpoint["lineitem"] = addresses.line_item(launch.course.id, launch.line_item.id)
    return {
        AGS_CLAIM: endpoint,
        NRPS_CLAIM: {
            "context_memberships_url": addresses.memberships(launch.course.id),
            "service_versions": ["2.0"],
        },
    }
