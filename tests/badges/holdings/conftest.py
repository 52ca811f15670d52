"""A district whose learner brings badges from elsewhere, over a network that is a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from badges.holdings import accepting, importing
from badges.holdings.importing import Brought
from badges.holdings.jobs import check_due, weigh_issuer
from badges.holdings.models import AcceptedIssuer, ImportedBadge
from badges.pathways.facts import BadgeFact
from badges.pathways.ledger import facts_of
from badges.public.reading import read_badge
from badges.public.verification import verify_document
from core.identity import Organisation, Person
from core.runtime import Runtime
from core.scope import unscoped
from tests.support.badges import NOW, District, make_district
from tests.support.elsewhere import PARTNER, Network, badge


@dataclass
class Elsewhere:
    """The district, its network, and the short way to do what the tests do."""

    district: District
    network: Network
    now: datetime = NOW
    lead: Person = field(init=False)

    def __post_init__(self) -> None:
        self.runtime = self.district.runtime
        self.lead = self.district.learner

    def later(self, days: int) -> datetime:
        """Let time pass."""
        self.now += timedelta(days=days)
        return self.now

    def bring(
        self, document: dict[str, Any] | None = None, person: Person | None = None
    ) -> ImportedBadge:
        """Verify a badge and keep it for `person` (the learner)."""
        import json

        text = json.dumps(document or badge())
        report = verify_document(self.runtime, text)
        assert report.credential is not None
        with self.runtime.database.transaction() as session:
            return importing.hold(
                session,
                (person or self.district.learner).id,
                Brought(text, "text"),
                report,
                read_badge(report.credential),
                badge_url=self.district.badge_url,
                now=self.now,
            )

    def accept(self, issuer: str = PARTNER, **more: Any) -> AcceptedIssuer:
        """Put an issuer on the district's list, and weigh what was brought."""
        with self.runtime.database.transaction(self.district.organisation.scope) as session:
            organisation = session.get_one(Organisation, self.district.organisation.id)
            row = accepting.accept(
                session, organisation, issuer=issuer, name=more.pop("name", "Partner"),
                actor_id=self.lead.id, now=self.now, **more,
            )  # fmt: skip
        weigh_issuer(self.runtime, row.id)
        return row

    def end(self, row: AcceptedIssuer) -> None:
        """Take a line off the list, and weigh what was brought."""
        with self.runtime.database.transaction(self.district.organisation.scope) as session:
            accepting.end(session, row.id, self.lead.id, self.now)
        weigh_issuer(self.runtime, row.id)

    def check(self) -> int:
        """Check what is due."""
        return check_due(self.runtime, verify_document)

    def stored(self, row: ImportedBadge) -> ImportedBadge:
        """The row as it is now."""
        with self.runtime.database.snapshot() as session, unscoped(session, "test"):
            return session.get_one(ImportedBadge, row.id)

    def facts(self) -> list[BadgeFact]:
        """The learner's facts of brought badges, oldest first."""
        with self.runtime.database.snapshot() as session:
            found = facts_of(session, self.district.learner.id)
        facts = [one for one in found if isinstance(one, BadgeFact) and one.source == "imported"]
        return sorted(facts, key=lambda one: (one.source_id, one.revision))


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest) -> Elsewhere:
    """On SQLite, or on both databases where a test asks for it."""
    runtime: Runtime = request.getfixturevalue(getattr(request, "param", "runtime"))
    network = Network()
    runtime.http = network  # type: ignore[assignment]
    found = Elsewhere(make_district(runtime), network)
    clock: Callable[[], datetime] = lambda: found.now  # noqa: E731 - it follows the tests' time
    runtime.clock = clock
    return found
