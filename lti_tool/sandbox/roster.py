"""The roster of a course (Names and Role Provisioning Services 2.0)."""

from collections.abc import Mapping, Sequence
from typing import Any

from lti_tool.sandbox.links import ResourceLink
from lti_tool.sandbox.people import PEOPLE, Course, SandboxPerson
from lti_tool.sandbox.vocabulary import CLAIM, MEMBERSHIP, RESOURCE_LINK_REQUEST


def personal_data(person: SandboxPerson, link: ResourceLink | None) -> dict[str, str]:
    """The names and the address that a link may share; without a link, all of them."""
    data: dict[str, str] = {}
    if link is None or link.share_name:
        data |= {
            "name": person.name,
            "given_name": person.given_name,
            "family_name": person.family_name,
        }
    if link is None or link.share_email:
        data["email"] = person.email
    return data


def enrolled(course: Course, role: str | None) -> Sequence[SandboxPerson]:
    """The people enrolled in a course, perhaps in one role only.

    Args:
        course: the course.
        role: a role in full or in short (``Learner``), or None for everybody.
    """
    wanted = role if role is None or ":" in role else f"{MEMBERSHIP}{role}"
    return [
        person
        for person in PEOPLE.values()
        if person.id in course.roles and wanted in (None, course.roles[person.id])
    ]


def member(
    course: Course,
    person: SandboxPerson,
    link: ResourceLink | None,
    custom: Mapping[str, str],
) -> dict[str, Any]:
    """One member, with the message section where a resource link was named (section 3)."""
    entry: dict[str, Any] = {
        "user_id": person.id,
        "status": "Active",
        "roles": [course.roles[person.id]],
        "lis_person_sourcedid": person.sourcedid,
        **personal_data(person, link),
    }
    if link is not None:
        entry["message"] = [
            {
                f"{CLAIM}message_type": RESOURCE_LINK_REQUEST,
                f"{CLAIM}custom": dict(custom),
            }
        ]
    return entry
