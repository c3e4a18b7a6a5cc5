"""The consume step: poll, hand the batch to the processor, commit, again.

Raw records go to the processor, offsets are committed per partition after the batch's transaction, and partitions are given
away and consumers closed only between batches.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple, Protocol, Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError

from conduit_chassis.backoff import jittered
from conduit_chassis.consumer import lag, patches
from conduit_chassis.consumer.ahead import Ahead, Reached
from conduit_chassis.consumer.gathering import Gathering
from conduit_chassis.consumer.lag import LagMeter
from conduit_chassis.consumer.observer import ConsumerObserver
from conduit_chassis.consumer.offsets import Offsets
from conduit_chassis.consumer.readiness import Readiness
from conduit_chassis.consumer.rescue import Rescue
from conduit_chassis.consumer.waiting import few_first
from conduit_chassis.errors import Abandoned
from conduit_chassis.health import Health, ReadToEnd
from conduit_chassis.records import Reader, Record, from_aiokafka
from conduit_chassis.settings import Settings
from conduit_contracts.kits.batches import UnreadableBatch

_log = structlog.get_logger()

POLL_MS = 250
PLACE_SECONDS = 5.0
UNDER_WAY_SECONDS = 2.0
"""So long a batch waits for those of its records that are being handled before their turn."""
LOOKS = 400
"""How often it looks meanwhile whether they still are."""
MOST_BYTES = 4 * 1024 * 1024
"""Of keys and values in one transaction, beside the first record."""


class Processes(Protocol):
    """What accounts for a batch."""

    wait: Callable[[float], Awaitable[None]]

    async def process(self, records: Sequence[Record]) -> None:
        """Return once every record is accounted for."""

    async def note_held(self, held: Mapping[TopicPartition, UnreadableBatch]) -> Mapping[TopicPartition, int]:
        """Note where reading waits; returns the last offset of each place that is to be passed."""
        ...


class Timing(NamedTuple):
    """How much the loop takes at a time, and how long it waits for what."""

    most_records: int
    gather_seconds: float
    gather_times: float
    commit_seconds: float
    rebalance_seconds: float
    drain_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings have it. A batch in flight gets most of the time that a rebalance may take."""
        return cls(
            settings.batch_max_records,
            settings.gather_ms / 1000,
            settings.gather_times,
            settings.commit_ms / 1000,
            settings.rebalance_timeout_ms / 1000 * 0.8,
            settings.drain_seconds,
        )


class Loop:
    """Consumes with one consumer until it is ended. `failed` is done where it ended by itself."""

    def __init__(
        self,
        processor: Processes,
        reader: Reader,
        health: Health,
        timing: Timing,
        observer: ConsumerObserver,
        ahead: Ahead | None = None,
    ) -> None:
        """`ahead` knows what was handled before its turn."""
        self._processor = processor
        self._health = health
        self._timing = timing
        self._observer = observer
        self._ahead = ahead
        self._sender = reader.sender
        self._readiness = Readiness(health)
        self._gathering = Gathering(timing.gather_seconds, timing.gather_times)
        self._rescue = Rescue(reader, processor.note_held, observer)
        self._offsets = Offsets(timing.commit_seconds, observer)
        self._meter = LagMeter(health, reader.template)
        self._consumer: Any = None
        self._ending = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._give_up = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.listener = _Listener(self)
        self.reading: Mapping[str, Any] = {
            "passes": self._rescue.passes,
            "escaped": self._rescue.escaped,
            "jumped": self._rescue.jumped,
            "most_bytes": MOST_BYTES,
        }
        """What the consumer is to be built with, beside what connects it."""
        processor.wait = self._wait_polling

    async def run(self, consumer: AIOKafkaConsumer) -> None:
        """Consume until the end, with a consumer that was built with `reading` and is started."""
        self._consumer = consumer
        patches.fetch_only_when_empty(consumer)
        patches.gather(consumer, self._gathering.seconds)
        try:
            while not self._ending:
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
        except Exception as error:  # nobody starts it again, whatever ended it
            if not self.failed.done():
                self.failed.set_exception(error)

    async def end(self) -> None:
        """End between batches, and commit; give up the batch in flight where that takes too long."""
        self._ending = True
        self._give_up.set()
        await self._between_batches(self._timing.drain_seconds)

    async def _between_batches(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
                await self._offsets.commit_rest()

    async def _take(self, consumer: Any, fetched: Mapping[TopicPartition, Sequence[Record]]) -> None:
        self._offsets.taken(fetched)
        records = await self._left([record for found in fetched.values() for record in found])
        began = monotonic()
        try:
            for part in few_first(records, self._sender):
                await self._processor.process(part)
        except Abandoned:
            # The partitions come back from their committed offsets, here or elsewhere.
            return
        self._gathering.handled(monotonic() - began)
        self._observer.handled(fetched)
        self._offsets.handled(consumer, fetched)

    async def _left(self, records: Sequence[Record]) -> Sequence[Record]:
        if self._ahead is None:
            return records
        for _ in range(LOOKS):
            if not self._ahead.under_way(records):
                break
            await asyncio.sleep(UNDER_WAY_SECONDS / LOOKS)
        return self._ahead.left(records)

    async def _poll(self, consumer: Any) -> Mapping[TopicPartition, Sequence[Record]]:
        if passed := await self._rescue.look(consumer):
            return passed
        try:
            fetched = await consumer.fetching.poll(POLL_MS, self._timing.most_records)
        except (ConsumerStoppedError, asyncio.CancelledError):
            raise
        except Exception as error:  # whatever aiokafka raises
            await self._recover(consumer, error)
            return {}
        self._readiness.polled(consumer, brought=bool(fetched))
        return {partition: [from_aiokafka(raw) for raw in found] for partition, found in fetched.items()}

    async def _recover(self, consumer: Any, error: Exception) -> None:
        self._observer.fetch_failed(error)
        self._readiness.failed(error)
        _log.warning("fetch_failed", exc_info=error)
        if patches.revive_group_task(consumer):
            _log.warning("group_task_revived")
        try:
            await self._offsets.rewind(consumer)
        except (KafkaError, IllegalStateError) as second:
            _log.warning("fetch_not_recovered", error=second)
        await asyncio.sleep(jittered(3))

    async def _wait_polling(self, seconds: float) -> None:
        """Wait between attempts, in the group but without new records.

        Raises:
            Abandoned: the batch is to be abandoned now.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._give_up.wait()
        if self._give_up.is_set():
            raise Abandoned
        await self._stay_in_group(self._consumer)

    async def _stay_in_group(self, consumer: Any) -> None:
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

    async def measure_lag(self) -> None:
        """Compare the assigned partitions' ends with what was handled."""
        consumer = self._consumer
        if consumer is None or self._ending:
            return
        looked_at = self._health.now()
        try:
            ends = await lag.ends(consumer)
            handled = {partition: await self._handled_to(consumer, partition) for partition in ends}
        except BaseException:
            self._meter.lost()
            raise
        held = consumer.fetching.held.keys()
        self._meter.observe(ends, handled, held, consumer.assignment() - ends.keys())
        to_end = [each for each, end in ends.items() if handled[each] >= end and each not in held]
        self._health.followed = ReadToEnd(looked_at, frozenset((each.topic, each.partition) for each in to_end))

    async def _handled_to(self, consumer: Any, partition: TopicPartition) -> int:
        """Where what is handled ends. Between batches that is the consumer's own position, which is past what is no record:
        the end of a transaction stands on a partition, is given to nobody, and must not look like one that waits."""
        position: int = await consumer.position(partition)
        return position if self._idle.is_set() else self._offsets.handled_to(partition, position)

    def partitions(self) -> Collection[TopicPartition]:
        """What is read now."""
        if self._consumer is None or self._give_up.is_set():
            return ()
        found: Collection[TopicPartition] = self._consumer.assignment()
        return found

    async def place(self, partition: TopicPartition) -> Reached:
        """How far a partition is read.

        Raises:
            IllegalStateError: it is not read now.
            TimeoutError: nobody knows yet.
        """
        async with asyncio.timeout(PLACE_SECONDS):
            position: int = await self._consumer.position(partition)
        if self._give_up.is_set():  # what was taken may have been given up
            raise IllegalStateError
        return Reached(position if self._idle.is_set() else self._offsets.handled_to(partition, position), position)

    async def revoked(self, partitions: int) -> None:
        """Let the batch in flight end or be abandoned, and commit it, before its partitions move."""
        if partitions:
            self._give_up.set()
            await self._between_batches(self._timing.rebalance_seconds)
            self._offsets.forget()
        self._readiness.revoked()

    def assigned(self, partitions: int) -> None:
        """Partitions have come."""
        self._rescue.assigned(self._consumer)
        self._give_up.clear()
        self._offsets.forget()
        self._observer.assigned(partitions)
        self._readiness.assigned()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._loop.revoked(len(revoked))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._loop.assigned(len(assigned))
