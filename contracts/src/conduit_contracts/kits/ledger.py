"""What a connector remembers about each message, so that a repeated message takes effect once.

The stages are kept before and after the handler. Between them lies the one moment that no ledger can see: a crash then
leaves `BEGUN`, the handler is called again, and the message says so (`Delivery.redelivered`).
"""

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Protocol

KEPT = timedelta(days=180)
"""Twice as long as messages stay on a force's topic."""


class Stage(IntEnum):
    """How far the handling of a message has got."""

    NEW = 0
    BEGUN = 1
    """The handler was called, and may not have finished."""
    STORED = 2
    """The handler has finished: the message has taken effect."""
    CONFIRMED = 3
    """The hub has been told."""


class Ledger(Protocol):
    """Durable: what `mark` has returned from must survive a crash."""

    async def stage(self, event_id: str) -> Stage:
        """How far the handling of the message has got."""
        ...

    async def mark(self, event_id: str, stage: Stage) -> None:
        """Record this stage. A stage never goes back."""
        ...


class SqliteLedger:
    """In a file. Several processes may share it."""

    def __init__(self, path: str | Path, *, keep: timedelta = KEPT) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS messages (event_id TEXT PRIMARY KEY, stage INTEGER NOT NULL, at TEXT NOT NULL)"
        )
        oldest = datetime.now(UTC) - keep
        self._connection.execute("DELETE FROM messages WHERE at < ?", (oldest.isoformat(),))

    async def stage(self, event_id: str) -> Stage:
        """How far the handling of the message has got."""
        row = self._connection.execute("SELECT stage FROM messages WHERE event_id = ?", (event_id,)).fetchone()
        return Stage(row[0]) if row else Stage.NEW

    async def mark(self, event_id: str, stage: Stage) -> None:
        """On disk when it returns."""
        self._connection.execute(
            "INSERT INTO messages VALUES (?, ?, ?) ON CONFLICT (event_id) DO UPDATE SET stage = max(stage, excluded.stage)",
            (event_id, int(stage), datetime.now(UTC).isoformat()),
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class OwnRecords:
    """For a handler that keeps the event id in its own database, in the transaction that stores the case: then there is no
    moment between, and each message takes effect exactly once. `seen` asks that database."""

    def __init__(self, seen: Callable[[str], Awaitable[bool]]) -> None:
        self._seen = seen

    async def stage(self, event_id: str) -> Stage:
        """STORED or NEW. A receipt may be sent again, under the same event id."""
        return Stage.STORED if await self._seen(event_id) else Stage.NEW

    async def mark(self, event_id: str, stage: Stage) -> None:
        """Does nothing: the handler has recorded it."""
