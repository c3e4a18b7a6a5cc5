"""Events are written in the transaction that makes them true, and reach Kafka afterwards, in that order per key.

Those that say that a child is in danger reach it first, unless they would overtake an event of their own key.

Take the row lock of what an event is about before publishing: then ids follow commits for its key.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime
from math import inf
from typing import Any, NamedTuple

from conduit_chassis import facts
from conduit_chassis.errors import MessageTooLargeError, TooMuchAtOnceError
from conduit_chassis.headers import EventHeaders
from conduit_chassis.observers import NO_EVENT_OBSERVER, EventObserver
from conduit_chassis.postgres import Connection, insert
from conduit_chassis.trace import child
from conduit_contracts import danger
from conduit_contracts.envelope import Attributes, Message, dump
from conduit_contracts.ids import uuid7_text
from conduit_contracts.problems import Problem

# What Kafka refused waits as well: it may come back.
_WAIT = """
SELECT key FROM outbox WHERE key = ANY($1::bytea[]) AND NOT danger
UNION SELECT key FROM outbox_rejected WHERE key = ANY($1::bytea[]) AND NOT danger
"""

MOST_WAITING = 4 * 1024 * 1024
"""Bytes of events that a transaction keeps in memory before it writes them."""


class Row(NamedTuple):
    """An event to be sent."""

    shard: int
    topic: str
    key: bytes | None
    headers: str
    value: bytes | None
    acted_at: datetime | None = None
    """When the act happened that a promise counts from, where this event keeps one."""
    danger: bool = False
    """Whether it is sent before others."""
    fact: bytes | None = None
    """What is kept of it once Kafka has it. See `facts`."""
    late: bool = False
    """Whether it is sent only while nothing else waits."""


COLUMNS = ", ".join(Row._fields)
"""What an event is, wherever it waits."""


class DeadLetterRequest(NamedTuple):
    """A record that a handler puts aside, and why."""

    incoming: Any
    problem: Problem


class Outbox:
    """What one transaction will publish. Nothing leaves before the transaction commits."""

    def __init__(
        self,
        service: str,
        now: datetime,
        *,
        shards: int = 1,
        max_bytes: int = 1_900_000,
        observer: EventObserver = NO_EVENT_OBSERVER,
    ) -> None:
        self._shards = shards
        self._max_bytes = max_bytes
        self._observer = observer
        self._headers = EventHeaders(f"/conduit/{service}", now)
        self.rows: list[Row] = []
        self.waiting_bytes = 0
        """Of the values in `rows`, which a handler may flush before the transaction ends."""
        self.flushed = 0
        self.most_bytes = inf
        """Of all values that the transaction writes, flushed or not."""
        self._bytes = 0
        self.put_aside: list[DeadLetterRequest] = []

    @property
    def written(self) -> int:
        """Bytes of all values that the transaction writes, flushed or not."""
        return self._bytes

    def publish(
        self,
        topic: str,
        key: str,
        message: Message,
        *,
        subject: str | None = None,
        cause: Attributes | None = None,
        acted_at: datetime | None = None,
    ) -> str:
        """Publish a message; returns the event's id. Its trace carries on from `cause`.

        `acted_at` is when the act happened that the message answers, where a promise says how soon it must.

        Raises:
            MessageTooLargeError: no topic would take it.
        """
        event_id = uuid7_text()
        traceparent = self._observer.created(topic, message, event_id, subject, cause)
        value = dump(message)
        if len(value) > self._max_bytes:
            raise MessageTooLargeError(f"{message.type} has {len(value)} bytes")
        headers = self._headers.of(message.type, event_id, subject, traceparent)
        self.add(topic, key.encode(), headers, value, acted_at, fact=facts.kept_of(message))
        return event_id

    def empty(self, topic: str, key: str, message: type[Message], *, cause: Attributes | None = None) -> str:
        """Have nothing stand any more under this key of a compacted topic; returns the record's id. `message` stood."""
        event_id = uuid7_text()
        headers = self._headers.of(message.type, event_id, None, child(cause.traceparent if cause else None))
        self.add(topic, key.encode(), headers, None)
        return event_id

    def mark(self, *headers: tuple[str, str]) -> None:
        """Give the event that was published last these headers, too. A value is one line of text."""
        more = "".join(f"\n{name}:{value}" for name, value in headers)
        self.rows[-1] = self.rows[-1]._replace(headers=self.rows[-1].headers + more)

    def dead_letter(self, incoming: Any, problem: Problem) -> None:
        """Put a Delivery or Refusal aside. Later records of its key wait behind it from the next batch on."""
        self.put_aside.append(DeadLetterRequest(incoming, problem))

    def add(
        self,
        topic: str,
        key: bytes | None,
        headers: str,
        value: bytes | None,
        acted_at: datetime | None = None,
        *,
        fact: bytes | None = None,
        late: bool = False,
    ) -> None:
        """Add a record that is already encoded. A late one never says danger: what it says was said before.

        Raises:
            TooMuchAtOnceError: the transaction would write too much.
        """
        size = len(value or b"")
        self._bytes += size
        if self._bytes > self.most_bytes:
            raise TooMuchAtOnceError
        self.rows.append(Row(shard_of(key, self._shards), topic, key, headers, value, acted_at, fact=fact, late=late))
        self.waiting_bytes += size

    def take_back(self, rows: int) -> None:
        """Publish nothing of what was added since this many rows waited."""
        gone = sum(len(row.value or b"") for row in self.rows[rows:])
        self._observer.taken_back(len(self.rows) - rows)
        del self.rows[rows:]
        self.waiting_bytes -= gone
        self._bytes -= gone

    async def flush(self, connection: Connection) -> int:
        """Write all rows that wait in one statement; returns how many the transaction has written so far."""
        await self._observer.writing(connection)
        rows, self.rows = self.rows, []
        self.waiting_bytes = 0
        if any(_says_danger(row) for row in rows):
            rows = await _danger_first(connection, rows)
        await insert(connection, "outbox", Row._fields, rows)
        self.flushed += len(rows)
        return self.flushed

    async def spill(self, connection: Connection) -> None:
        """Write what waits, where that is more than should lie in memory until the transaction's end."""
        if self.waiting_bytes > MOST_WAITING:
            await self.flush(connection)

    def committed(self) -> None:
        """The transaction was committed."""
        self._observer.committed()


async def _danger_first(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    """The rows, with those marked that say danger and follow nothing of their key.

    Whoever wrote of a key before had its row lock and has committed, so what waits of it is seen here.
    """
    keys = {row.key for row in rows if row.key is not None and _says_danger(row)}
    waiting = {found["key"] for found in await connection.fetch(_WAIT, list(keys))}
    marked: list[Row] = []
    for row in rows:
        first = _says_danger(row) and row.key not in waiting
        if not first:
            waiting.add(row.key)
        marked.append(row._replace(danger=first))
    return marked


def _says_danger(row: Row) -> bool:
    return not row.late and danger.plainly(row.value)


def shard_of(key: bytes | None, shards: int) -> int:
    """The shard that keeps a key's order."""
    return 0 if key is None or shards == 1 else zlib.crc32(key) % shards
