"""LMSs played on this machine: real HTTP servers that answer as each LMS is known to.

Each is a `HostilePlatform` as well, so that it signs launches; its gradebook really keeps, and
really wipes, what it is sent.
"""

from tests.support.platforms.base import Enrolled, Grade, Item, ScriptedPlatform
from tests.support.platforms.canvas import CanvasPlatform
from tests.support.platforms.moodle import MoodlePlatform
from tests.support.platforms.schoology import SchoologyPlatform

__all__ = [
    "CanvasPlatform", "Enrolled", "Grade", "Item", "MoodlePlatform", "SchoologyPlatform",
    "ScriptedPlatform",
]  # fmt: skip
