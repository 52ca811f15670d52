"""Schoology: one issuer for every district, rosters in pages of 100."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tests.support.platforms.base import ScriptedPlatform

ISSUER = "https://schoology.schoology.com"
_SERVICE = "/lti-service"


@dataclass
class SchoologyPlatform(ScriptedPlatform):
    """A Schoology district; `issuer` is Schoology's own, its addresses are this machine's."""

    family: ClassVar[str] = "schoology"
    page_size: ClassVar[int] = 100
    paths: ClassVar[dict[str, str]] = {
        "login": f"{_SERVICE}/authorize-redirect",
        "token": f"{_SERVICE}/access-token",
        "jwks": f"{_SERVICE}/.well-known/jwks",
        "items": f"{_SERVICE}/tool/1/services/gradebook/lineitems",
        "item": f"{_SERVICE}/tool/1/services/gradebook/lineitems/{{n}}",
        "members": f"{_SERVICE}/tool/1/services/names-roles/memberships",
    }
