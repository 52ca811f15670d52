"""What is different between two versions of a micro-credential, in words, place by place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask_babel import gettext as _

from badges.achievements.document import Alignment, Criterion, MicroCredential
from badges.awards.kinds import kind_name
from badges.public.words import asked_amount, level_word
from lti_tool.programme.catalogue import words

Key = tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One place and what it says before and after; None where it is not there at all."""

    label: str
    before: str | None
    after: str | None


def changes(old: MicroCredential, new: MicroCredential) -> list[Change]:
    """Every difference, in the order in which the form asks for things."""
    before, after = dict(_said(old)), dict(_said(new))
    found = []
    for key in [*after, *(key for key in before if key not in after)]:
        was, now = before.get(key), after.get(key)
        if (was and was[1]) != (now and now[1]):
            label = (now or was or ("", ""))[0]
            found.append(Change(label, was[1] if was else None, now[1] if now else None))
    return [*found, *_order(old, new)]


def _said(made: MicroCredential) -> Iterator[tuple[Key, tuple[str, str]]]:
    """Everything that the document says: a key that stays, the place's name, and its text."""
    for key, label, text in (
        ("name", _("Name"), made.name),
        ("achievement_type", _("Kind"), words.achievement_type(made.achievement_type)),
        ("level", _("Level"), level_word(made.level)),
        ("minutes", _("Expected work, in minutes"), str(made.minutes)),
        ("credits", _("Credits"), made.credits),
        ("language", _("Language"), made.language),
        ("validity", _("How long the badge holds"), words.period(made.validity)),
        ("competency", _("Competency"), made.competency),
        ("description", _("Description"), made.description),
        ("method", _("Method"), made.method),
        ("criteria", _("What the badge says it took"), made.criteria_narrative),
        ("review", _("Who reviews"), _review(made)),
        ("field_of_study", _("Field"), made.field_of_study),
        ("specialization", _("Specialisation"), made.specialization),
        ("human_code", _("Code in your catalogue"), made.human_code),
        ("tags", _("Tags"), ", ".join(made.tags)),
    ):
        if text:
            yield (key,), (label, text)
    for number, citation in enumerate(made.research, 1):
        text = f"{citation.title} {citation.url or ''}".strip()
        yield ("research", citation.title), (_("Research, %(n)d", n=number), text)
    yield from _evidence(made)
    for criterion in made.rubric.criteria:
        yield from _line(criterion)
    yield from _others(made)
    for item in made.alignment:
        yield ("alignment", item.url, item.code or ""), (_("Standard"), _standard(item))


def _review(made: MicroCredential) -> str:
    kind, names = words.reviewers(made.review.kind), words.blindness(made.review.blindness)
    return f"{made.review.k} · {kind} · {names}"


def _evidence(made: MicroCredential) -> Iterator[tuple[Key, tuple[str, str]]]:
    for asked in made.evidence_asked:
        parts = [asked.title, kind_name(asked.kind), asked_amount(asked)]
        if not asked.required:
            parts.append(_("optional"))
        text = " · ".join(parts) + (f"\n{asked.help}" if asked.help else "")
        yield ("evidence", asked.id), (_("Evidence: %(name)s", name=asked.title), text)


def _line(criterion: Criterion) -> Iterator[tuple[Key, tuple[str, str]]]:
    key, name = ("line", criterion.id), criterion.name
    text = f"{name}\n{criterion.description}".strip()
    yield key, (_("Rubric line: %(name)s", name=name), text)
    needed = criterion.level(criterion.required_level).name
    yield (*key, "needed"), (_("%(name)s: level that is needed", name=name), needed)
    for number, level in enumerate(criterion.levels, 1):
        points = _("%(points)s points", points=level.points) if level.points else ""
        text = " · ".join(filter(None, (level.name, points))) + f"\n{level.description}"
        label = _("%(name)s: level %(n)d", name=name, n=number)
        yield (*key, level.id), (label, text)
    for item in criterion.alignment:
        label = _("%(name)s: standard", name=name)
        yield (*key, "alignment", item.url, item.code or ""), (label, _standard(item))


def _standard(item: Alignment) -> str:
    first = " ".join(filter(None, (item.code, item.name)))
    kind = words.target_type(item.target_type) if item.target_type else None
    return "\n".join(filter(None, (first, item.framework, item.description, kind, item.url)))


def _others(made: MicroCredential) -> Iterator[tuple[Key, tuple[str, str]]]:
    for result in made.results:
        bounds = (
            ", ".join(result.allowed),
            _("from %(least)s", least=result.minimum) if result.minimum else "",
            _("to %(most)s", most=result.maximum) if result.maximum else "",
            _("needed: %(value)s", value=result.required) if result.required else "",
        )
        text = " · ".join(filter(None, (result.name, words.result_type(result.type), *bounds)))
        yield ("result", result.id), (_("Result: %(name)s", name=result.name), text)
    for related in made.related:
        text = " · ".join(filter(None, (related.url, related.language, related.version)))
        yield ("related", related.url), (_("Related achievement"), text)
    for entry in made.identifiers:
        text = f"{entry.identifier} ({words.identifier_type(entry.type)})"
        yield ("identifier", entry.type, entry.identifier), (_("Identifier"), text)


def _order(old: MicroCredential, new: MicroCredential) -> Iterator[Change]:
    """The same things in another order."""
    pairs = (
        (_("Order of the rubric’s lines"), old.rubric.criteria, new.rubric.criteria),
        (_("Order of the evidence"), old.evidence_asked, new.evidence_asked),
    )
    for label, was, now in pairs:
        before, after = [item.id for item in was], [item.id for item in now]
        if before != after and sorted(before) == sorted(after):
            yield Change(label, _names(was), _names(now))


def _names(items: tuple[object, ...]) -> str:
    return ", ".join(
        str(getattr(item, "name", None) or getattr(item, "title", "")) for item in items
    )
