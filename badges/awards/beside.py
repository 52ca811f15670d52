"""The results that a badge tells beside its rubric (Open Badges 3.0, B.1.21 Result)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from badges.achievements.addresses import achievement_url
from badges.achievements.document import MicroCredential
from badges.achievements.fields import plain_number
from badges.achievements.models import AchievementVersion
from badges.achievements.service import micro_credential
from badges.openbadges import model as ob


def other_results(
    version: AchievementVersion,
    values: Mapping[str, str],
    badge_url: str,
    levels: Mapping[str, int] | None = None,
) -> Iterable[ob.Result]:
    """The results beside the rubric: by `values`, by id, or as the rubric itself tells them.

    An award says that a status is `Completed`; points and percentages are what the `levels` that
    were reached add up to, where each of them has points.
    """
    document, address = micro_credential(version), achievement_url(badge_url, version.id)
    points = _points(document, levels or {})
    for asked in document.results:
        value, described = values.get(asked.id), f"{address}#{asked.id}"
        if asked.type == "Status":
            yield ob.Result(result_description=described, status=value or "Completed")
            continue
        if points is not None and asked.type in ("RawScore", "Percent"):
            reached, most = points
            score = reached if asked.type == "RawScore" else 100 * reached / most
            value = plain_number(f"{score:.2f}")
        if value:
            yield ob.Result(result_description=described, value=value)


def _points(document: MicroCredential, levels: Mapping[str, int]) -> tuple[float, float] | None:
    """The points reached and the most there are; None where a line has no points to tell."""
    reached = most = 0.0
    for criterion in document.rubric.criteria:
        number = levels.get(criterion.id, 0)
        points = [level.points for level in criterion.levels]
        if not 1 <= number <= len(points) or None in points:
            return None
        given = [float(text) for text in points if text is not None]
        reached, most = reached + given[number - 1], most + max(given)
    return (reached, most) if most > 0 else None
