"""What a rule asks for and what is missing, in words for the learner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask_babel import gettext as _
from flask_babel import ngettext

from badges.achievements.document import MicroCredential
from badges.awards.kinds import kind_name
from badges.pathways import nodes
from badges.pathways.rules import Missing, MissingKind
from core.web.i18n import day

Criteria = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Names:
    """What the learner may know of the micro-credentials that a rule names, by id."""

    documents: Mapping[str, MicroCredential]

    def title(self, achievement: str | None) -> str:
        """The micro-credential's name; a general word where it is not theirs to see."""
        found = self.documents.get(achievement or "")
        return found.name if found else str(_("another micro-credential"))

    def criterion(self, achievement: str | None, criterion: str) -> str:
        """A criterion's name."""
        found = self.documents.get(achievement or "")
        try:
            return found.rubric.criterion(criterion).name if found else criterion
        except KeyError:
            return criterion

    def level(self, achievement: str | None, criterion: str, number: int) -> str:
        """A level's name."""
        found = self.documents.get(achievement or "")
        try:
            return found.rubric.criterion(criterion).level(number).name if found else str(number)
        except (KeyError, IndexError):
            return str(number)


def role_name(role: str) -> str:
    """A role, as somebody who can be asked for something."""
    names = {
        "coach": _("your coach"),
        "lead": _("your programme lead"),
        "peer": _("a colleague"),
        "administrator": _("your administrator"),
    }
    return str(names.get(role, role))


def hours(minutes: int) -> str:
    """Minutes as hours, as in "17½ hours"."""
    whole, rest = divmod(minutes, 60)
    if rest == 30:
        return str(_("%(hours)s hours", hours=f"{whole or ''}½"))
    if rest:
        return str(_("%(hours)d h %(minutes)d min", hours=whole, minutes=rest))
    return str(ngettext("%(num)d hour", "%(num)d hours", whole))


def node_title(node: nodes.Node, names: Names) -> str:
    """What a node of a rule asks for; the author's title goes first."""
    if node.title:
        return node.title
    words: dict[type[nodes.Node], Callable[[Any], str]] = {
        nodes.Rubric: lambda it: _("Your evidence meets every line of the rubric"),
        nodes.Reviews: _reviews,
        nodes.Badge: lambda it: names.title(it.achievement),
        nodes.Hours: lambda it: _("%(hours)s of learning", hours=hours(it.minutes)),
        nodes.EvidenceKinds: lambda it: ngettext(
            "%(num)d kind of evidence", "%(num)d different kinds of evidence", it.n
        ),
        nodes.Attest: lambda it: _("Confirmed by %(who)s", who=role_name(it.role)),
        nodes.All: lambda it: _("All of these"),
        nodes.AnyOf: lambda it: _("One of these"),
        nodes.AtLeast: lambda it: _("%(n)d of these %(all)d", n=it.n, all=len(it.of)),
        nodes.Points: lambda it: _("%(points)d points from these", points=it.min),
        nodes.Within: lambda it: _("All of these, within one period"),
    }
    return str(words[type(node)](node))


def _reviews(node: nodes.Reviews) -> str:
    if node.roles == ("coach",):
        return str(ngettext("Read by a coach", "Read by %(num)d coaches", node.k))
    return str(ngettext("Read by a colleague", "Read by %(num)d colleagues", node.k))


def missing_text(missing: Missing, names: Names) -> str:
    """One sentence that says what is still to happen, and by whom."""
    return str(_SENTENCES[missing.kind](missing, names))


def action_label(kind: MissingKind) -> str:
    """What the button of a next action says; empty where there is nothing to press."""
    labels = {
        MissingKind.SUBMIT_EVIDENCE: _("Go to your evidence"),
        MissingKind.REVISE_EVIDENCE: _("Revise your evidence"),
        MissingKind.EARN_BADGE: _("Open the micro-credential"),
        MissingKind.RENEW_BADGE: _("Open the micro-credential"),
        MissingKind.ADD_EVIDENCE_KINDS: _("Go to your evidence"),
    }
    return str(labels.get(kind, ""))


def _submit(missing: Missing, names: Names) -> str:
    title = names.title(missing.subject)
    if missing.params.get("again"):
        return str(
            _("Send evidence for “%(name)s” again: the last one is too long ago.", name=title)
        )
    return str(_("Gather evidence for “%(name)s” and send it.", name=title))


def _revise(missing: Missing, names: Names) -> str:
    criteria = cast(Criteria, missing.params.get("criteria", {}))
    title = names.title(missing.subject)
    if not criteria:
        return str(_("Revise your evidence for “%(name)s” and send it again.", name=title))
    lines = ", ".join(
        _(
            "%(criterion)s (now %(have)s, needed %(need)s)",
            criterion=names.criterion(missing.subject, name),
            have=names.level(missing.subject, name, bounds["have"]),
            need=names.level(missing.subject, name, bounds["need"]),
        )
        for name, bounds in criteria.items()
    )
    return str(
        _("Revise your evidence for “%(name)s”. Not yet: %(lines)s.", name=title, lines=lines)
    )


def _wait_reviewers(missing: Missing, names: Names) -> str:
    have, need = missing.params.get("have"), missing.params.get("need")
    if not isinstance(have, int) or not isinstance(need, int):
        return str(_("Your reviewers have it. There is nothing for you to do today."))
    return str(
        ngettext(
            "%(have)d of %(num)d reviewer has read it. There is nothing for you to do today.",
            "%(have)d of %(num)d reviewers have read it. There is nothing for you to do today.",
            need,
            have=have,
        )
    )


def _earn(missing: Missing, names: Names) -> str:
    if ":" in (missing.subject or ""):  # an address: one of ours is named by a plain number
        return str(_("Bring a badge from elsewhere that this asks for."))
    return str(_("Earn the badge “%(name)s”.", name=names.title(missing.subject)))


def _renew(missing: Missing, names: Names) -> str:
    title = names.title(missing.subject)
    since: Any = missing.params.get("since")
    if since is None:
        return str(_("Renew your badge “%(name)s”.", name=title))
    return str(
        _(
            "Renew your badge “%(name)s”: it ended on %(date)s.",
            name=title,
            date=day(since),
        )
    )


def _wait_until(missing: Missing, names: Names) -> str:
    until: Any = missing.params["until"]
    return str(_("This counts from %(date)s on.", date=day(until)))


def _log_hours(missing: Missing, names: Names) -> str:
    left = cast(int, missing.params["need"]) - cast(int, missing.params["have"])
    return str(_("%(hours)s of learning are still to be logged.", hours=hours(left)))


def _attest(missing: Missing, names: Names) -> str:
    who = role_name(str(missing.params["role"]))
    if missing.subject:
        return str(_("Ask %(who)s to confirm: “%(what)s”.", who=who, what=missing.subject))
    return str(_("Ask %(who)s to confirm it.", who=who))


def _add_kinds(missing: Missing, names: Names) -> str:
    have, need = cast(int, missing.params["have"]), cast(int, missing.params["need"])
    kinds = [kind_name(kind) for kind in cast("list[str]", missing.params.get("kinds", []))]
    text = ngettext(
        "Add %(num)d more kind of evidence.", "Add %(num)d more kinds of evidence.", need - have
    )
    if not kinds:
        return str(text)
    # Not inside the f-string: before Python 3.12 the extraction of texts does not look there.
    listed = _("It may be: %(kinds)s.", kinds=", ".join(kinds))
    return f"{text} {listed}"


_SENTENCES: Mapping[MissingKind, Callable[[Missing, Names], str]] = {
    MissingKind.SUBMIT_EVIDENCE: _submit,
    MissingKind.REVISE_EVIDENCE: _revise,
    MissingKind.WAIT_FOR_REVIEWERS: _wait_reviewers,
    MissingKind.EARN_BADGE: _earn,
    MissingKind.RENEW_BADGE: _renew,
    MissingKind.WAIT_UNTIL: _wait_until,
    MissingKind.LOG_HOURS: _log_hours,
    MissingKind.ASK_ATTESTATION: _attest,
    MissingKind.ADD_EVIDENCE_KINDS: _add_kinds,
}
