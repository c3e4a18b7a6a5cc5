"""Where each assigned partition stands: what is taken next, what is handled, and what of that is committed."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from conduit_chassis.consumer.observer import ConsumerObserver
from conduit_chassis.records import Record

_log = structlog.get_logger()


class Offsets:
    """The positions of one consumer. They are committed a few times a second, several batches at once, since a commit costs
    the broker as much as a batch's records."""

    def __init__(self, commit_seconds: float, observer: ConsumerObserver) -> None:
        self._commit_seconds = commit_seconds
        self._observer = observer
        self._next: dict[TopicPartition, int] = {}
        self._handled: dict[TopicPartition, int] = {}
        self._uncommitted: dict[TopicPartition, int] = {}
        self._commit: asyncio.Task[None] | None = None
        self._commit_now = asyncio.Event()

    def taken(self, fetched: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """These are being handled."""
        for partition, found in fetched.items():
            self._next[partition] = found[-1].offset + 1
            # The consumer's own position is past a batch in flight, and so would hide the lag of one that is stuck.
            first = found[0].first_offset
            self._handled[partition] = min(first, self._handled.get(partition, first))

    def handled(self, consumer: Any, fetched: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """These are accounted for, and their offsets are committed soon."""
        offsets = {partition: found[-1].offset + 1 for partition, found in fetched.items()}
        self._handled |= offsets
        self._uncommitted |= offsets
        if self._commit is not None and self._commit.done():
            done, self._commit = self._commit, None
            done.result()  # what nobody foresaw ends the consumer, instead of going unheard
        if self._commit is None:
            self._commit = asyncio.create_task(self._commit_handled(consumer))

    async def _commit_handled(self, consumer: Any) -> None:
        while self._uncommitted:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._commit_seconds):
                    await self._commit_now.wait()
            offsets, self._uncommitted = self._uncommitted, {}
            if offsets:  # else the partitions have moved meanwhile
                await self._commit_offsets(consumer, offsets)

    async def _commit_offsets(self, consumer: Any, offsets: dict[TopicPartition, int]) -> None:
        # Whoever reads on from there knows by the epoch whether it is still the same log.
        with_epochs = {each: OffsetAndMetadata(at, consumer.fetching.epoch(each, at)) for each, at in offsets.items()}
        try:
            await consumer.commit(with_epochs)
        except (KafkaError, IllegalStateError) as error:
            # The effects are in the database. Whoever gets the records next drops them as duplicates.
            self._observer.not_committed(error)
            _log.info("offsets_not_committed", error=error)

    async def commit_rest(self) -> None:
        """Commit at once what was handled and is not committed."""
        task, self._commit = self._commit, None
        if task is not None:
            self._commit_now.set()
            try:
                await task
            finally:
                self._commit_now.clear()

    def forget(self) -> None:
        """The partitions move."""
        self._next.clear()
        self._handled.clear()
        self._uncommitted.clear()

    def handled_to(self, partition: TopicPartition, position: int) -> int:
        """Where what is handled of a partition ends, or `position` where nothing of it was taken."""
        return self._handled.get(partition, position)

    async def rewind(self, consumer: Any) -> None:
        """Go back to what was last taken: a failed poll may have moved past records that it never returned."""
        for partition in consumer.assignment():
            position = self._next.get(partition)
            if position is None:
                position = await consumer.committed(partition)
            if position is None:
                await consumer.seek_to_beginning(partition)
            else:
                consumer.seek(partition, position)
