"""Badges of a stranger, and the network that they are verified over, as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from badges.openbadges import (
    Achievement,
    AchievementCredential,
    AchievementSubject,
    BitstringStatusListEntry,
    Criteria,
    IdentityObject,
    Profile,
    StatusList,
    status_list_document,
)
from core.http import FetchError, Response
from tests.support.ob3 import TestSigner, sign

HOME = "https://partner.example"
PARTNER = "did:web:partner.example"
DID = f"{HOME}/.well-known/did.json"
STATUS = f"{HOME}/status/1"
ACHIEVEMENT = f"{HOME}/achievements/listening"
BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SIGNER = TestSigner("partner", PARTNER)


def badge(
    number: int = 1,
    *,
    email: str | None = "wren@alder-valley.example",
    achievement: str = ACHIEVEMENT,
    valid_until: datetime | None = None,
) -> dict[str, Any]:
    """A signed badge of the partner's, revocable, for the holder of `email`."""
    identifiers = [IdentityObject.hashed_email(email, salt=f"salt-{number}")] if email else []
    return sign(
        AchievementCredential(
            id=f"{HOME}/credentials/{number}",
            name="Listening",
            issuer=Profile(id=PARTNER, name="Partner Institute"),
            valid_from=BEGAN,
            valid_until=valid_until,
            credential_subject=AchievementSubject(
                id=f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
                identifier=identifiers,
                achievement=Achievement(
                    id=achievement,
                    name="Listening",
                    description="Listens so that pupils go on talking.",
                    criteria=Criteria(narrative="Two recorded lessons."),
                ),
            ),
            credential_status=BitstringStatusListEntry(
                id=f"{STATUS}#{number}",
                status_list_credential=STATUS,
                status_list_index=str(number),
            ),
        ).to_document(),
        SIGNER,
    )


class Network:
    """What can be fetched, by address; everything else is out of reach."""

    def __init__(self, answers: Mapping[str, object] | None = None) -> None:
        self.revoked: set[int] = set()
        self.down = False
        self.asked: list[str] = []
        self.pages: dict[str, object] = dict(answers or {})

    def get(self, url: str, **_options: Any) -> Response:
        """As `core.http.HttpClient.get`."""
        self.asked.append(url)
        found = None if self.down else self._pages().get(url)
        if found is None:
            raise FetchError("unreachable", "It could not be reached.")
        body = json.dumps(found).encode()
        return Response(200, {"content-type": "application/json"}, body, url)

    def _pages(self) -> dict[str, object]:
        bits = StatusList()
        for index in self.revoked:
            bits[index] = True
        listed = status_list_document(
            bits, url=STATUS, issuer=PARTNER, valid_from=BEGAN - timedelta(days=1)
        )
        return {DID: SIGNER.controller(), STATUS: sign(listed, SIGNER), **self.pages}
