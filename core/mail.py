"""Mail by way of the outbox: what it is about is written with the decision, the words at sending.

A row of topic `mail.send` names a kind and identifiers alone. Whoever knows that kind *composes*
the letter when it is sent, in the reader's language, from what the tables say then; None means that
it is no longer wanted. Sent at least once, always under one Message-ID, so that a mail that came
twice is known as one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from core.config import Config
from core.crash import crash_point
from core.delivery import Postman
from core.letters import Letter, address_of, mail_of
from core.outbox import DeliveryError, Job, Registry, publish
from core.postal import Folder
from core.runtime import Runtime
from core.web.i18n import available, best_locale

SEND = "mail.send"
Composer = Callable[[Session, Mapping[str, Any]], Letter | None]


@dataclass
class Composers:
    """Who writes which kind of letter."""

    by_kind: dict[str, Composer] = field(default_factory=dict)

    @classmethod
    def of(cls, runtime: Runtime) -> Composers:
        """The process's own."""
        return runtime.part(cls, lambda _runtime: cls())

    def add(self, kind: str, composer: Composer) -> None:
        """`composer` writes letters of `kind`; it is given a session without a scope."""
        if kind in self.by_kind:
            raise ValueError(f"{kind} is composed already")
        self.by_kind[kind] = composer


def promised(config: Config) -> bool:
    """Whether mail is sent here; where not, no page promises any and no row is written."""
    return config.post is not None


def queue(
    session: Session,
    config: Config,
    kind: str,
    key: str,
    facts: Mapping[str, Any],
    *,
    organisation_id: uuid.UUID | None = None,
) -> bool:
    """Have a letter of `kind` about `facts` (identifiers, no texts) sent once per `kind` and `key`.

    False where it was written before, or where no mail is sent here.
    """
    if not promised(config):
        return False
    payload = {**facts, "kind": kind}
    return publish(session, SEND, f"{kind}:{key}", payload, organisation_id=organisation_id)


def language(config: Config, wanted: str | None) -> str:
    """The locale to write to somebody in: theirs if there is a catalogue, else the house's own."""
    known = available()
    return best_locale(wanted, known) or best_locale(config.default_locale, known) or "en"


def postman(runtime: Runtime) -> Postman | None:
    """The process's postman; None where no mail is sent."""
    if runtime.config.post is None:
        return None
    return runtime.part(Postman, lambda found: Postman(_route(found.config)))


def where_it_goes(sending: Postman) -> str:
    """For an operator: where mail is handed over, without the password."""
    post = sending.post
    if isinstance(post, Folder):
        return f"Mail is kept as files in {post.path}; nobody gets it."
    return f"{post.host}:{post.port} would take mail."


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Send what was written."""
    registry.handle(SEND, lambda job: _send(runtime, job))


def _send(runtime: Runtime, job: Job) -> None:
    kind = str(job.payload.get("kind"))
    composer = Composers.of(runtime).by_kind.get(kind)
    if composer is None:
        raise DeliveryError("Nothing here writes this kind of mail.", permanent=True)
    sending = postman(runtime)
    if sending is None:
        raise DeliveryError("No mail server is set (MILEPOST_SMTP_URL).")
    with runtime.database.snapshot() as session:
        letter = composer(session, job.payload)
    if letter is None:
        return
    config = runtime.config
    host = urlsplit(config.base_url).hostname or "localhost"
    try:
        message = mail_of(
            letter, sender=config.mail_from, host=host, key=job.key, at=job.created_at
        )
    except ValueError:
        raise DeliveryError("This cannot be written as a mail.", permanent=True) from None
    sending.send(message, address_of(config.mail_from), letter.to)
    crash_point("mail-sent-not-recorded", config.environment)


def _route(config: Config) -> Any:
    if config.post is None:
        raise ValueError("no mail is sent here")
    return config.post
