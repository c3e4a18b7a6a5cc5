"""Business time comes from an injected clock, so that tests own it. Monotonic waits do not pass through here.

It is the database's time, since a machine's clock may be wrong: all processes of a service then agree on what is due and who
holds a lease. What came first is never asked of a clock; versions and the order of records say it.
"""

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol

from conduit_chassis.postgres import Queryable


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def latest(self) -> datetime:
        """The latest that it may be now. Only what lies beyond it lies in the future."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)

    def latest(self) -> datetime:
        """The same."""
        return self.now()


_NOW = "SELECT clock_timestamp()"
DOUBT_SECONDS = 1.0
"""An answer that took longer says little, and is not heeded once a better one is known."""


class DatabaseClock:
    """The database's time, looked up now and then and carried on by a clock that nobody sets."""

    def __init__(self, machine: Clock | None = None) -> None:
        self._machine = machine or SystemClock()
        self._known: tuple[datetime, float] | None = None

    async def look(self, connection: Queryable) -> float | None:
        """Ask the database; returns by how many seconds the machine's clock is ahead of it, None where that is not known."""
        asked = monotonic()
        told: datetime = await connection.fetchval(_NOW)
        answered = monotonic()
        doubtful = answered - asked > DOUBT_SECONDS
        if self._known is None or not doubtful:
            self._known = (told, (asked + answered) / 2)
        return None if doubtful else (self._machine.now() - self.now()).total_seconds()

    def now(self) -> datetime:
        """The present moment, aware, in UTC. Before the first look it is the machine's."""
        if self._known is None:
            return self._machine.now()
        told, then = self._known
        return told + timedelta(seconds=monotonic() - then)

    def latest(self) -> datetime:
        """The database's time or the machine's, whichever is later."""
        return max(self.now(), self._machine.latest())
