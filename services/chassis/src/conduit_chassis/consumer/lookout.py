"""Reads ahead of the loop, with a consumer of its own, and has what says danger handled before its turn.

Where each partition is one sender's, so are the few records of one while another's many wait.

It reads the partitions that the loop's consumer has, from where that stands, without a group and without commits. Even if it
fails, each record still comes to its turn. What it handled is in the inbox by then, and left out.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Protocol

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from conduit_chassis.backoff import jittered
from conduit_chassis.consumer import patches
from conduit_chassis.consumer.ahead import Ahead, Reached
from conduit_chassis.errors import TooManyDeadLettersError
from conduit_chassis.kafka import Record, from_aiokafka
from conduit_chassis.yielding import Haste

_log = structlog.get_logger()

GATHER_SECONDS = 0.05
"""It may be late by so much: where nothing queues, the loop is first."""
LOOK_SECONDS = 0.25
"""How often it is seen which partitions there are, and how far the loop is."""
FORGET_SECONDS = 1.0
MOST_RECORDS = 500


class InTurn(Protocol):
    """The loop, as far as one who reads ahead of it must know."""

    def partitions(self) -> Collection[TopicPartition]:
        """What it reads now."""
        ...

    async def place(self, partition: TopicPartition) -> Reached:
        """How far it is.

        Raises:
            IllegalStateError: it no longer reads that.
        """
        ...


class Lookout:
    """Until it is cancelled."""

    def __init__(
        self,
        build: Callable[[], Any],
        process: Callable[[Sequence[Record]], Awaitable[None]],
        loop: InTurn,
        ahead: Ahead,
        haste: Haste,
        reads: Callable[[str], bool],
    ) -> None:
        """`build` makes a consumer, not yet started, that skips what it cannot read; `reads` says of which topics."""
        self._build = build
        self._process = process
        self._loop = loop
        self._ahead = ahead
        self._haste = haste
        self._reads = reads
        self._attempt = 0
        self._forgot_at = 0.0
        self._behind = False
        """Whether more lies where the last poll read."""

    async def run(self) -> None:
        """Look ahead, and begin again where the loop is whatever fails.

        Raises:
            TooManyDeadLettersError: the service must stop.
        """
        while True:
            try:
                async with self._consumer() as consumer:
                    await self._look(consumer)
            except TooManyDeadLettersError:
                raise
            except IllegalStateError:  # partitions moved
                self._attempt = max(1, self._attempt)
            except Exception as error:  # danger still comes to its turn
                self._attempt += 1
                _log.warning("not_read_ahead", attempt=self._attempt, exc_info=error)
            self._ahead.begin_again()
            await asyncio.sleep(jittered(self._attempt))

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        consumer = self._build()
        await consumer.start()
        try:
            yield consumer
        finally:
            with suppress(Exception):
                await consumer.stop()

    async def _look(self, consumer: Any) -> None:
        patches.fetch_only_when_empty(consumer)
        patches.gather(consumer, lambda: 0.0 if self._behind else GATHER_SECONDS)
        reads: frozenset[TopicPartition] = frozenset()
        while True:
            wanted = frozenset(each for each in self._loop.partitions() if self._reads(each.topic))
            if wanted != reads:
                reads = await self._read(consumer, wanted, reads)
            await self._forget()
            if not reads or self._ahead.full:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            fetched = await consumer.fetching.poll(int(LOOK_SECONDS * 1000), MOST_RECORDS)
            self._behind = any(found[-1].offset + 1 < consumer.highwater(each) for each, found in fetched.items())
            if chosen := await self._choose(consumer, fetched):
                # In haste also for the few of a sender, as danger may come behind them.
                async with self._haste.made():
                    await self._process(chosen)
                self._ahead.handled(chosen)
            self._attempt = 0

    async def _read(
        self, consumer: Any, wanted: frozenset[TopicPartition], before: Iterable[TopicPartition]
    ) -> frozenset[TopicPartition]:
        """Read other partitions than before: new ones from where the loop is, the others from where they were."""
        places = {each: await consumer.position(each) for each in before if each in wanted}
        for gone in self._ahead.partitions - wanted:
            self._ahead.forget(gone)
        if not wanted:
            consumer.unsubscribe()
            return wanted
        places |= {each: (await self._loop.place(each)).handled for each in wanted if each not in places}
        consumer.assign(list(wanted))
        for partition, position in places.items():
            consumer.seek(partition, position)
        return wanted

    async def _choose(self, consumer: Any, fetched: dict[TopicPartition, list[Any]]) -> list[Record]:
        chosen: list[Record] = []
        for partition, raw in fetched.items():
            place = await self._loop.place(partition)
            records = [from_aiokafka(each) for each in raw]
            chosen += self._ahead.choose(partition, records, place)
            if records[-1].offset < place.handled:
                consumer.seek(partition, place.handled)
        return chosen

    async def _forget(self) -> None:
        if monotonic() - self._forgot_at >= FORGET_SECONDS:
            self._forgot_at = monotonic()
            for partition in self._ahead.partitions:
                self._ahead.passed(partition, await self._loop.place(partition))
