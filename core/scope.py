"""Who may see which rows: every owned row stands in the tree of organisations.

`Owned` rows carry their owner and its materialised path (`/<id>/<id>/`). Content is visible
downwards: a school sees what its district made. People's rows are visible upwards: a district that
was granted its scope sees its schools' rows, never the other way.
A `do_orm_execute` hook adds the condition to every ORM statement and refuses a statement on owned
rows when the session has neither a scope nor a stated reason to look across.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import ForeignKey, String, event
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    declared_attr,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors


class ScopeMissingError(RuntimeError):
    """A programmer's fault: owned rows were asked for without a scope or a reason."""


@dataclass(frozen=True)
class Scope:
    """The organisation on whose behalf a session reads. `path` is its materialised path."""

    organisation_id: uuid.UUID
    path: str
    ancestors: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        parts = [part for part in self.path.split("/") if part]
        paths = tuple("/" + "/".join(parts[: n + 1]) + "/" for n in range(len(parts)))
        object.__setattr__(self, "ancestors", paths)


def same_tree(one: str, other: str) -> bool:
    """Whether two materialised paths stand in one tree of organisations."""
    return one.split("/", 2)[1] == other.split("/", 2)[1]


class Owned:
    """A row with an owner in the tree. Use `OwnedContent` or `OwnedByPeople`."""

    __abstract__ = True
    owner_path: Mapped[str] = mapped_column(String(400), index=True)

    @declared_attr
    def owner_id(cls) -> Mapped[uuid.UUID]:  # noqa: N805 - SQLAlchemy passes the class
        """The organisation that owns the row."""
        return mapped_column(ForeignKey("organisations.id"), index=True)


class OwnedContent(Owned):
    """Made by an organisation; seen by it, by all below, and by those above who answer for it."""

    __abstract__ = True


class OwnedByPeople(Owned):
    """Of people; seen within the organisation and, where granted, from above."""

    __abstract__ = True


_SCOPE, _REASON = "milepost_scope", "milepost_unscoped"


class ScopedSession(Session):
    """A session that sees what its scope may see; the hook below holds for all of them."""


def install_scoping(session: ScopedSession, scope: Scope | None) -> None:
    """Give the session its scope."""
    session.info[_SCOPE] = scope


@contextmanager
def unscoped(session: Session, reason: str) -> Iterator[None]:
    """Look across organisations inside the block; `reason` is for the reader of the code."""
    if not reason:
        raise ValueError("say why this looks across organisations")
    before = session.info.get(_REASON)
    session.info[_REASON] = reason
    try:
        yield
    finally:
        session.info[_REASON] = before


def set_scope(session: Session, scope: Scope) -> None:
    """Narrow a session that began without a scope, once it is known on whose behalf it works."""
    if session.info.get(_SCOPE) not in (None, scope):
        raise ScopeMissingError("this session already has another scope")
    session.info[_SCOPE] = scope


def scope_of(session: Session) -> Scope:
    """The session's scope. Raises ScopeMissingError without one."""
    scope: Scope | None = session.info.get(_SCOPE)
    if scope is None:
        raise ScopeMissingError("this session has no scope")
    return scope


def _enforce(state: ORMExecuteState) -> None:
    if state.is_column_load or state.is_relationship_load or state.is_insert:
        return  # of a row that was already let through, or a new one
    session = state.session
    if session.info.get(_REASON):
        return
    scope: Scope | None = session.info.get(_SCOPE)
    if scope is None:
        _refuse_owned(state)
        return
    path, ancestors, below = scope.path, list(scope.ancestors), scope.path + "%"

    def content(cls: Any) -> Any:
        return cls.owner_path.in_(ancestors) | cls.owner_path.like(below)

    def people(cls: Any) -> Any:
        return (cls.owner_path == path) | cls.owner_path.like(below)

    # Always, not only where the result has owned rows: a count has no mapper of its own.
    state.statement = state.statement.options(
        with_loader_criteria(OwnedContent, content, include_aliases=True),
        with_loader_criteria(OwnedByPeople, people, include_aliases=True),
    )


def _refuse_owned(state: ORMExecuteState) -> None:
    names: set[str] = set()
    for element in visitors.iterate(cast(Any, state.statement)):
        mapper = getattr(element, "_annotations", {}).get("parententity")
        kind = getattr(mapper, "class_", None)
        if kind is not None and issubclass(kind, Owned):
            names.add(kind.__name__)
    if names:
        listed = ", ".join(sorted(names))
        raise ScopeMissingError(f"{listed}: open the session with a scope, or say unscoped(reason)")


# On the class and not on each session: adding a listener costs as much as a query.
event.listen(ScopedSession, "do_orm_execute", _enforce)
