"""Who is in a course, as the platform lists it (Names and Role Provisioning Services 2.0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from core.outbox import DeliveryError
from lti_tool.lti.claims import PersonClaims, person_of
from lti_tool.lti.names import MEMBERSHIPS_TYPE, SCOPE_MEMBERSHIPS
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.quirks import Quirks, quirks_of
from lti_tool.lti.services.addresses import same_origin
from lti_tool.lti.services.connector import Connector
from lti_tool.lti.services.paging import MOST_PAGES, Walk, pages

MOST_MEMBERS: Final = 20_000
MOST_ROLES: Final = 50
LONGEST_WORD: Final = 255
_HERE: Final = "active"
_NAMES: Final = ("name", "given_name", "family_name", "email")


@dataclass(frozen=True)
class Member:
    """A person on the list; `active` is False for whoever is inactive or deleted."""

    user_id: str
    active: bool
    roles: tuple[str, ...]
    person: PersonClaims


@dataclass(frozen=True)
class Roster:
    """A list that was read.

    `complete` is False where it ended early (`stopped` says why): who is missing from it may be in
    the course all the same. `differences_url` tells what changes from now on, where it is offered.
    """

    members: tuple[Member, ...]
    complete: bool
    stopped: str = ""
    differences_url: str | None = None


class NamesAndRoles:
    """Reads rosters. One per process; safe for threads."""

    def __init__(self, connector: Connector, *, most_members: int = MOST_MEMBERS) -> None:
        self._connector = connector
        self._most_members = most_members

    def read(
        self,
        platform: KnownPlatform,
        url: str,
        *,
        role: str | None = None,
        resource_link_id: str | None = None,
        most_pages: int = MOST_PAGES,
    ) -> Roster:
        """The people of the course behind `url`, or the changes where it is a differences address.

        `role` and `resource_link_id` (its `rlid`) narrow the list. Raises DeliveryError.
        """
        quirks = quirks_of(platform.family)
        kept = {"limit": str(quirks.page_size)}
        kept |= {"role": role} if role else {}
        kept |= {"rlid": resource_link_id} if resource_link_id else {}
        walk = Walk(
            platform,
            frozenset({SCOPE_MEMBERSHIPS}),
            url,
            MEMBERSHIPS_TYPE,
            kept=kept,
            most_pages=most_pages,
        )
        found: dict[str, Member] = {}
        for page in pages(self._connector, walk):
            listed = page.get("members") if isinstance(page, dict) else None
            if not isinstance(listed, list):
                raise DeliveryError("The platform's list of people cannot be read.")
            for item in listed:
                member = _member(item, platform.privacy_level, quirks)
                if member is not None:
                    found[member.user_id] = member
            if len(found) > self._most_members:
                walk.stopped = f"The list has more than {self._most_members} people."
                break
        differences = walk.links.get("differences")
        if differences is not None and not same_origin(differences, url):
            differences = None
        members = tuple(found.values())[: self._most_members]
        return Roster(members, walk.complete and not walk.stopped, walk.stopped, differences)


def _member(item: Any, privacy_level: str, quirks: Quirks) -> Member | None:
    """One entry, in our own types; None for one that names nobody."""
    if not isinstance(item, dict):
        return None
    user_id = item.get("user_id")
    if isinstance(user_id, int) and not isinstance(user_id, bool):
        user_id = str(user_id)
    if not isinstance(user_id, str) or not _is_word(user_id):
        return None
    roles, status = item.get("roles"), item.get("status")
    listed = roles[:MOST_ROLES] if isinstance(roles, list) else []
    mended = {
        key: quirks.text(item[key][:2000]) for key in _NAMES if isinstance(item.get(key), str)
    }
    return Member(
        user_id=user_id,
        # Left out where it is Active; some send the whole URI.
        active=not isinstance(status, str) or status.lower().rpartition("#")[2] == _HERE,
        roles=tuple(one for one in listed if _is_word(one)),
        person=person_of({**item, **mended, "sub": user_id}, privacy_level),
    )


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_WORD
