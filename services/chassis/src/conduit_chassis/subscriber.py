"""The consume step, in place of FastStream's.

FastStream's subscriber parses headers before anyone may object, swallows what that raises, and commits or skips by
policies of which each loses some record; it closes the consumer before handlers end. Here raw records go to the
processor, offsets are committed per partition after the batch's transaction, and partitions are given away and consumers
closed only between batches.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic, time
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from faststream.kafka.subscriber.usecase import BatchSubscriber
from typing_extensions import override

from conduit_chassis import lag, metrics
from conduit_chassis.backoff import jittered
from conduit_chassis.errors import Abandoned, class_name
from conduit_chassis.health import Health
from conduit_chassis.kafka import Reader, Record, from_aiokafka
from conduit_chassis.lag import LagMeter
from conduit_contracts.kits.batches import UnreadableBatch
from conduit_contracts.kits.fetching import Consumer

_log = structlog.get_logger()

POLL_MS = 250
LEAVE_SECONDS = 5.0
LOOK_SECONDS = 5.0
"""How often what cannot be read is noted, and who may go on is asked."""
SETTLED_SECONDS = 5.0
"""For how long reading must have gone well before it is said to work."""
SILENT_SECONDS = 10.0
"""Without an answer to a fetch for so long, nobody answers: a broker that has nothing says so within a second."""
MOST_BYTES = 4 * 1024 * 1024
"""Of keys and values in one transaction, beside the first record."""
NEVER = 86_400.0


class Processes(Protocol):
    """What accounts for a batch."""

    wait: Callable[[float], Awaitable[None]]

    async def process(self, records: Sequence[Record]) -> None:
        """Return once every record is accounted for."""

    async def note_held(self, held: Mapping[TopicPartition, UnreadableBatch]) -> Mapping[TopicPartition, int]:
        """Note where reading waits; returns the last offset of each place that is to be passed."""
        ...


class ChassisSubscriber(BatchSubscriber):
    """A FastStream subscriber whose records reach the processor as they came."""

    _processor: Processes
    _reader: Reader
    _health: Health

    def bind(
        self,
        processor: Processes,
        reader: Reader,
        health: Health,
        *,
        rebalance_seconds: float,
        drain_seconds: float,
        gather_seconds: float = 0.0,
        commit_seconds: float = 0.0,
    ) -> None:
        """Say who processes the records."""
        self._processor = processor
        self._reader = reader
        self._health = health
        self._rebalance_seconds = rebalance_seconds
        self._drain_seconds = drain_seconds
        self._gather_seconds = gather_seconds
        self._commit_seconds = commit_seconds
        self._idle = asyncio.Event()
        self._idle.set()
        self._give_up = asyncio.Event()
        self._joined = False
        self._failed_at = -inf
        self._brought_at = monotonic()
        self._looked_at = -inf
        self._pass_to: dict[TopicPartition, int] = {}
        self._held_topics: set[str] = set()
        self._next: dict[TopicPartition, int] = {}
        self._handled: dict[TopicPartition, int] = {}
        self._meter = LagMeter(health, reader.template)
        self._uncommitted: dict[TopicPartition, int] = {}
        self._commit: asyncio.Task[None] | None = None
        self._commit_now = asyncio.Event()
        self._listener = _Listener(self)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        processor.wait = self._wait_polling

    @property
    @override
    def builder(self) -> Callable[..., AIOKafkaConsumer]:
        build: Any = super().builder
        more: dict[str, Any] = {"passes": self._passes, "escaped": self._note_escaped, "most_bytes": MOST_BYTES}
        return partial(Consumer, **build.keywords, **more)

    def _passes(self, partition: TopicPartition, batch: UnreadableBatch) -> bool:
        """An outsider's batch is put aside, and it is told. One of our own is part of many referrals: a person decides."""
        return self._reader.edge(partition.topic) or batch.first <= self._pass_to.get(partition, -1)

    def _note_escaped(self, partition: TopicPartition) -> None:
        metrics.RESCUED.labels(self._reader.template(partition.topic)).inc()

    @override
    async def _run_consume_loop(self, consumer: AIOKafkaConsumer) -> None:
        _fetch_only_when_empty(consumer)
        _gather(consumer, self._gather_seconds)
        try:
            while self.running:
                fetched = await self._poll(consumer)
                # No await between the poll's return and this: a rebalance must see either no batch or a busy one.
                if fetched:
                    self._idle.clear()
                    try:
                        await self._take(consumer, fetched)
                    finally:
                        self._idle.set()
        except ConsumerStoppedError:
            return
        except Exception as error:  # FastStream would start the loop again, whatever ended it
            if not self.failed.done():
                self.failed.set_exception(error)

    async def _take(self, consumer: AIOKafkaConsumer, fetched: Mapping[TopicPartition, Sequence[Record]]) -> None:
        records = [record for found in fetched.values() for record in found]
        for partition, found in fetched.items():
            self._next[partition] = found[-1].offset + 1
            # The consumer's own position is past a batch in flight, and so would hide the lag of one that is stuck.
            self._handled.setdefault(partition, found[0].first_offset)
        try:
            await self._processor.process(records)
        except Abandoned:
            # The partitions come back from their committed offsets, here or elsewhere.
            return
        self._observe_ages(fetched)
        offsets = {partition: found[-1].offset + 1 for partition, found in fetched.items()}
        self._handled |= offsets
        self._uncommitted |= offsets
        self._commit_soon(consumer)

    def _observe_ages(self, fetched: Mapping[TopicPartition, Sequence[Record]]) -> None:
        now = time()
        for partition, found in fetched.items():
            age = max(0.0, now - found[0].timestamp_ms / 1000)
            metrics.RECORD_AGE.labels(self._reader.template(partition.topic)).observe(age)

    def _commit_soon(self, consumer: AIOKafkaConsumer) -> None:
        if self._commit is not None and self._commit.done():
            done, self._commit = self._commit, None
            done.result()  # what nobody foresaw ends the consumer, instead of going unheard
        if self._commit is None:
            self._commit = asyncio.create_task(self._commit_handled(consumer))

    async def _commit_handled(self, consumer: AIOKafkaConsumer) -> None:
        """Commit what was handled, several batches at once: a commit costs the broker as much as a batch's records."""
        while self._uncommitted:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._commit_seconds):
                    await self._commit_now.wait()
            offsets, self._uncommitted = self._uncommitted, {}
            if offsets:  # else the partitions have moved meanwhile
                await self._commit_offsets(consumer, offsets)

    async def _commit_offsets(self, consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
        try:
            await consumer.commit(offsets)
        except (KafkaError, IllegalStateError) as error:
            # The effects are in the database. Whoever gets the records next drops them as duplicates.
            metrics.COMMIT_FAILURES.labels(class_name(error)).inc()
            _log.info("offsets_not_committed", error=error)

    async def _commit_rest(self) -> None:
        """Commit at once what was handled and is not committed."""
        task, self._commit = self._commit, None
        if task is not None:
            self._commit_now.set()
            try:
                await task
            finally:
                self._commit_now.clear()

    async def _poll(self, consumer: AIOKafkaConsumer) -> Mapping[TopicPartition, Sequence[Record]]:
        if passed := await self._look_at_held(consumer):
            return passed
        try:
            fetched = await consumer.fetching.poll(POLL_MS, self.max_records)
        except (ConsumerStoppedError, asyncio.CancelledError):
            raise
        except Exception as error:  # whatever aiokafka raises
            await self._recover(consumer, error)
            return {}
        self._note_poll(consumer, bool(fetched))
        return {partition: [from_aiokafka(raw) for raw in found] for partition, found in fetched.items()}

    def _note_poll(self, consumer: AIOKafkaConsumer, brought: bool) -> None:
        """Say whether reading works. A poll that brings nothing says nothing: only a broker's answer to a fetch does."""
        now, answered_at, assigned = monotonic(), consumer.fetching.answered_at or -inf, consumer.assignment()
        if brought:
            self._brought_at = now
        heard_at = max(answered_at, self._brought_at)
        if assigned and now - heard_at > SILENT_SECONDS:
            self._health.failing("fetch", "no answer")
        elif now - self._failed_at > SETTLED_SECONDS and (heard_at > self._failed_at or not assigned):
            self._health.recovered("fetch")
        # The first assignment may be empty, as topics are not known yet; one that stays empty leaves nothing to wait for.
        nothing_to_read = self._joined and not assigned and now - self._brought_at > SETTLED_SECONDS
        if answered_at > -inf or nothing_to_read:
            self._health.started("consumer")

    async def _look_at_held(self, consumer: AIOKafkaConsumer) -> Mapping[TopicPartition, Sequence[Record]]:
        """Note the partitions that cannot be read, and go on in those where a person says so."""
        held = {partition: each.batch for partition, each in consumer.fetching.held.items()}
        self._show_held(held)
        if not held or monotonic() - self._looked_at < LOOK_SECONDS:
            return {}
        self._looked_at = monotonic()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                passed = await self._processor.note_held(held)
        except Exception as error:  # the others are read all the same
            _log.warning("unreadable_places_not_noted", exc_info=error)
            return {}
        self._pass_to |= passed
        return self._pass(consumer, {partition: held[partition] for partition in passed})

    def _pass(
        self, consumer: AIOKafkaConsumer, held: Mapping[TopicPartition, UnreadableBatch]
    ) -> Mapping[TopicPartition, Sequence[Record]]:
        """What the broker gives is fetched again, and then passed; in place of what it does not, there is a record here."""
        missing: dict[TopicPartition, Sequence[Record]] = {}
        for partition, batch in held.items():
            last = self._pass_to[partition]
            if not batch:
                consumer.seek(partition, last + 1)
                value = UnreadableBatch(b"", batch.first, last, batch.why)
                missing[partition] = [
                    Record(partition.topic, partition.partition, last, None, (), value, int(time() * 1000))
                ]
            consumer.fetching.let_go(partition)
        return missing

    def _show_held(self, held: Mapping[TopicPartition, UnreadableBatch]) -> None:
        counts = Counter(self._reader.template(partition.topic) for partition in held)
        for template in self._held_topics - counts.keys():
            metrics.HELD.labels(template).set(0)
        for template, count in counts.items():
            metrics.HELD.labels(template).set(count)
        self._held_topics = set(counts)

    async def _recover(self, consumer: AIOKafkaConsumer, error: Exception) -> None:
        self._failed_at = monotonic()
        metrics.FETCH_ERRORS.labels(class_name(error)).inc()
        self._health.failing("fetch", class_name(error))
        _log.warning("fetch_failed", exc_info=error)
        _revive(consumer)
        try:
            await self._rewind(consumer)
        except (KafkaError, IllegalStateError) as second:
            _log.warning("fetch_not_recovered", error=second)
        await asyncio.sleep(jittered(3))

    async def _rewind(self, consumer: AIOKafkaConsumer) -> None:
        """Go back to what was last taken: the failed poll may have moved past records that it never returned."""
        for partition in consumer.assignment():
            position = self._next.get(partition)
            if position is None:
                position = await consumer.committed(partition)
            if position is None:
                await consumer.seek_to_beginning(partition)
            else:
                consumer.seek(partition, position)

    async def _wait_polling(self, seconds: float) -> None:
        """Wait between attempts, in the group but without new records.

        Raises:
            Abandoned: the batch is to be given up now.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._give_up.wait()
        if self._give_up.is_set():
            raise Abandoned
        await self._stay_in_group()

    async def _stay_in_group(self) -> None:
        consumer = self.consumer
        if consumer is None:
            return
        # A rebalance that begins meanwhile takes the partitions away, and with them the need for any of this.
        with suppress(TimeoutError, KafkaError, IllegalStateError):
            consumer.pause(*consumer.assignment())
            # A poll would wait for the rebalance's end, and that waits for this batch.
            async with asyncio.timeout(0.1):
                unexpected = await consumer.getmany(timeout_ms=0)
            for partition, found in unexpected.items():
                consumer.seek(partition, from_aiokafka(found[0]).first_offset)
        with suppress(IllegalStateError):
            consumer.resume(*consumer.assignment() - consumer.fetching.held.keys())

    async def revoke(self) -> None:
        """Let the batch in flight end or be given up, and commit it, before its partitions move."""
        self._give_up.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._rebalance_seconds):
                await self._idle.wait()
                await self._commit_rest()
        self._forget_positions()

    def _forget_positions(self) -> None:
        self._next.clear()
        self._handled.clear()
        self._uncommitted.clear()

    async def measure_lag(self) -> None:
        """Compare the assigned partitions' ends with what was handled."""
        consumer = self.consumer
        if consumer is None or not self.running:
            return
        try:
            ends = await lag.ends(consumer)
            handled = {partition: await self._handled_to(consumer, partition) for partition in ends}
        except BaseException:
            self._meter.lost()
            raise
        self._meter.observe(ends, handled, consumer.fetching.held.keys(), consumer.assignment() - ends.keys())

    async def _handled_to(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
        """Where what is handled ends. Between batches that is the consumer's own position, which is past what is no record:
        the end of a transaction stands on a partition, is given to nobody, and must not look like one that waits."""
        position: int = await consumer.position(partition)
        return position if self._idle.is_set() else self._handled.get(partition, position)

    def assigned(self, count: int) -> None:
        """Partitions have come."""
        self._joined = True
        self._brought_at = monotonic()
        self._pass_to.clear()
        if self.consumer is not None:
            self.consumer.fetching.held.clear()
        self._give_up.clear()
        self._forget_positions()
        metrics.ASSIGNED.set(count)
        self._health.recovered("rebalance")

    @override
    async def start(self) -> None:
        """Join the group; a consumer that cannot is not left behind."""
        try:
            await super().start()
        except BaseException:
            consumer, self.consumer = self.consumer, None
            if consumer is not None:
                await consumer.stop()
            raise

    @override
    async def stop(self) -> None:
        """End between batches: finish, commit, then leave the group."""
        self.running = False
        self._give_up.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                await self._idle.wait()
                await self._commit_rest()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        # Leaving the group needs a broker; without one the group notices by itself.
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await super().stop()


def _fetch_only_when_empty(consumer: Any) -> None:
    """Let no fetch go out while records that came before it wait to be taken.

    aiokafka asks one broker at a time for all partitions that it holds no records of. One that still holds some is left out,
    and is not asked about again until that fetch is answered, which without traffic elsewhere takes the whole of
    `fetch_max_wait_ms`. It does so after 0.1 s, which a batch takes easily. Waiting instead, a fetch always covers every
    partition, so that it may wait long and needs to be sent seldom.
    """
    consumer._fetcher._prefetch_backoff = NEVER


def _gather(consumer: Any, seconds: float) -> None:
    """Let records gather for a while after a fetch that brought some.

    The broker answers a waiting fetch with the first record that comes, and what comes next waits for another fetch. So at a
    steady rate each record would have a batch, a transaction and a commit of its own, and a rate that is a small part of
    what batches carry would use up the machine. What comes after a pause is fetched at once.
    """
    fetcher = consumer._fetcher
    fetch, last = fetcher._proc_fetch_request, -inf

    async def unhurried(*arguments: Any) -> bool:
        nonlocal last
        try:
            await asyncio.sleep(last + seconds - monotonic())
        except asyncio.CancelledError:
            return False  # as the fetch itself does: aiokafka's routine would end by it
        found: bool = await fetch(*arguments)
        if found:
            last = monotonic()
        return found

    fetcher._proc_fetch_request = unhurried


def _revive(consumer: Any) -> None:
    """Start aiokafka's group task again where it has ended: the consumer would never join a group again.

    It ends by an assertion of its own when a broker that has just restarted names fewer topics than before, which changes
    what a pattern subscribes to while the group task looks (aiokafka's issue 796).
    """
    coordinator = consumer._coordinator
    task = getattr(coordinator, "_coordination_task", None)
    if task is not None and task.done() and not task.cancelled() and task.exception() is not None:
        coordinator._coordination_task = asyncio.create_task(coordinator._coordination_routine())
        _log.warning("group_task_revived")


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, subscriber: ChassisSubscriber) -> None:
        self._subscriber = subscriber

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        if revoked:
            await self._subscriber.revoke()
        self._subscriber._health.failing("rebalance", "waiting for partitions")

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._subscriber.assigned(len(assigned))
