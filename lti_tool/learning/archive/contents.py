"""What stands in a person's archive: a paper in plain words, all data, and every file.

Only their own: what reviewers wrote to them is in it as their pages show it, what they wrote about
others is not.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from badges.achievements.addresses import credential_url, evidence_url
from badges.achievements.images import ImageStore
from badges.achievements.service import micro_credential
from badges.awards import service as awards
from badges.awards.models import Award, Credential, CredentialRevision
from badges.awards.published_evidence import all_pieces
from badges.holdings import importing, portfolio
from badges.holdings.models import ImportedBadge
from badges.pathways.facts import DecisionFact
from badges.pathways.ledger import facts_of
from badges.public.certificate import certificate_pdf
from badges.public.certificate_words import certificate_words
from badges.public.pictures import PICTURE_SIZE, badge_png, badge_svg, drawing
from badges.public.reading import read_badge
from core import addresses
from core.identity import Person
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.learning.archive.evidence import evidence_of
from lti_tool.learning.archive.names import Names, plain
from lti_tool.learning.archive.zipping import Entry

FORMAT: Final = "milepost-archive"
_OWN = "everything of one person, for themselves, whichever school they came in through"


@dataclass(frozen=True)
class Archive:
    """The entries behind the paper, and what the paper and its page tell of them."""

    entries: tuple[Entry, ...]
    person: Person
    badges: int
    brought: int
    works: int
    files: int
    file_bytes: int


def archive_of(
    session: Session, runtime: Runtime, images: ImageStore, person_id: uuid.UUID, now: datetime
) -> Archive:
    """Gather it. Pictures are drawn and files opened later, when their turn comes.

    Certificates are in the language of the request, which must last as long as that takes.
    """
    names = Names()
    with unscoped(session, _OWN):
        person = session.get_one(Person, person_id)
        work = evidence_of(session, runtime, person_id, names)
    given = awards.awards(session, person_id)
    held = _credentials(session, person_id)
    brought = _imports(session, person_id)
    entries: list[Entry] = []
    told = {str(one.id): _badge_files(one, runtime, images, names, entries) for one in held}
    for revision in _earlier(session, [one.id for one in held]):
        _earlier_files(revision, told[str(revision.credential_id)], entries)
    brought_told = [_brought_files(one, names, entries) for one in brought]
    data = {
        "format": FORMAT,
        "version": 1,
        "made_at": _iso(now),
        "installation": runtime.config.base_url,
        "person": _person(session, person),
        "badges": [_award(one, [c for c in held if c.award_id == one.id], told) for one in given],
        "published_evidence": _published_evidence(session, runtime, person_id),
        "badges_from_elsewhere": brought_told,
        "page": _page(session, person_id),
        "evidence": work.data,
        "facts": _facts(session, person_id),
    }
    text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    return Archive(
        entries=(Entry.of("data.json", text, now), *entries, *work.entries),
        person=person,
        badges=sum(one.document is not None for one in held),
        brought=len(brought),
        works=len(work.data),
        files=work.files,
        file_bytes=work.file_bytes,
    )


def _credentials(session: Session, person_id: uuid.UUID) -> list[Credential]:
    with unscoped(session, _OWN):
        return list(
            session.scalars(
                select(Credential)
                .where(Credential.person_id == person_id)
                .order_by(Credential.accepted_at, Credential.id)
                .options(undefer(Credential.document), undefer(Credential.jwt))
            ).unique()
        )


def _imports(session: Session, person_id: uuid.UUID) -> list[ImportedBadge]:
    return [
        importing.own_import(session, one.id, person_id, whole=True)
        for one in importing.imports(session, person_id)
    ]


def _earlier(session: Session, ids: list[uuid.UUID]) -> list[CredentialRevision]:
    """Versions that another one took the place of: copies of them may be about."""
    with unscoped(session, _OWN):
        return list(
            session.scalars(
                select(CredentialRevision)
                .where(
                    CredentialRevision.credential_id.in_(ids),
                    CredentialRevision.document.is_not(None),
                )
                .order_by(CredentialRevision.credential_id, CredentialRevision.number)
                .options(undefer(CredentialRevision.document), undefer(CredentialRevision.jwt))
            ).unique()
        )


def _badge_files(
    credential: Credential,
    runtime: Runtime,
    images: ImageStore,
    names: Names,
    entries: list[Entry],
) -> dict[str, Any]:
    """Put a signed badge in, in all its forms; returns where they stand."""
    if credential.document is None or credential.jwt is None:
        return {}
    title = plain(micro_credential(credential.version).name, "badge")
    folder = names.of("badges", title)
    at = credential.signed_at or credential.accepted_at

    def png() -> Iterator[bytes]:
        yield badge_png(images, credential)

    def svg() -> Iterator[bytes]:
        yield badge_svg(images, credential)

    def pdf() -> Iterator[bytes]:
        shown = read_badge(json.loads(credential.document or "{}"))
        page = credential_url(runtime.config.badge_url, credential.id)
        words = certificate_words(credential, shown, page, runtime.now())
        yield certificate_pdf(words, images.png(drawing(images, credential.version), PICTURE_SIZE))

    entries += [
        Entry.of(f"{folder}/badge.json", credential.document, at),
        Entry.of(f"{folder}/badge.jwt", credential.jwt, at),
        Entry(f"{folder}/badge.png", png, at),
        Entry(f"{folder}/badge.svg", svg, at),
        Entry(f"{folder}/certificate.pdf", pdf, at),
    ]
    return {"folder": folder}


def _earlier_files(
    revision: CredentialRevision, told: dict[str, Any], entries: list[Entry]
) -> None:
    if "folder" not in told:
        return
    path = f"{told['folder']}/earlier/version-{revision.number}"
    entries.append(Entry.of(f"{path}.json", revision.document or "", revision.created_at))
    if revision.jwt:
        entries.append(Entry.of(f"{path}.jwt", revision.jwt, revision.created_at))


def _brought_files(badge: ImportedBadge, names: Names, entries: list[Entry]) -> dict[str, Any]:
    folder = names.of("badges-from-elsewhere", plain(badge.name, "badge"))
    ending = "json" if badge.text.lstrip().startswith("{") else "jwt"
    if badge.text.startswith(("https://", "http://")):
        ending = "txt"
    report = json.dumps(badge.report, ensure_ascii=False, indent=2)
    entries += [
        Entry.of(f"{folder}/badge.{ending}", badge.text, badge.imported_at),
        Entry.of(f"{folder}/report.json", report, badge.checked_at),
    ]
    return {
        "folder": folder,
        "name": badge.name,
        "issuer": badge.issuer,
        "issuer_name": badge.issuer_name,
        "id": badge.credential,
        "address": badge.address,
        "state": badge.state,
        "shown_to_be_yours_at": _iso(badge.belongs_at),
        "issued_at": _iso(badge.issued_at),
        "valid_until": _iso(badge.valid_until),
        "imported_at": _iso(badge.imported_at),
        "checked_at": _iso(badge.checked_at),
    }


def _award(award: Award, held: list[Credential], told: dict[str, dict[str, Any]]) -> dict[str, Any]:
    made = micro_credential(award.version)
    return {
        "micro_credential": made.name,
        "version": award.version.number,
        "state": award.state,
        "granted_at": _iso(award.granted_at),
        "answered_at": _iso(award.answered_at),
        "receipt": award.receipt,
        "credentials": [
            {
                "id": str(one.id),
                "state": one.state,
                "name_on_it": one.recipient_name,
                "accepted_at": _iso(one.accepted_at),
                "signed_at": _iso(one.signed_at),
                "published_at": _iso(one.published_at),
                "valid_until": _iso(one.valid_until),
                "revoked_at": _iso(one.revoked_at),
                "revocation_reason": one.revocation_reason,
                **told.get(str(one.id), {}),
            }
            for one in held
        ],
    }


def _published_evidence(
    session: Session, runtime: Runtime, person_id: uuid.UUID
) -> list[dict[str, Any]]:
    """What strangers can or could open with one's badges; the pieces are in `evidence`."""
    base = runtime.config.badge_url
    return [
        {
            "badge": str(row.credential_id),
            "address": row.url or evidence_url(base, row.credential_id, row.id),
            "name": row.name,
            "kind": row.kind,
            "published_at": _iso(row.published_at),
            "taken_back_at": _iso(row.withdrawn_at),
        }
        for row in all_pieces(session, person_id)
    ]


def _person(session: Session, person: Person) -> dict[str, Any]:
    own = addresses.current(session, person.id)
    return {
        "id": str(person.id),
        "name": person.name,
        "given_name": person.given_name,
        "email": person.email,
        "email_verified": person.verified_email is not None,
        "own_address": own.address if own else None,
        "language": person.locale,
        "time_zone": person.timezone,
        "known_since": _iso(person.created_at),
    }


def _page(session: Session, person_id: uuid.UUID) -> dict[str, Any] | None:
    row = portfolio.own(session, person_id)
    if row is None:
        return None
    return {
        "address": f"/portfolios/{row.slug}",
        "title": row.title,
        "intro": row.intro,
        "sections": row.sections,
        "published_at": _iso(row.published_at),
    }


def _facts(session: Session, person_id: uuid.UUID) -> list[dict[str, object]]:
    """The ledger, without who reviewed: reviews may be without names."""
    found = []
    for fact in facts_of(session, person_id):
        data = fact.to_dict()
        if isinstance(fact, DecisionFact):
            data["reviews"] = [
                {"role": ref.role, "independent": ref.independent} for ref in fact.reviews
            ]
        found.append(data)
    return found


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
