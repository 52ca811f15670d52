"""The rows of one person become another's, table by table as `columns` says.

Plain statements and no mapped rows: what is moved is whose a row is, never what it says, and the
guards of history watch over the latter.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Text, cast, delete, select, update
from sqlalchemy.orm import Session

from badges.pathways.models import Enrolment, Pathway
from lti_tool.learning.accounts import obstacles
from lti_tool.learning.accounts.columns import COLUMNS, Way, table_of


def move(session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID) -> dict[str, int]:
    """Move every row of `gone_id`; returns how many by table. The caller holds the locks."""
    moved: dict[str, int] = {}
    joins = {
        "memberships": _join_memberships,
        "role_grants": _join_grants,
        "conflicts_of_interest": _join_conflicts,
        "portfolios": _join_portfolios,
    }
    connection = session.connection()
    for (name, column), way in COLUMNS.items():
        table = table_of(name)
        if way is Way.JOIN:
            joins[name](session, kept_id, gone_id)
        if way in (Way.JOIN, Way.MOVE):
            statement: Any = (
                update(table).where(table.c[column] == gone_id).values({column: kept_id})
            )
        elif way is Way.END:
            statement = delete(table).where(table.c[column] == gone_id)
        else:
            continue
        number = connection.execute(statement).rowcount
        if number:
            moved[name] = moved.get(name, 0) + number
    return moved


def leave_doubled_enrolments(session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID) -> None:
    """Of two enrolments in one pathway the one that led somewhere stays, else the older one."""
    own = {person_id: obstacles.own(session, person_id) for person_id in (kept_id, gone_id)}
    rows = session.execute(
        select(Enrolment, Pathway.achievement_id)
        .join(Pathway, Pathway.id == Enrolment.pathway_id)
        .where(Enrolment.person_id.in_((kept_id, gone_id)), Enrolment.state != "left")
        .execution_options(populate_existing=True)
    ).unique()
    by_pathway: dict[uuid.UUID, list[tuple[Any, Enrolment]]] = {}
    for enrolment, achievement_id in rows:
        rank = (
            enrolment.state != "completed",
            achievement_id not in own[enrolment.person_id],
            enrolment.enrolled_at,
            enrolment.id,
        )
        by_pathway.setdefault(enrolment.pathway_id, []).append((rank, enrolment))
    for ranked in by_pathway.values():
        ranked.sort(key=lambda pair: pair[0])
        winner = ranked[0][1].person_id
        for _rank, enrolment in ranked:
            if enrolment.person_id != winner and enrolment.state == "active":
                enrolment.state, enrolment.next_eval_at = "left", None


def drop_drafts(session: Session, reviews: Sequence[uuid.UUID]) -> None:
    """Delete reviews that were never handed in, with their scores."""
    scores, table = table_of("criterion_scores"), table_of("reviews")
    connection = session.connection()
    connection.execute(delete(scores).where(scores.c.review_id.in_(reviews)))
    connection.execute(delete(table).where(table.c.id.in_(reviews)))


def readdress_jobs(session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID) -> None:
    """What is still to be delivered for the second person is the first one's from now on."""
    table = table_of("outbox_messages")
    connection = session.connection()
    rows = connection.execute(
        select(table.c.id, table.c.payload).where(
            table.c.state != "done", cast(table.c.payload, Text).contains(str(gone_id))
        )
    ).all()
    for row in rows:
        payload = _renamed(row.payload, str(gone_id), str(kept_id))
        connection.execute(update(table).where(table.c.id == row.id).values(payload=payload))


def _renamed(value: Any, old: str, new: str) -> Any:
    """`value` with `old` replaced by `new` wherever it is a whole text in it."""
    if isinstance(value, dict):
        return {key: _renamed(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, old, new) for item in value]
    return new if value == old else value


def _pairs(session: Session, name: str, who: str, key: Sequence[str], *ids: uuid.UUID) -> list[Any]:
    """Rows of both people in one place: (the first person's, the second's)."""
    table = table_of(name)
    mine, other = table.alias("mine"), table.alias("other")
    same = [mine.c[column].is_not_distinct_from(other.c[column]) for column in key]
    rows = session.connection().execute(
        select(
            *(mine.c[column.name].label(f"mine_{column.name}") for column in table.c),
            *(other.c[column.name].label(f"other_{column.name}") for column in table.c),
        ).where(mine.c[who] == ids[0], other.c[who] == ids[1], *same)
    )
    return list(rows)


def _join_memberships(session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID) -> None:
    """In a course that both are in, the roles of both hold."""
    table = table_of("memberships")
    for row in _pairs(session, "memberships", "person_id", ("context_id",), kept_id, gone_id):
        live = [one for one in ("mine", "other") if getattr(row, f"{one}_state") == "active"]
        values: dict[str, Any] = {
            column: sorted(
                {role for one in live or ["mine"] for role in getattr(row, f"{one}_{column}")}
            )
            for column in ("roles", "lti_roles")
        }
        values["first_seen_at"] = min(row.mine_first_seen_at, row.other_first_seen_at)
        values["last_seen_at"] = max(row.mine_last_seen_at, row.other_last_seen_at)
        values["launched"] = row.mine_launched or row.other_launched
        if live:
            values |= {"state": "active", "left_at": None}
        _replace(session, table, row, values)


def _join_grants(session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID) -> None:
    """Of the same grant the one that stands counts."""
    key = ("owner_id", "context_id", "role", "source")
    for row in _pairs(session, "role_grants", "person_id", key, kept_id, gone_id):
        ended = row.mine_ended_at if row.other_ended_at else None
        _replace(session, table_of("role_grants"), row, {"ended_at": ended})


def _join_conflicts(session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID) -> None:
    key = ("submission_id",)
    for row in _pairs(session, "conflicts_of_interest", "reviewer_id", key, kept_id, gone_id):
        _replace(session, table_of("conflicts_of_interest"), row, {})


def _join_portfolios(session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID) -> None:
    """Of two pages one goes on, an open one if there is one, with the sections of both.

    The other's address leads nowhere from then on, and never to anybody else's page.
    """
    table, addresses = table_of("portfolios"), table_of("portfolio_addresses")
    connection = session.connection()
    pages = connection.execute(select(table).where(table.c.person_id.in_((kept_id, gone_id)))).all()
    if len(pages) < 2:
        return
    stays, goes = sorted(
        pages, key=lambda row: (row.published_at is None, row.person_id != kept_id)
    )
    connection.execute(
        update(addresses).where(addresses.c.portfolio_id == goes.id).values(portfolio_id=stays.id)
    )
    connection.execute(delete(table).where(table.c.id == goes.id))
    connection.execute(
        update(table)
        .where(table.c.id == stays.id)
        .values(sections=[*stays.sections, *goes.sections], version=stays.version + 1)
    )


def _replace(session: Session, table: Any, row: Any, values: dict[str, Any]) -> None:
    """Write `values` to the first person's row, and delete the second's."""
    connection = session.connection()
    if values:
        connection.execute(update(table).where(table.c.id == row.mine_id).values(**values))
    connection.execute(delete(table).where(table.c.id == row.other_id))
