"""People who were offered badges: they accept them, and take each as a picture once it is signed.

`python -m tests.bench.holders SHARE OF`: a process that plays every OF-th person. It calls what the
pages call, without the pages; the answers of many people go into one transaction. It says “ready”,
is told how many badges will be its people's, and says “done” once all are there.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

import lti_tool.models  # noqa: F401 - every table is known before the first query
from badges.achievements.images import ImageStore
from badges.awards import service as awards
from badges.awards.accepting import Answer, accept_all
from badges.awards.models import Award, Credential
from badges.public.pictures import badge_png
from core.config import Config
from core.runtime import Runtime
from core.scope import unscoped

AT_ONCE = 50
LATE = timedelta(seconds=10)  # what was signed before something else may be stored after it
NAME = "Wren Samplewood"
PATIENCE_SECONDS = 300.0
_REASON = "a benchmark plays everybody"


class Holders:
    """Every `of`-th person of an installation on PostgreSQL."""

    def __init__(self, runtime: Runtime, share: int, of: int) -> None:
        self.runtime = runtime
        self.images = ImageStore(runtime.config.home / "holders" / str(share))
        self._mine: Callable[[Any], Any] = lambda person: (
            func.abs(func.hashtext(func.text(person))) % of == share
        )
        self.taken: set[uuid.UUID] = set()
        self._since = runtime.now()

    def accept(self) -> int:
        """Accept some offers; returns how many."""
        with self.runtime.database.transaction() as session, unscoped(session, _REASON):
            offered = session.execute(
                select(Award.id, Award.person_id)
                .where(Award.state == "offered", self._mine(Award.person_id))
                .limit(AT_ONCE)
            ).all()
            if offered:
                answers = [Answer(award, person, NAME) for award, person in offered]
                badge_url, now = self.runtime.config.badge_url, self.runtime.now()
                accept_all(session, answers, badge_url=badge_url, now=now)
        return len(offered)

    def draw(self) -> int:
        """Take pictures of some badges that were signed; returns how many."""
        with self.runtime.database.snapshot() as session, unscoped(session, _REASON):
            signed: Any = session.execute(
                select(Credential.id, Credential.person_id, Credential.signed_at).where(
                    Credential.state == "signed",
                    Credential.signed_at > self._since - LATE,
                    self._mine(Credential.person_id),
                )
            ).all()
        fresh = [row for row in signed if row.id not in self.taken]
        for credential_id, person_id, signed_at in fresh:
            self._since = max(self._since, signed_at)
            with self.runtime.database.snapshot() as session:
                whole = awards.own_credential(session, credential_id, person_id)
            badge_png(self.images, whole)
            self.taken.add(credential_id)
        return len(fresh)


def main(share: int, of: int) -> int:
    """Play until every badge of this process's people is there."""
    runtime = Runtime.from_config(Config.from_env())
    found = Holders(runtime, share, of)
    _say("ready")
    wanted, ends = int(sys.stdin.readline()), time.monotonic() + PATIENCE_SECONDS
    while len(found.taken) < wanted:
        if time.monotonic() > ends:
            return 1
        if not found.accept() + found.draw():
            time.sleep(0.02)
    _say("done")
    runtime.close()
    return 0


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:3])))
