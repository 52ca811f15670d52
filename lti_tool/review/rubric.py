"""A version's rubric as the rules take it."""

from __future__ import annotations

from badges.achievements import service as achievements
from badges.achievements.models import AchievementVersion
from lti_tool.review.rules import Criterion, Rubric


def rubric_of(version: AchievementVersion) -> Rubric:
    """The criteria of the version, each with its number of levels and the one that passes."""
    criteria = achievements.micro_credential(version).rubric.criteria
    return Rubric(
        str(version.id),
        tuple(Criterion(one.id, len(one.levels), one.required_level) for one in criteria),
    )
