"""The notices in words. Each looks once more whether it still holds when it is sent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.addresses import credential_url
from badges.achievements.service import micro_credential
from badges.awards.models import Award, Credential, CredentialRevision, RenewalRequest
from core import mail
from core.letters import Letter, Link
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.learning.notices import choices
from lti_tool.learning.notices.endorsed import endorsed
from lti_tool.learning.notices.reader import PREFIX, Reader, reader_of

ANSWERED = "renewal.declined"
# Reasons of a version that its holder did not give themselves.
CHANGES = frozenset({"corrected", "renewed", "key"})
_WHY = "the badge that a mail is about, and its holder"


def register(runtime: Runtime) -> None:
    """Say who writes these letters."""
    composers = mail.Composers.of(runtime)
    for kind, composer in _COMPOSERS.items():
        composers.add(
            PREFIX + kind,
            lambda session, facts, made=composer: made(runtime, session, facts),  # type: ignore[misc]
        )
    composers.add(ANSWERED, lambda session, facts: not_renewed(runtime, session, facts))


def offered(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """A badge waits to be accepted; None once it was answered."""
    with unscoped(session, _WHY):
        award = session.get(Award, uuid.UUID(facts["award_id"]))
    if award is None or award.state != "offered":
        return None
    reader = reader_of(runtime, session, award.person_id, choices.OFFERED)
    if reader is None:
        return None
    _, name = reader.say, micro_credential(award.version).name
    return reader.letter(
        _("A badge waits for you: %(name)s", name=name),
        [
            _(
                "Your work has met “%(name)s”, and its badge is ready for you. You see exactly what"
                " it will say before you accept it, and nobody else sees it until you choose.",
                name=name,
            ),
            *reader.way(),
        ],
    )


def issued(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """A badge was signed; None where it was withdrawn meanwhile."""
    credential = _credential(session, facts)
    if credential is None or credential.state != "signed":
        return None
    reader = reader_of(runtime, session, credential.person_id, choices.ISSUED)
    if reader is None:
        return None
    _, name = reader.say, micro_credential(credential.version).name
    body: list[str | Link] = [
        _(
            "Your badge “%(name)s” is signed and yours. Download it and keep a copy: the file holds"
            " its own proof, wherever you go.",
            name=name,
        )
    ]
    if credential.published_at is not None:
        address = credential_url(runtime.config.badge_url, credential.id)
        body.append(Link(_("Open its public page"), address))
    else:
        body.append(_("Only you see it until you publish it."))
    return reader.letter(_("Your badge is ready: %(name)s", name=name), [*body, *reader.way()])


def revoked(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """A badge was withdrawn, and why."""
    credential = _credential(session, facts)
    if credential is None or credential.state != "revoked" or credential.revoked_at is None:
        return None
    reader = reader_of(runtime, session, credential.person_id, choices.REVOKED)
    if reader is None:
        return None
    _, name = reader.say, micro_credential(credential.version).name
    return reader.letter(
        _("Your badge was withdrawn: %(name)s", name=name),
        [
            _(
                "%(issuer)s has withdrawn your badge “%(name)s” on %(date)s. It gave this reason:",
                issuer=credential.issuer.name,
                name=name,
                date=reader.day(credential.revoked_at),
            ),
            "“" + (credential.revocation_reason or "") + "”",
            _(
                "Whoever checks the badge is told so from now on. If you think that this is a"
                " mistake, ask your programme lead or the issuer; your evidence and its reviews are"
                " kept."
            ),
        ],
    )


def changed(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """A badge was corrected, renewed or signed again; None once a later version took its place."""
    with unscoped(session, _WHY):
        row = session.get(CredentialRevision, uuid.UUID(facts["revision_id"]))
        credential = session.get(Credential, row.credential_id) if row else None
    if row is None or credential is None or credential.state != "signed" or row.replaced_at:
        return None
    reader = reader_of(runtime, session, credential.person_id, choices.CHANGED)
    if reader is None:
        return None
    _, name = reader.say, micro_credential(credential.version).name
    subject, *body = _change(reader, row, credential, name)
    return reader.letter(subject, [*body, *reader.way()])


def _change(
    reader: Reader, row: CredentialRevision, credential: Credential, name: str
) -> list[str]:
    """The subject, then what happened and what to do."""
    _, issuer = reader.say, credential.issuer.name
    if row.reason == "renewed" and row.valid_until is not None:
        day = reader.last_day(row.valid_until)
        return [
            _("Your badge is renewed: %(name)s", name=name),
            _("Your badge “%(name)s” is now valid until %(date)s.", name=name, date=day),
            _("Copies that you have given to others end on the day that they name; take a new one"
              " for whoever asks for it later."),
        ]  # fmt: skip
    fresh = _(
        "The address of the badge stays the same. Files and pictures of it that you have saved, and"
        " the badge in a wallet, no longer pass: take a fresh copy."
    )
    if row.reason == "key":
        return [
            _("Your badge was signed again: %(name)s", name=name),
            _("%(issuer)s signs with a new key, because the old one was no longer safe. Your badge"
              " “%(name)s” says what it said before.", issuer=issuer, name=name),
            fresh,
        ]  # fmt: skip
    return [
        _("Your badge was corrected: %(name)s", name=name),
        _(
            "%(issuer)s has corrected your badge “%(name)s”. What was wrong:",
            issuer=issuer,
            name=name,
        ),
        "“" + (row.note or "") + "”",
        fresh,
    ]


def not_renewed(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """A renewal was declined, and what is needed first; None where it was asked again since."""
    with unscoped(session, _WHY):
        row = session.get(RenewalRequest, uuid.UUID(facts["request_id"]))
        credential = session.get(Credential, row.credential_id) if row else None
    if row is None or credential is None or row.state != "declined":
        return None
    reader = reader_of(runtime, session, row.person_id, choices.CHANGED)
    if reader is None:
        return None
    _, name = reader.say, micro_credential(credential.version).name
    return reader.letter(
        _("About the renewal of your badge: %(name)s", name=name),
        [
            _("You asked for your badge “%(name)s” to be renewed. Not yet: your programme lead"
              " answers", name=name),
            "“" + (row.answer or "") + "”",
            _("You can ask again at any time, on the badge’s own page."),
            *reader.way(),
        ],
    )  # fmt: skip


def expiring(runtime: Runtime, session: Session, facts: Mapping[str, Any]) -> Letter | None:
    """A badge ends soon; None once it ended, was withdrawn or was renewed."""
    credential = _credential(session, facts)
    if credential is None or credential.state != "signed" or credential.valid_until is None:
        return None
    if credential.valid_until <= runtime.now() or renewed(session, credential):
        return None
    reader = reader_of(runtime, session, credential.person_id, choices.EXPIRING)
    if reader is None:
        return None
    _, name = reader.say, micro_credential(credential.version).name
    day = reader.last_day(credential.valid_until)
    return reader.letter(
        _("Your badge is valid until %(date)s: %(name)s", date=day, name=name),
        [
            _(
                "Your badge “%(name)s” is valid until %(date)s. What it says stays true: that you"
                " had earned it. After that day whoever checks it reads that its time has ended.",
                name=name,
                date=day,
            ),
            _(
                "You can ask for it to be renewed on its own page under “My badges”; your programme"
                " lead answers."
            ),
            *reader.way(),
        ],
    )


def renewed(session: Session, credential: Credential) -> bool:
    """Whether the holder has another badge for the same achievement that lasts longer."""
    with unscoped(session, _WHY):
        others = session.scalars(
            select(Credential).where(
                Credential.person_id == credential.person_id,
                Credential.id != credential.id,
                Credential.state != "revoked",
            )
        ).all()
    ends = credential.valid_until
    return any(
        other.version.achievement_id == credential.version.achievement_id
        and (other.valid_until is None or (ends is not None and other.valid_until > ends))
        for other in others
    )


def _credential(session: Session, facts: Mapping[str, Any]) -> Credential | None:
    with unscoped(session, _WHY):
        return session.get(Credential, uuid.UUID(facts["credential_id"]))


_COMPOSERS = {
    choices.OFFERED: offered,
    choices.ISSUED: issued,
    choices.CHANGED: changed,
    choices.REVOKED: revoked,
    choices.EXPIRING: expiring,
    choices.ENDORSED: endorsed,
}
