"""A district with a badge, and a union whose issuer endorses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from badges.achievements import service as achievements
from badges.achievements.models import Issuer
from badges.endorsements import service, targets
from badges.endorsements.models import Endorsement
from badges.endorsements.signing import sign_endorsement
from badges.endorsements.targets import Target
from badges.openbadges import Report, verify
from badges.public.own_documents import OwnDocuments
from badges.public.verification import GuardedResolver
from core.identity import Organisation, create_organisation
from core.runtime import Runtime
from tests.support.badges import NOW, District, make_district

LATER = NOW + timedelta(hours=3)


@dataclass
class Union:
    """The endorsing side, and short ways to what the tests do."""

    district: District
    organisation: Organisation
    issuer: Issuer

    @property
    def runtime(self) -> Runtime:
        return self.district.runtime

    def target(self, address: str) -> Target:
        with self.runtime.database.snapshot() as session:
            return targets.find(session, address, self.district.badge_url)

    def endorse(self, target: Target, *, sign: bool = True, **changes: Any) -> Endorsement:
        """Endorse, shown at once unless told otherwise, and sign."""
        values: dict[str, Any] = {
            "shown": True, "actor_id": None, "badge_url": self.district.badge_url, "now": LATER,
        }  # fmt: skip
        values |= changes
        comment = values.pop("comment", "We looked closely, and found it sound.")
        with self.runtime.database.transaction(self.organisation.scope) as session:
            made = service.endorse(session, self.issuer, target, comment, **values)
        if sign:
            sign_endorsement(self.runtime, self.district.ring, made.id)
        return made

    def verified(self, data: str, now: datetime = LATER) -> Report:
        """What our own verifier says, with all that is published here."""
        resolver = GuardedResolver(OwnDocuments(self.runtime, self.district.ring))
        return verify(data, resolver=resolver, now=now)

    def revoke(self, made: Endorsement, now: datetime = LATER) -> None:
        with self.runtime.database.transaction(self.organisation.scope) as session:
            service.revoke(
                session, made.id, "It was changed since.", actor_id=None,
                badge_url=self.district.badge_url, now=now,
            )  # fmt: skip


@pytest.fixture
def district(runtime: Runtime) -> District:
    return make_district(runtime)


@pytest.fixture
def union(district: District) -> Union:
    with district.runtime.database.transaction() as session:
        organisation = create_organisation(session, name="Teachers’ Union", slug="union")
        issuer = achievements.create_issuer(
            session, organisation, ring=district.ring, slug="union", name="Teachers’ Union",
            badge_url=district.badge_url, now=NOW,
        )  # fmt: skip
    return Union(district, organisation, issuer)
