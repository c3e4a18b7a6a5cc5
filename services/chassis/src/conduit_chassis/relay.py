"""One relay per shard takes events from the outbox to Kafka, in order per key, again and again until confirmed.

It scans all unsent rows from the lowest id. A cursor would skip rows whose transactions commit late, and would then
break a key's order. A session-level advisory lock keeps a shard to one relay; if two ever overlap, what they send twice
has the same ids, and the first copies are still in order.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, time

import structlog
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from conduit_chassis import facts, metrics, postgres
from conduit_chassis.backoff import jittered
from conduit_chassis.errors import class_name
from conduit_chassis.health import Health
from conduit_chassis.held import Holds, Trial, concerns_its_topic, find
from conduit_chassis.in_flight import SLOW_SECONDS, InFlight, NotTaken
from conduit_chassis.outbox import COLUMNS
from conduit_chassis.postgres import Connection
from conduit_chassis.producer import REFUSALS, BehindRefusedError, Pending, Producer, Sent
from conduit_chassis.scan import Scan
from conduit_chassis.settings import Settings
from conduit_contracts.topics import REGISTRY

_ANY_REFUSED = "SELECT EXISTS (SELECT FROM outbox_rejected WHERE shard = $1)"
_DELETE = "DELETE FROM outbox WHERE shard = $1 AND id = ANY($2::bigint[])"
_REJECT = f"""
WITH gone AS (DELETE FROM outbox WHERE shard = $1 AND id = ANY($2::bigint[]) RETURNING id, {COLUMNS})
INSERT INTO outbox_rejected (id, {COLUMNS}, reason) SELECT id, {COLUMNS}, $3 FROM gone
"""  # noqa: S608 - constants
_SIZE = "SELECT pg_relation_size('outbox')"
_VACUUM = "VACUUM (SKIP_LOCKED, TRUNCATE FALSE) outbox"
_LOCK = "SELECT pg_try_advisory_lock(hashtext('conduit.outbox'), $1)"

STANDBY_SECONDS = 0.5
TIDY_AFTER_ROWS = 5_000
TIDY_MOST_BYTES = 64 * 1024 * 1024
LOOK_SECONDS = 1.0
"""How often it is asked, while refused events wait for a person, whether they still do."""
PATIENCE_SECONDS = 5.0
"""So long a topic may keep a producer waiting while Kafka answers for others."""

_log = structlog.get_logger()


class RoundFailed(Exception):  # noqa: N818 - an outcome
    """Rows of a round are unsent or unknown. They stay in the outbox and are sent again by a new producer."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(class_name(error))
        self.error = error


class _NewProducer(Exception):  # noqa: N818 - an outcome
    """Topics are held, and what their batches leave behind in the producer must not go out with the others'."""


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
        self._holds = Holds(self._new_producer, self.wake)
        self._outbox = Scan(shard, settings.relay_batch)
        self._failures = 0
        self._deleted = 0
        self._any_refused = True
        self._looked_at = 0.0
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
        try:
            await self._keep_leading()
        finally:
            self._holds.forget()

    async def _keep_leading(self) -> None:
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
            # Rows are wanted in the order of the index. By a bitmap they would come in the table's, and be sorted whole.
            enable_bitmapscan="off",
        )
        try:
            if await self._take_lead(connection):
                while not await self._publish(connection):
                    pass
        finally:
            metrics.RELAY_LEADS.labels(self._shard).set(0)
            await self._holds.end()
            with suppress(Exception):
                await connection.close(timeout=2)

    async def _take_lead(self, connection: Connection) -> bool:
        while not await connection.fetchval(_LOCK, self._shard):
            self._holds.forget()
            self._health.recovered(self._part)
            if self._draining:
                return False
            await asyncio.sleep(STANDBY_SECONDS)
        self._any_refused, self._looked_at = True, 0.0
        metrics.RELAY_LEADS.labels(self._shard).set(1)
        return True

    async def _publish(self, connection: Connection) -> bool:
        """Publish until drained, which is true, or until the producer must be replaced, which is false."""
        producer = self._new_producer()
        try:
            await producer.start()
            in_flight = InFlight(producer, self.wake)
            try:
                await self._rounds(connection, producer, in_flight)
            except (KafkaError, TimeoutError, NotTaken, _NewProducer) as error:
                await in_flight.abandon()
                await producer.discard()
                await self._settle(connection, in_flight.sent)
                if isinstance(error, NotTaken):
                    self._holds.hold(error.topic, error.error)
                elif not isinstance(error, _NewProducer):
                    raise RoundFailed(error) from error
                return False
            finally:
                await in_flight.abandon()
        finally:
            await producer.discard()
        return True

    async def _rounds(self, connection: Connection, producer: Producer, in_flight: InFlight) -> None:
        while True:
            # Read before the scan: what this process committed until it was asked to end is then seen by the scan.
            draining = self._draining
            self._wake.clear()
            await self._tend_held(connection)
            rows = await self._scan(connection, producer, in_flight)
            full, before = self._outbox.fills_a_round(rows), in_flight.sent
            await in_flight.send(rows)
            del rows  # the producer has them: they need not lie here for as long as they are on their way
            # The round before is confirmed only now: while it was on its way, this one was read and sent.
            sent = await self._confirm(connection, in_flight, before)
            # Others go on committing, and this process may: who drains ends with the first scan that found less than all.
            if full or (self._wake.is_set() and not draining):
                continue
            sent += await self._confirm(connection, in_flight, in_flight.sent)
            await self._tidy(connection)
            if draining:
                await in_flight.wait_for_all(self._settings.relay_confirm_seconds)
                await self._confirm(connection, in_flight, in_flight.sent)
                return
            if sent:
                self._pause_ms = self._settings.relay_poll_ms
            elif not in_flight.slow:
                self._works()  # also where nothing waits: after an outage a quiet service must not stay unready
            await self._rest()

    async def _scan(self, connection: Connection, producer: Producer, in_flight: InFlight) -> list[Pending]:
        passed_over = [*self._holds.topics, *in_flight.slow]
        await self._look_for_refused(connection)
        rows = await self._outbox.but(connection, passed_over, in_flight.ids, any_refused=self._any_refused)
        for topic in {row.topic for row in rows}:
            if not producer.knows(topic) and not await find(producer, topic):
                self._holds.hold(topic, UnknownTopicOrPartitionError(topic))
        return [row for row in rows if row.topic not in self._holds.topics]

    async def _look_for_refused(self, connection: Connection) -> None:
        """Ask only while there are any: this process alone refuses what it leads, and operators decide on it."""
        if self._any_refused and monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = monotonic()
            self._any_refused = await connection.fetchval(_ANY_REFUSED, self._shard)

    async def _tend_held(self, connection: Connection) -> None:
        """Heed what came of trying held topics, and try those whose time has come."""
        for trial in self._holds.finished():
            await self._heed(connection, trial)
        for topic, singly_to in self._holds.due():
            self._holds.begin(topic, await self._outbox.of(connection, topic, singly_to, any_refused=self._any_refused))

    async def _heed(self, connection: Connection, trial: Trial) -> None:
        await self._delete(connection, trial.confirmed)
        for batch, error in trial.refused:
            await self._give_up(connection, batch, error)
        self._holds.settle(trial)

    async def _confirm(self, connection: Connection, in_flight: InFlight, batches: Sequence[Sent]) -> int:
        """Wait for the batches and deal with all that Kafka has answered; returns how many it confirmed.

        Raises:
            KafkaError: the producer failed.
            NotTaken: it did not take a topic's rows.
            TimeoutError: Kafka answers nothing.
            _NewProducer: topics are held from now on.
        """
        await in_flight.confirm(batches)
        answered = in_flight.take_answered()
        good = [batch for batch in answered if _error(batch) is None]
        await self._delete(connection, good)
        if good:
            self._works()
        failed = [batch for batch in answered if _error(batch) is not None]
        if failed:
            await in_flight.wait_for_all(SLOW_SECONDS)
            in_flight.sent += failed
            raise next((error for batch in failed if not concerns_its_topic(error := _failure(batch))), _NewProducer())
        self._heed_silence(in_flight)
        return len(good)

    def _heed_silence(self, in_flight: InFlight) -> None:
        """Hold topics that Kafka does not answer for: soon where it answers for others, as then the producer works."""
        late = in_flight.unanswered(min(PATIENCE_SECONDS, self._settings.relay_confirm_seconds))
        passed = {batch.topic for batch in late if batch.since <= in_flight.answered_at}
        waiting = in_flight.unanswered(self._settings.relay_confirm_seconds)
        silent = {batch.topic for batch in waiting if batch.since > in_flight.answered_at}
        for topic in passed | silent:
            self._holds.hold(topic, TimeoutError())
        if silent:
            raise TimeoutError
        if passed:
            raise _NewProducer

    def _works(self) -> None:
        self._failures = 0
        self._health.recovered(self._part)

    async def _delete(self, connection: Connection, sent: Sequence[Sent]) -> None:
        ids = [number for batch in sent for number in batch.ids]
        if any(facts.concerns(batch.topic) for batch in sent):
            await facts.move(connection, self._shard, sent)
        elif ids:
            await connection.execute(_DELETE, self._shard, ids)
        self._deleted += len(ids)
        for batch in sent:
            _compare_clocks(batch)
            metrics.RELAYED.labels(template(batch.topic)).inc(len(batch.ids))
            since = monotonic() - batch.since
            if facts.is_snapshot(batch.topic):  # what can wait says nothing of how quick the others are
                continue
            metrics.RELAY_SECONDS.observe(batch.age + since)
            for act_age in batch.acts:
                metrics.DISSEMINATION_SECONDS.observe(act_age + since)

    async def _tidy(self, connection: Connection) -> None:
        """Have the place of deleted rows used again soon, so that the table stays small enough to lie in memory.

        Until a vacuum, new rows take new pages, which costs the database as much again as all else that is done with a row
        (decision 19), and autovacuum comes once a minute at most. A table that grew in an outage would hold the relay up, so
        it is left to autovacuum.
        """
        if self._deleted >= TIDY_AFTER_ROWS:
            self._deleted = 0
            if await connection.fetchval(_SIZE) <= TIDY_MOST_BYTES:
                await connection.execute(_VACUUM)

    async def _settle(self, connection: Connection, sent: Sequence[Sent]) -> None:
        """After a failure: delete what is confirmed, judge what Kafka refused, hold the topics that it does not serve."""
        await self._delete(connection, [batch for batch in sent if _error(batch) is None])
        for batch in sent:
            error = _error(batch)
            if isinstance(error, REFUSALS):
                await self._judge(connection, batch, error)
            elif isinstance(error, BehindRefusedError):
                continue
            elif error is not None and concerns_its_topic(error) and batch.topic not in self._holds.topics:
                self._holds.hold(batch.topic, error)

    async def _judge(self, connection: Connection, batch: Sent, error: BaseException) -> None:
        if len(batch.ids) > 1:
            self._holds.hold_singly(batch.topic, max(batch.ids))
        else:
            await self._give_up(connection, batch, error)

    async def _give_up(self, connection: Connection, batch: Sent, error: BaseException) -> None:
        await connection.execute(_REJECT, self._shard, batch.ids, class_name(error))
        self._any_refused, self._looked_at = True, 0.0
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


def _compare_clocks(batch: Sent) -> None:
    """The broker stamped the batch between its sending and now: how far that is from what our clock says of both."""
    stamp = batch.future.result().timestamp / 1000
    if stamp > 0:
        now = time()
        sent = now - (monotonic() - batch.since)
        ahead = sent - stamp if stamp < sent else min(0.0, now - stamp)
        metrics.CLOCK_AHEAD.labels("broker").set(ahead)


def _failure(batch: Sent) -> BaseException:
    return _error(batch) or TimeoutError()


_templates: dict[str, str] = {}


def template(name: str) -> str:
    """What metrics may show of a topic: its template, or its name where it stands once."""
    if name not in _templates:
        found = (topic.template for topic in REGISTRY if topic.match(name) is not None)
        _templates[name] = next(found, name)
    return _templates[name]
