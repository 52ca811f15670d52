"""Every column that names a person, and what becomes of it when two people turn out to be one.

A test compares this with the tables: whoever adds a column that names a person decides it here.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from sqlalchemy import Table, Uuid

from core.db import Base


class Way(Enum):
    """What becomes of a row."""

    MOVE = "its column names the other person from then on"
    JOIN = "it moves, or is joined with the row that the other person has in its place"
    END = "it is deleted"
    STAY = "it stays: it tells what happened, and the pointer says who that is today"


COLUMNS: Final[dict[tuple[str, str], Way]] = {
    ("memberships", "person_id"): Way.JOIN,
    ("role_grants", "person_id"): Way.JOIN,
    ("conflicts_of_interest", "reviewer_id"): Way.JOIN,
    ("lti_platform_users", "person_id"): Way.MOVE,
    ("lti_grade_deliveries", "person_id"): Way.MOVE,
    ("submissions", "person_id"): Way.MOVE,
    ("review_slots", "reviewer_id"): Way.MOVE,
    ("reviews", "reviewer_id"): Way.MOVE,
    ("enrolments", "person_id"): Way.MOVE,
    ("facts", "person_id"): Way.MOVE,
    # Awards before credentials: who accepts one in the same moment has the award's lock.
    ("awards", "person_id"): Way.MOVE,
    ("credentials", "person_id"): Way.MOVE,
    ("wallet_exchanges", "person_id"): Way.MOVE,
    ("credential_links", "person_id"): Way.MOVE,
    ("renewal_requests", "person_id"): Way.MOVE,
    ("published_evidence", "person_id"): Way.MOVE,
    ("badge_batch_lines", "person_id"): Way.MOVE,
    ("badge_newcomers", "person_id"): Way.MOVE,
    ("people", "merged_into_id"): Way.MOVE,
    ("imported_badges", "person_id"): Way.MOVE,
    ("portfolios", "person_id"): Way.JOIN,
    ("own_addresses", "person_id"): Way.MOVE,
    ("quiet_notices", "person_id"): Way.MOVE,
    ("web_sessions", "person_id"): Way.END,
    ("access_links", "person_id"): Way.END,
    ("access_invitations", "person_id"): Way.END,
    ("administrator_links", "person_id"): Way.STAY,
    ("lti_deep_link_requests", "person_id"): Way.STAY,  # of a visit that ends
    ("lti_deep_link_items", "created_by"): Way.STAY,
    ("lti_registration_links", "actor_id"): Way.STAY,
    ("lti_platform_checks", "checked_by"): Way.STAY,
    ("accepted_issuers", "accepted_by"): Way.STAY,
    ("accepted_issuers", "ended_by"): Way.STAY,
    ("badge_batches", "actor_id"): Way.STAY,
    ("outbox_messages", "dropped_by"): Way.STAY,
    ("audit_events", "actor_id"): Way.STAY,
    ("audit_events", "about_id"): Way.STAY,
    ("submission_events", "actor_id"): Way.STAY,
    ("credential_revisions", "actor_id"): Way.STAY,
    ("key_replacements", "actor_id"): Way.STAY,
    ("renewal_requests", "answered_by"): Way.STAY,
    ("endorsements", "actor_id"): Way.STAY,
    ("endorsements", "answered_by"): Way.STAY,
    ("account_links", "first_id"): Way.STAY,
    ("account_links", "second_id"): Way.STAY,
    ("account_links", "cancelled_by_id"): Way.STAY,
}

# Columns without a foreign key that name something else.
NOT_PEOPLE: Final = frozenset(
    {
        "id", "context_id", "copied_from", "current_version_id", "decision_id", "deployment_id",
        "item_id", "lease_token", "organisation_id", "platform_id", "previous_id", "session_id",
        "cursor", "subject_id",
    }
)  # fmt: skip


def undecided() -> set[tuple[str, str]]:
    """Columns of the tables that name a person, or may, and are not in COLUMNS."""
    return {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if _may_name_a_person(column) and (table.name, column.name) not in COLUMNS
    }


def _may_name_a_person(column: Any) -> bool:
    targets = {key.column.table.name for key in column.foreign_keys}
    if targets:
        return "people" in targets
    return isinstance(column.type, Uuid) and column.name not in NOT_PEOPLE


def table_of(name: str) -> Table:
    """The table called so; every model is imported before the first query."""
    return Base.metadata.tables[name]
