"""One relay per shard takes events from the outbox to Kafka, in order per key, again and again until confirmed.

It scans all unsent rows from the lowest id. A cursor would skip rows whose transactions commit late, and would then
break a key's order. A session-level advisory lock keeps a shard to one relay; if two ever overlap, what they send twice
has the same ids, and the first copies are still in order.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import structlog
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from conduit_chassis import metrics, postgres
from conduit_chassis.backoff import jittered
from conduit_chassis.errors import class_name
from conduit_chassis.health import Health
from conduit_chassis.producer import Pending, Producer, Sent
from conduit_chassis.settings import Settings
from conduit_contracts.topics import REGISTRY

# Written as a subquery, what is under way is looked up in a hash table; an array parameter is searched from end to end for
# every row.
_SCAN = """
SELECT id, topic, key, headers, value, extract(epoch FROM clock_timestamp() - created_at)::float8,
       extract(epoch FROM clock_timestamp() - acted_at)::float8
FROM outbox
WHERE shard = $1 AND id NOT IN (SELECT unnest($2::bigint[])) AND topic <> ALL($3::text[]) ORDER BY id LIMIT $4
"""
_DELETE = "DELETE FROM outbox WHERE shard = $1 AND id = ANY($2::bigint[])"
_REJECT = """
WITH gone AS (DELETE FROM outbox WHERE shard = $1 AND id = ANY($2::bigint[]) RETURNING *)
INSERT INTO outbox_rejected (id, topic, key, headers, value, reason) SELECT id, topic, key, headers, value, $3 FROM gone
"""
_SIZE = "SELECT pg_relation_size('outbox')"
_VACUUM = "VACUUM (SKIP_LOCKED, TRUNCATE FALSE) outbox"
_LOCK = "SELECT pg_try_advisory_lock(hashtext('conduit.outbox'), $1)"

STANDBY_SECONDS = 0.5
TIDY_AFTER_ROWS = 5_000
TIDY_MOST_BYTES = 64 * 1024 * 1024
_REFUSALS = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidTimestampError)
"""What Kafka says to a record that it will never take."""

_log = structlog.get_logger()


class RoundFailed(Exception):  # noqa: N818 - an outcome
    """Rows of a round are unsent or unknown. They stay in the outbox and are sent again by a new producer."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(class_name(error))
        self.error = error


class Relay:
    """Publishes one shard of one service's outbox while it holds the shard's lock."""

    def __init__(
        self, settings: Settings, service: str, shard: int, health: Health, producer: Callable[[], Producer] | None = None
    ) -> None:
        self._settings = settings
        self._service = service
        self._shard = shard
        self._health = health
        self._new_producer = producer or (lambda: Producer(settings, service))
        self._wake = asyncio.Event()
        self._draining = False
        self._missing: dict[str, tuple[int, float]] = {}
        self._singly: set[str] = set()
        self._failures = 0
        self._deleted = 0
        self._pause_ms = settings.relay_poll_ms

    def wake(self) -> None:
        """Look now: something was committed."""
        self._wake.set()

    def drain(self) -> None:
        """Send what is there, then end."""
        self._draining = True
        self._wake.set()

    async def run(self) -> None:
        """Publish until drained or cancelled."""
        while True:
            try:
                await self._lead()
            except Exception as error:  # whatever it was, the rows are still there, and nobody else sends them
                await self._after_failure(error.error if isinstance(error, RoundFailed) else error)
            else:
                return

    async def _after_failure(self, error: BaseException) -> None:
        self._failures += 1
        self._health.failing(self._part, class_name(error))
        metrics.RELAY_ERRORS.labels(class_name(error)).inc()
        _log.warning("relay_failed", shard=self._shard, attempt=self._failures, exc_info=error)
        await asyncio.sleep(jittered(self._failures))

    @property
    def _part(self) -> str:
        return f"relay {self._shard}"

    async def _lead(self) -> None:
        connection = await postgres.connect(
            # A deletion that a crash undoes only sends an event twice, so it need not wait for the disk.
            self._settings,
            f"{self._service}.relay",
            synchronous_commit="off",
        )
        producer = self._new_producer()
        try:
            if await self._take_lead(connection):
                await producer.start()
                await self._publish(connection, producer)
        finally:
            metrics.RELAY_LEADS.labels(self._shard).set(0)
            await producer.discard()
            with suppress(Exception):
                await connection.close(timeout=2)

    async def _take_lead(self, connection: Any) -> bool:
        while not await connection.fetchval(_LOCK, self._shard):
            self._health.recovered(self._part)
            if self._draining:
                return False
            await asyncio.sleep(STANDBY_SECONDS)
        metrics.RELAY_LEADS.labels(self._shard).set(1)
        return True

    async def _publish(self, connection: Any, producer: Producer) -> None:
        in_flight: list[Sent] = []
        while True:
            # Read before the scan: what this process committed until it was asked to end is then seen by the scan.
            draining = self._draining
            self._wake.clear()
            rows = await self._scan(connection, producer, in_flight)
            sent = await self._send(connection, producer, rows, in_flight)
            # The round before is confirmed only now: while it was on its way, this one was read and sent.
            await self._confirm(connection, producer, in_flight, sent)
            in_flight = sent
            # Others go on committing, and this process may: who drains ends with the first scan that found less than all.
            if len(rows) == self._settings.relay_batch or (self._wake.is_set() and not draining):
                continue
            await self._confirm(connection, producer, sent, [])
            in_flight = []
            await self._tidy(connection)
            if draining:
                return
            if sent:
                self._pause_ms = self._settings.relay_poll_ms
            else:
                self._works()  # also where nothing waits: after an outage a quiet service must not stay unready
            await self._rest()

    async def _scan(self, connection: Any, producer: Producer, in_flight: list[Sent]) -> list[Pending]:
        await self._look_for_missing(producer)
        underway = [number for sent in in_flight for number in sent.ids]
        arguments = (self._shard, underway, list(self._missing), self._settings.relay_batch)
        rows = [Pending(*row) for row in await connection.fetch(_SCAN, *arguments)]
        for topic in {row.topic for row in rows}:
            if not producer.knows(topic) and not await self._find(producer, topic):
                self._miss(topic)
        return [row for row in rows if row.topic not in self._missing]

    async def _find(self, producer: Producer, topic: str) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                return await producer.find(topic)
        return False

    def _miss(self, topic: str) -> None:
        tries = self._missing.get(topic, (0, 0.0))[0] + 1
        self._missing[topic] = (tries, monotonic() + jittered(tries))
        metrics.MISSING_TOPICS.set(len(self._missing))
        if tries in (1, 5) or tries % 30 == 0:
            _log.error("topic_missing", topic=topic, attempt=tries)

    async def _look_for_missing(self, producer: Producer) -> None:
        due = [topic for topic, (_, when) in self._missing.items() if when <= monotonic()]
        for topic in due:
            if await self._find(producer, topic):
                del self._missing[topic]
                metrics.MISSING_TOPICS.set(len(self._missing))
            else:
                self._miss(topic)

    async def _send(self, connection: Any, producer: Producer, rows: list[Pending], in_flight: list[Sent]) -> list[Sent]:
        try:
            async with asyncio.timeout(self._settings.relay_confirm_seconds):
                singly = {row.topic for row in rows} & self._singly
                return await producer.send(rows, singly)
        except (KafkaError, TimeoutError) as error:
            await self._settle(connection, producer, in_flight)
            raise RoundFailed(error) from error

    async def _confirm(self, connection: Any, producer: Producer, sent: list[Sent], later: list[Sent]) -> None:
        try:
            async with asyncio.timeout(self._settings.relay_confirm_seconds):
                for batch in sent:
                    await batch.future
        except (KafkaError, TimeoutError) as error:
            await self._settle(connection, producer, [*sent, *later])
            raise RoundFailed(error) from error
        await self._delete(connection, sent)
        if sent:
            self._works()

    def _works(self) -> None:
        self._failures = 0
        self._health.recovered(self._part)

    async def _delete(self, connection: Any, sent: Sequence[Sent]) -> None:
        ids = [number for batch in sent for number in batch.ids]
        if ids:
            await connection.execute(_DELETE, self._shard, ids)
            self._deleted += len(ids)
        for batch in sent:
            metrics.RELAYED.labels(template(batch.topic)).inc(len(batch.ids))
            since = monotonic() - batch.since
            metrics.RELAY_SECONDS.observe(batch.age + since)
            for act_age in batch.acts:
                metrics.DISSEMINATION_SECONDS.observe(act_age + since)

    async def _tidy(self, connection: Any) -> None:
        """Have the place of deleted rows used again soon, so that the table stays small enough to lie in memory.

        Until a vacuum, new rows take new pages, which costs the database as much again as all else that is done with a row
        (decision 24), and autovacuum comes once a minute at most. A table that grew in an outage would hold the relay up, so
        it is left to autovacuum.
        """
        if self._deleted >= TIDY_AFTER_ROWS:
            self._deleted = 0
            if await connection.fetchval(_SIZE) <= TIDY_MOST_BYTES:
                await connection.execute(_VACUUM)

    async def _settle(self, connection: Any, producer: Producer, sent: list[Sent]) -> None:
        """After a failure: end the producer, then delete what is confirmed and judge what Kafka refused."""
        await producer.discard()
        await self._delete(connection, [batch for batch in sent if _error(batch) is None])
        for batch in sent:
            error = _error(batch)
            if isinstance(error, TopicAuthorizationFailedError):
                self._miss(batch.topic)
            elif isinstance(error, _REFUSALS):
                await self._judge(connection, batch, error)

    async def _judge(self, connection: Any, batch: Sent, error: BaseException) -> None:
        if len(batch.ids) > 1:
            self._singly.add(batch.topic)
            return
        await connection.execute(_REJECT, self._shard, batch.ids, class_name(error))
        metrics.DEAD_LETTERS.labels("event_refused").inc()
        _log.error("event_refused_by_kafka", topic=batch.topic, error=class_name(error))

    async def _rest(self) -> None:
        """Until this process commits something, or another may have: ever longer while none does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause_ms / 1000):
                await self._wake.wait()
        self._pause_ms = max(self._settings.relay_poll_ms, min(2 * self._pause_ms, self._settings.relay_idle_ms))


def _error(batch: Sent) -> BaseException | None:
    """Why a batch is not confirmed; None where it is."""
    future = batch.future
    if not future.done() or future.cancelled():
        return TimeoutError()
    error: BaseException | None = future.exception()
    return error


_templates: dict[str, str] = {}


def template(name: str) -> str:
    """What metrics may show of a topic: its template, or its name where it stands once."""
    if name not in _templates:
        found = (topic.template for topic in REGISTRY if topic.match(name) is not None)
        _templates[name] = next(found, name)
    return _templates[name]
