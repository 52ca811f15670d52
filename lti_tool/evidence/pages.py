"""What the evidence pages show, worked out before the templates: sections, sentences, tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import format_datetime
from flask_babel import gettext as _gettext
from flask_babel import ngettext as _ngettext

from badges.achievements import service as achievements
from badges.achievements.document import EvidenceAsked, MicroCredential
from core.web.i18n import filesize, zone_name
from lti_tool.evidence import sniff
from lti_tool.evidence.models import EvidenceItem, Revision
from lti_tool.evidence.requirements import (
    NARRATIVE,
    RECOGNISABLE_KINDS,
    Gap,
    GapKind,
    Standing,
    asks_release,
    narrative_required,
    standings,
)


def _(text: str, **values: Any) -> str:
    """The sentence in the reader's language."""
    return str(_gettext(text, **values))


def ngettext(one: str, many: str, number: int, **values: Any) -> str:
    """The sentence for a number of things, in the reader's language."""
    return str(_ngettext(one, many, number, **values))


@dataclass
class Section:
    """One requirement on the draft page. `items` are its pieces, `text` what was typed."""

    asked: EvidenceAsked
    standing: Standing
    items: list[EvidenceItem] = field(default_factory=list)
    text: str = ""
    release: str | None = None
    asks_release: bool = False
    full: bool = False
    may_show_students: bool = False


def sections(
    revision: Revision,
    texts: Mapping[str, Any] | None = None,
    releases: Mapping[str, Any] | None = None,
) -> list[Section]:
    """The requirements of the revision's version with what is there; typed values may stand in."""
    texts = {**revision.texts, **(texts or {})}
    releases = {**revision.releases, **(releases or {})}
    document = achievements.micro_credential(revision.achievement_version)
    found = []
    for one in standings(document, revision.items, texts, releases):
        items = [item for item in revision.items if item.requirement_id == one.asked.id]
        found.append(
            Section(
                asked=one.asked,
                standing=one,
                items=items,
                text=str(texts.get(one.asked.id, "")),
                release=releases.get(one.asked.id),
                asks_release=asks_release(one.asked, items),
                may_show_students=one.asked.kind in RECOGNISABLE_KINDS,
                full=bool(one.asked.maximum) and len(items) >= one.asked.maximum,
            )
        )
    return found


def amount(asked: EvidenceAsked) -> str:
    """How much is asked for, as in "300 to 900 words" or "2 to 3 pieces"."""
    low, high = asked.minimum, asked.maximum
    if asked.counts_words:
        if low and high:
            return _("%(low)s to %(high)s words", low=low, high=high)
        return _("At least %(low)s words", low=low) if low else ""
    low = max(low, 1) if asked.required else low
    if high and low < high:
        return (
            _("%(low)s to %(high)s pieces", low=low, high=high)
            if low
            else ngettext("Up to %(num)s piece", "Up to %(num)s pieces", high)
        )
    return ngettext("%(num)s piece", "%(num)s pieces", max(low, 1))


def progress(one: Standing) -> str:
    """How far a requirement is, as in "2 of 3 pieces"."""
    asked = one.asked
    if asked.counts_words:
        if asked.minimum and one.have < asked.minimum:
            return _("%(have)s of %(need)s words", have=one.have, need=asked.minimum)
        return ngettext("%(num)s word", "%(num)s words", one.have)
    need = max(asked.minimum, 1) if asked.required else asked.minimum
    if one.have < need:
        return ngettext(
            "%(have)s of %(num)s piece", "%(have)s of %(num)s pieces", need, have=one.have
        )
    return ngettext("%(num)s piece", "%(num)s pieces", one.have)


def standing_tag(one: Standing) -> tuple[str, str]:
    """The word and kind of a requirement's tag."""
    if one.state == "done":
        return _("Ready"), "good"
    if one.state == "todo":
        return (_("To do"), "later") if one.asked.required else (_("Optional"), "later")
    return _("Not finished"), "act"


def gap_text(gap: Gap, document: MicroCredential) -> str:
    """What is missing, as a sentence."""
    title = _("Your account") if gap.requirement_id == NARRATIVE else ""
    if not title:
        title = document.evidence(gap.requirement_id).title
    more = max(gap.need - gap.have, 1)
    sentences = {
        GapKind.TOO_FEW_PIECES: ngettext(
            "“%(title)s” needs %(num)s more piece.",
            "“%(title)s” needs %(num)s more pieces.",
            more,
            title=title,
        ),
        GapKind.TOO_MANY_PIECES: _(
            "“%(title)s” takes at most %(need)s pieces; there are %(have)s.",
            title=title, need=gap.need, have=gap.have,
        ),
        GapKind.TOO_FEW_WORDS: _(
            "“%(title)s” has %(have)s of at least %(need)s words.",
            title=title, need=gap.need, have=gap.have,
        ),
        GapKind.TOO_MANY_WORDS: _(
            "“%(title)s” has %(have)s words; at most %(need)s are asked for.",
            title=title, need=gap.need, have=gap.have,
        ),
        GapKind.NOTHING_WRITTEN: _("“%(title)s” is still empty.", title=title),
        GapKind.RELEASE_UNANSWERED: _(
            "“%(title)s”: say whether students can be recognised.", title=title
        ),
        GapKind.RELEASE_MISSING: _(
            "“%(title)s” shows students without a release. Get the releases, make the students"
            " unrecognisable, or take the file out.",
            title=title,
        ),
        GapKind.TELLS_AUTHOR: _(
            "“%(title)s” holds a picture that may carry your name, and your reviewers are not to"
            " know who you are. Take it out, and add it as JPEG or PNG.",
            title=title,
        ),
        GapKind.INFECTED: _(
            "“%(title)s” holds a file in which a virus was found. Take it out.", title=title
        ),
    }  # fmt: skip
    return sentences[gap.kind]


def gap_errors(
    gaps: list[Gap], document: MicroCredential, prefix: str = ""
) -> dict[str, list[str]]:
    """Sentences by the draft page's field, for the error summary."""
    found: dict[str, list[str]] = {}
    for gap in gaps:
        found.setdefault(f"{prefix}{field_of(gap, document)}", []).append(gap_text(gap, document))
    return found


def field_of(gap: Gap, document: MicroCredential) -> str:
    """The field of the draft page that closes a gap."""
    if gap.kind in (GapKind.RELEASE_UNANSWERED, GapKind.RELEASE_MISSING):
        return f"release-{gap.requirement_id}"
    if gap.requirement_id == NARRATIVE or document.evidence(gap.requirement_id).counts_words:
        return f"text-{gap.requirement_id}"
    return f"file-{gap.requirement_id}"


def narrative_label(document: MicroCredential) -> tuple[str, bool]:
    """The label of the general narrative, and whether it is optional."""
    if narrative_required(document):
        return _("Your account: what you did, and what your students showed you"), False
    return _("Anything else your reviewers should know"), True


def saved_text(revision: Revision, now: datetime) -> str:
    """ "Saved at 14:02 CET", or with the day where that was not today."""
    if revision.version == 0 and not revision.items:
        return ""
    return saved_at(revision.saved_at, now)


def saved_at(when: datetime, now: datetime) -> str:
    """ "Saved at 14:02 CET" for `when`."""
    time, zone = format_datetime(when, "HH:mm"), zone_name(when)
    if format_datetime(when, "yMMdd") == format_datetime(now, "yMMdd"):
        return _("Saved at %(time)s %(zone)s", time=time, zone=zone)
    day = format_datetime(when, _("d MMMM"))
    return _("Saved on %(day)s at %(time)s %(zone)s", day=day, time=time, zone=zone)


def short_time(when: datetime) -> str:
    """A moment for a tag, as in "Tue 24 Nov, 16:10 CET"."""
    return f"{format_datetime(when, 'EEE d MMM, HH:mm')} {zone_name(when)}"


def state_tag(state: str) -> tuple[str, str]:
    """The word and kind of a revision's tag, for its author."""
    return {
        "draft": (_("Draft"), "act"),
        "scanning": (_("Being checked"), "wait"),
        "submitted": (_("Waiting for a reviewer"), "wait"),
        "in_review": (_("With reviewers"), "wait"),
        "adjudicating": (_("With a third reviewer"), "wait"),
        "met": (_("Met"), "good"),
        "not_yet": (_("Not yet"), "act"),
        "withdrawn": (_("Taken back"), "later"),
    }[state]


def item_note(item: EvidenceItem) -> str:
    """The small line under a piece: size and scan state, or the link's host."""
    if item.url:
        return item.url.split("/")[2]
    return " · ".join((filesize(item.size or 0), scan_text(item.scan_state)))


def scan_text(state: str) -> str:
    """What is known of a file's safety; never more than that."""
    return {
        "not_scanned": _("not scanned for viruses"),
        "pending": _("being scanned"),
        "clean": _("scanned, nothing found"),
        "infected": _("a virus was found in it"),
    }[state]


def item_url(item: EvidenceItem) -> str:
    """Where a piece opens: the link itself, or the file's page."""
    return item.url or url_for("evidence.file", item_id=item.id)


def item_kind(item: EvidenceItem) -> str:
    """The few letters on a file's sheet."""
    return "www" if item.url else sniff.ending(item.title)


def show_as(item: EvidenceItem) -> str:
    """image, video or audio where the piece may stand in the page; link or download otherwise."""
    if item.url:
        return "link"
    if item.preview_key:
        return "image"
    kind = sniff.by_media_type(item.media_type)
    return kind.show if kind and kind.show in ("video", "audio") else "download"


def release_options() -> list[tuple[str, str]]:
    """The answers to "can students be recognised?"."""
    return [
        ("released", _("Yes, and I have the releases on file")),
        ("unreleased", _("Yes, and I still need releases")),
        ("not_recognisable", _("No")),
    ]


def rubric_table(
    document: MicroCredential, given: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The rubric for the table macro. Columns are numbered levels, named where all rows agree."""
    criteria = document.rubric.criteria
    most = max(len(one.levels) for one in criteria)
    names = [{one.levels[n].name for one in criteria if n < len(one.levels)} for n in range(most)]
    agree = all(len(found) == 1 for found in names)
    levels = [
        {"value": n + 1, "name": next(iter(found)) if agree else ""}
        for n, found in enumerate(names)
    ]
    rows = []
    for one in criteria:
        texts = [
            level.description if agree else f"{level.name}: {level.description}"
            for level in one.levels
        ]
        rows.append(
            {
                "title": one.name,
                "help": one.description,
                "needed": one.required_level,
                "texts": texts + [""] * (most - len(texts)),
                "given": (given or {}).get(one.id),
            }
        )
    return {"levels": levels, "criteria": rows}
