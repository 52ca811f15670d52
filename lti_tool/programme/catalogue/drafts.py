"""Drafts of micro-credentials: begin, save, check, publish.

A draft belongs to the organisation of its issuer, and all its leads write in the same one. Nothing
of it is seen by anybody else before it is published.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.document import Alignment, MicroCredential
from badges.achievements.images import colour_faults
from badges.achievements.models import Achievement, AchievementVersion, Issuer
from badges.achievements.reading import MOST_ALIGNMENTS, NAME_LIMIT
from core import audit, plain_text
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import owner_like
from lti_tool.programme.catalogue import forms
from lti_tool.programme.catalogue.models import CredentialDraft

MOST_LINE_ALIGNMENTS = 10


class StaleDraftError(ConflictError):
    """Somebody saved the draft since this page was opened; nothing was saved over it."""

    default_code = "draft_changed"


def open_drafts(session: Session) -> list[CredentialDraft]:
    """Every draft of the session's scope, the latest saved first."""
    return list(
        session.scalars(
            select(CredentialDraft).order_by(CredentialDraft.saved_at.desc(), CredentialDraft.id)
        )
    )


def content(draft: CredentialDraft) -> dict[str, Any]:
    """What the draft says, with every member that the form has by now."""
    return forms.typed((), draft.content)


def of_achievement(session: Session, achievement_id: uuid.UUID) -> CredentialDraft | None:
    """The draft of an achievement's next version, if somebody has begun one."""
    return session.scalar(
        select(CredentialDraft).where(CredentialDraft.achievement_id == achievement_id)
    )


def find(session: Session, draft_id: uuid.UUID, *, lock: bool = False) -> CredentialDraft:
    """A draft of the session's scope. Raises NotFoundError."""
    query = select(CredentialDraft).where(CredentialDraft.id == draft_id)
    found = session.scalar(query.with_for_update(of=CredentialDraft) if lock else query)
    if found is None:
        raise NotFoundError(
            _l("There is no such draft here."),
            code="draft_unknown",
            advice=_l("It may have been published or thrown away meanwhile."),
        )
    return found


def begin(
    session: Session, issuer: Issuer, now: datetime, *, like: AchievementVersion | None = None
) -> CredentialDraft:
    """Begin a new micro-credential of `issuer`, empty or as a copy of a published one."""
    content = forms.content_of(achievements.micro_credential(like)) if like else empty()
    if like:
        content["name"] = _("%(name)s (copy)", name=content["name"])[:NAME_LIMIT]
    return _write(session, issuer, content, now)


def begin_change(session: Session, current: AchievementVersion, now: datetime) -> CredentialDraft:
    """The draft of the next version: the one that is there, or one that says what is current."""
    # Two leads who begin in the same moment get the same draft.
    session.scalar(
        select(Achievement.id).where(Achievement.id == current.achievement_id).with_for_update()
    )
    found = of_achievement(session, current.achievement_id)
    if found is not None:
        return found
    content = forms.content_of(achievements.micro_credential(current))
    return _write(session, current.achievement.issuer, content, now, current)


def _write(
    session: Session,
    issuer: Issuer,
    content: dict[str, Any],
    now: datetime,
    base: AchievementVersion | None = None,
) -> CredentialDraft:
    draft = CredentialDraft(
        **owner_like(issuer),
        id=uuid.uuid4(),
        issuer_id=issuer.id,
        achievement_id=base.achievement_id if base else None,
        base_version_id=base.id if base else None,
        content=content,
        version=1,
        created_at=now,
        saved_at=now,
    )
    draft.issuer, draft.base = issuer, base
    draft.achievement = base.achievement if base else None
    session.add(draft)
    session.flush()
    return draft


def empty() -> dict[str, Any]:
    """What a new draft begins with: one line with four levels, one piece of evidence."""
    content = forms.typed((), {})
    content.update(level="practitioner", minutes="600", achievement_type="MicroCredential")
    content["review"] = {"kind": "peer", "k": "2", "blindness": "double"}
    content["image"].update(template="milestone", primary="#0f5a63", accent="#f3b61f")
    names = (
        _("Beginning"), _("Developing"), _("Secure"), _("Extending"),
    )  # fmt: skip
    content["rubric"]["criteria"] = [
        {
            "id": forms.new_id("criteria"), "name": "", "description": "", "required_level": "3",
            "alignment": [],
            "levels": [
                {"id": forms.new_id("levels"), "name": name, "description": "", "points": ""}
                for name in names
            ],
        }
    ]  # fmt: skip
    content["evidence_asked"] = [
        {
            "id": forms.new_id("evidence_asked"), "kind": "reflection", "title": "", "help": "",
            "minimum": "100", "maximum": "900", "required": True,
        }
    ]  # fmt: skip
    return content


def save(
    session: Session,
    draft: CredentialDraft,
    form: Iterable[tuple[str, str]],
    *,
    seen: int | None,
    page: str,
    now: datetime,
    what: str = "",
) -> str | None:
    """Keep what was typed, and do to its rows what the button said (`forms.act`).

    `seen` is the version the writer had before them, None to save over whatever is there. A button
    may overtake the same `page`'s own save, which is no other writer. Raises StaleDraftError, and
    UnprocessableError for a name that no list could show. Returns the place that the button leads
    to.
    """
    own = what and page and page == draft.page
    if seen not in (None, draft.version) and not own:
        raise StaleDraftError(_l("Somebody else has saved this draft since you opened it."))
    content = forms.typed(form, draft.content)
    fault = plain_text.line_fault(content["name"].strip(), NAME_LIMIT)
    if fault is not None:
        raise UnprocessableError(fault, code="draft_name", fields={"name": fault})
    place = forms.act(content, what) if what else None
    draft.page = page or None
    _keep(session, draft, content, now)
    return place


def _keep(session: Session, draft: CredentialDraft, content: dict[str, Any], now: datetime) -> None:
    if content != draft.content:
        draft.content = content
        draft.version += 1
    draft.saved_at = now
    session.flush()


def tidy(session: Session, draft: CredentialDraft) -> None:
    """Take away the rows that nobody filled in, so that what is faulty stands where it is said."""
    tidy_content = forms.tidied(content(draft))
    if tidy_content != draft.content:
        _keep(session, draft, tidy_content, draft.saved_at)


def align(
    session: Session,
    draft: CredentialDraft,
    picked: list[Alignment],
    *,
    line: str | None,
    now: datetime,
) -> int:
    """Add standards to the draft, or to its rubric line with the id `line`.

    One that is there already, by its address and code, is not added again. Returns how many were.
    Raises UnprocessableError where there would be too many, ConflictError if the line is gone.
    """
    written = forms.tidied(content(draft))
    rows, most = written["alignment"], MOST_ALIGNMENTS
    if line is not None:
        lines = [item for item in written["rubric"]["criteria"] if item["id"] == line]
        if not lines:
            raise ConflictError(_l("This line of the rubric is gone meanwhile."))
        rows, most = lines[0]["alignment"], MOST_LINE_ALIGNMENTS
    there = {(row["url"], row["code"]) for row in rows}
    new = [item for item in picked if (item.url, item.code or "") not in there]
    if len(rows) + len(new) > most:
        raise UnprocessableError(
            _l(
                "That would be %(count)d standards; at most %(most)d fit here.",
                count=len(rows) + len(new),
                most=most,
            ),
            code="alignments_too_many",
        )
    for item in new:
        rows.append(
            {
                "name": item.name, "url": item.url, "code": item.code or "",
                "framework": item.framework or "", "description": item.description or "",
                "target_type": item.target_type or "",
            }
        )  # fmt: skip
    _keep(session, draft, written, now)
    return len(new)


def checked(draft: CredentialDraft, current: AchievementVersion | None) -> MicroCredential:
    """The draft as what would be published. Raises UnprocessableError with every fault's field.

    A new version keeps the picture that is current: that one is chosen on a page of its own.
    """
    data = forms.document_of(content(draft))
    if current is not None:
        data["image"] = current.document["image"]
    # Said here and not where documents are read: one that was published before stays readable.
    faults: dict[str, Any] = dict.fromkeys(_turned(data), plain_text.turned())
    try:
        made = MicroCredential.from_dict(data)
    except UnprocessableError as error:
        faults |= {forms.field_of(place): text for place, text in error.fields.items()}
    else:
        if current is None and made.image.upload is None:
            faults |= {f"image.{name}": text for name, text in colour_faults(made.image).items()}
    if faults:
        raise UnprocessableError(
            _l("Some places of this draft need another look before it is published."),
            code="draft_incomplete",
            fields=faults,
        )
    return made


def _turned(data: Any, place: str = "") -> Iterator[str]:
    """The fields that hold what turns the direction of a text."""
    if isinstance(data, str):
        if plain_text.turns(data):
            yield forms.field_of(place)
    elif isinstance(data, Mapping):
        for name, inner in data.items():
            yield from _turned(inner, f"{place}.{name}" if place else name)
    elif isinstance(data, list):
        for index, inner in enumerate(data):
            yield from _turned(inner, f"{place}[{index}]")


def current_of(session: Session, draft: CredentialDraft) -> AchievementVersion | None:
    """The version that a publication would follow; None for a new micro-credential."""
    if draft.achievement_id is None:
        return None
    return achievements.current(session, draft.achievement_id)


def publish(
    session: Session,
    draft: CredentialDraft,
    *,
    seen: tuple[int | None, uuid.UUID | None],
    actor_id: uuid.UUID,
    now: datetime,
) -> AchievementVersion:
    """Publish the draft and put it away.

    `seen` is the draft's version and the id of the current version that were compared on the page
    before: ConflictError if either is another one now.
    """
    before = current_of(session, draft)
    if seen != (draft.version, before.id if before else None):
        raise ConflictError(
            _l("This has changed since you looked at it, so nothing was published."),
            code="draft_changed",
            advice=_l("Look at the changes once more, then publish."),
        )
    made = checked(draft, before)
    if draft.achievement is None:
        achievement: Achievement = achievements.create(session, draft.issuer, made, now)
        version = achievements.current(session, achievement.id)
    else:
        version = achievements.publish(session, draft.achievement, made, now)
    session.delete(draft)
    session.flush()
    note_published(session, version, actor_id, now)
    return version


def note_published(
    session: Session, version: AchievementVersion, actor_id: uuid.UUID, now: datetime, **more: Any
) -> None:
    """Write down who published `version`; `more` is what else is known of it."""
    audit.record(
        session, owner=version, actor_id=actor_id, action="micro_credential.published",
        subject=version, now=now, details={"number": version.number, **more},
    )  # fmt: skip


def throw_away(session: Session, draft: CredentialDraft) -> None:
    """Delete a draft. What is published stays as it is."""
    session.delete(draft)
    session.flush()
