"""What cannot be read waits alone, is noted, and goes on where a person says so. The other partitions are still read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import inf
from time import monotonic, time
from typing import Any, TypeAlias

import structlog
from aiokafka import TopicPartition

from conduit_chassis.consumer.observer import ConsumerObserver
from conduit_chassis.records import Reader, Record
from conduit_contracts.kits.batches import UnreadableBatch

_log = structlog.get_logger()

LOOK_SECONDS = 5.0
"""How often what cannot be read is noted, and who may go on is asked."""

Held: TypeAlias = Mapping[TopicPartition, UnreadableBatch]
NoteHeld: TypeAlias = Callable[[Held], Awaitable[Mapping[TopicPartition, int]]]
"""Notes where reading waits; returns the last offset of each place that is to be passed."""


class Rescue:
    """The partitions of one consumer that wait."""

    def __init__(self, reader: Reader, note_held: NoteHeld, observer: ConsumerObserver) -> None:
        self._reader = reader
        self._note_held = note_held
        self._observer = observer
        self._looked_at = -inf
        self._pass_to: dict[TopicPartition, int] = {}

    def passes(self, partition: TopicPartition, batch: UnreadableBatch) -> bool:
        """An outsider's batch is put aside, and it is told. One of our own is part of many referrals: a person decides."""
        return self._reader.edge(partition.topic) or batch.first <= self._pass_to.get(partition, -1)

    def escaped(self, partition: TopicPartition) -> None:
        """A batch was read whose header names are not UTF-8."""
        self._observer.escaped(partition.topic)

    def jumped(self, partition: TopicPartition, ended: int, goes_on: int) -> None:
        """Reading goes on elsewhere than it ended."""
        _log.error("reading_jumped", topic=partition.topic, partition=partition.partition, ended=ended, goes_on=goes_on)
        self._observer.jumped(partition, ended, goes_on)

    def assigned(self, consumer: Any) -> None:
        """The partitions are others now."""
        self._pass_to.clear()
        if consumer is not None:
            consumer.fetching.held.clear()

    async def look(self, consumer: Any) -> Mapping[TopicPartition, Sequence[Record]]:
        """Note the partitions that cannot be read, and go on in those where a person says so.

        Returns what stands for records that even the broker cannot give.
        """
        held = {partition: each.batch for partition, each in consumer.fetching.held.items()}
        self._observer.held(held)
        if not held or monotonic() - self._looked_at < LOOK_SECONDS:
            return {}
        self._looked_at = monotonic()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                passed = await self._note_held(held)
        except Exception as error:  # the others are still read
            _log.warning("unreadable_places_not_noted", exc_info=error)
            return {}
        self._pass_to |= passed
        return self._pass(consumer, {partition: held[partition] for partition in passed})

    def _pass(self, consumer: Any, held: Held) -> Mapping[TopicPartition, Sequence[Record]]:
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
