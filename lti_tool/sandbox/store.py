"""The practice LMS's own SQLite file: what it must remember between two runs.

Write-ahead logging, one short connection per piece of work, and immediate write transactions, so
that a server with several threads or processes can share the file.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lti_tool.sandbox.errors import SandboxDataError

SCHEMA_VERSION = 2
BUSY_TIMEOUT_SECONDS = 15.0

_SCHEMA = """
CREATE TABLE resource_links (
    id TEXT PRIMARY KEY,
    course_id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    target_link_uri TEXT NOT NULL,
    custom TEXT NOT NULL,
    share_name INTEGER NOT NULL,
    share_email INTEGER NOT NULL,
    position INTEGER NOT NULL,
    shown INTEGER NOT NULL,
    item_made INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE line_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    course_id TEXT NOT NULL,
    resource_link_id TEXT REFERENCES resource_links (id),
    label TEXT NOT NULL,
    score_maximum REAL NOT NULL,
    resource_id TEXT NOT NULL DEFAULT '',
    tag TEXT NOT NULL DEFAULT '',
    start_at TEXT NOT NULL DEFAULT '',
    end_at TEXT NOT NULL DEFAULT ''
);
CREATE TABLE scores (
    line_item_id INTEGER NOT NULL REFERENCES line_items (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    score_given REAL,
    score_maximum REAL,
    comment TEXT NOT NULL,
    activity_progress TEXT NOT NULL,
    grading_progress TEXT NOT NULL,
    stamped_at TEXT NOT NULL,
    received_at TEXT NOT NULL,
    PRIMARY KEY (line_item_id, user_id)
);
CREATE TABLE launch_hints (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    resource_link_id TEXT NOT NULL,
    target TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE TABLE access_tokens (
    digest TEXT PRIMARY KEY,
    scopes TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE TABLE assertion_ids (
    jti TEXT PRIMARY KEY,
    expires_at TEXT NOT NULL
);
"""
# What came with version 2: links picked in the tool, courses duplicated, other messages.
_SINCE_2 = """
ALTER TABLE resource_links ADD COLUMN picked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE resource_links ADD COLUMN shown_in TEXT NOT NULL DEFAULT '';
ALTER TABLE resource_links ADD COLUMN due_at TEXT NOT NULL DEFAULT '';
ALTER TABLE resource_links ADD COLUMN copied_from TEXT NOT NULL DEFAULT '';
CREATE TABLE message_hints (
    id TEXT PRIMARY KEY,
    message TEXT NOT NULL,
    person_id TEXT NOT NULL,
    course_id TEXT NOT NULL,
    resource_link_id TEXT NOT NULL,
    line_item_id INTEGER,
    about_id TEXT NOT NULL,
    target TEXT NOT NULL,
    answered INTEGER NOT NULL DEFAULT 0,
    expires_at TEXT NOT NULL
);
"""


class Store:
    """Opens the database, making it at the first run.

    Args:
        path: the SQLite file; its folder must exist.

    Raises:
        SandboxDataError: the file cannot be opened or was written by another version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise SandboxDataError(f"{path} cannot be used: {error}") from error

    def _prepare(self) -> None:
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        with self.write() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            missing = {0: _SCHEMA + _SINCE_2, 1: _SINCE_2}.get(version)
            if missing is not None:
                for statement in filter(None, map(str.strip, missing.split(";"))):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise SandboxDataError(
                    f"{self._path} was written by another version of the practice LMS. "
                    "Move it away, or choose another folder."
                )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection whose reads see one moment."""
        connection = self._connect()
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection in a write transaction: kept on return, undone on an exception."""
        connection = self._connect()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            # Closing rolls back whatever was not committed.
            connection.close()
