"""The addresses of the services, as they stand in launches, answers and paging links."""

from dataclasses import dataclass
from urllib.parse import urlencode

# Moodle's line items carry this query, so a tool must put /scores and /results before it.
TYPE_QUERY = "type_id=1"


@dataclass(frozen=True)
class Addresses:
    """Builds absolute addresses under the LMS's own origin."""

    base_url: str

    def line_items(self, course_id: str) -> str:
        """The line item container of a course (AGS 2.0, section 3.2)."""
        return f"{self.base_url}/services/ags/{course_id}/lineitems?{TYPE_QUERY}"

    def line_item(self, course_id: str, item_id: int) -> str:
        """One line item."""
        return f"{self._item(course_id, item_id)}?{TYPE_QUERY}"

    def result(self, course_id: str, item_id: int, user_id: str) -> str:
        """One person's result in a line item."""
        query = urlencode({"user_id": user_id})
        return f"{self._item(course_id, item_id)}/results?{TYPE_QUERY}&{query}"

    def memberships(self, course_id: str) -> str:
        """The roster of a course (NRPS 2.0, section 2.1)."""
        return f"{self.base_url}/services/nrps/{course_id}/memberships"

    def course_page(self, course_id: str) -> str:
        """The page of a course."""
        return f"{self.base_url}/courses/{course_id}"

    def picked_page(self, course_id: str) -> str:
        """Where the tool's picker sends what was picked (Deep Linking 2.0, section 4.4.1)."""
        return f"{self.base_url}/courses/{course_id}/picked"

    def return_page(self, link_id: str) -> str:
        """Where a tool sends a person who has finished (LTI 1.3 Core, section 5.4.4)."""
        return f"{self.base_url}/links/{link_id}/return"

    def _item(self, course_id: str, item_id: int) -> str:
        return f"{self.base_url}/services/ags/{course_id}/lineitems/{item_id}/lineitem"
