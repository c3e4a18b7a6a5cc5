"""Reads ahead of the loop, with a consumer of its own, and has what says danger handled before its turn.

So are the few records of one sender while another's many wait.

It reads the partitions that the loop's consumer has, from where that stands, without a group and without commits. Even if it
fails, each record still comes to its turn. What it handled is in the inbox by then, and left out.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Protocol, TypeAlias

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from conduit_chassis.backoff import jittered
from conduit_chassis.consumer import patches
from conduit_chassis.consumer.ahead import Ahead, Chosen, Reached
from conduit_chassis.consumer.waiting import cost
from conduit_chassis.errors import TooManyDeadLettersError
from conduit_chassis.records import Record, from_aiokafka
from conduit_chassis.yielding import Haste

_log = structlog.get_logger()

GATHER_SECONDS = 0.05
"""It may be late by so much: where nothing queues, the loop is first."""
FEW_SECONDS = 0.1
"""For so long the few of a sender gather: a batch of one costs as much as a dozen records."""
LOOK_SECONDS = 0.25
"""How often it is seen which partitions there are, and how far the loop is."""
FORGET_SECONDS = 0.25
MOST_RECORDS = 500
MOST_FEW = 4 * 1024 * 1024
"""So much of senders' few may wait to be handled, by what it costs. What is beyond that takes its turn."""


Process: TypeAlias = Callable[[Sequence[Record]], Awaitable[None]]
"""Returns once all of them are accounted for."""


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
        process: Process,
        process_few: Process,
        loop: InTurn,
        ahead: Ahead,
        haste: Haste,
        reads: Callable[[str], bool],
    ) -> None:
        """`build` makes a consumer, not yet started, that skips what it cannot read; `reads` says of which topics."""
        self._build = build
        self._process = process
        self._process_few = process_few
        self._loop = loop
        self._ahead = ahead
        self._haste = haste
        self._reads = reads
        self._attempt = 0
        self._forgot_at = 0.0
        self._behind = False
        """Whether more lies where the last poll read."""
        self._few: list[Record] = []
        self._helper: asyncio.Task[None] | None = None

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
        try:
            await consumer.start()
            yield consumer
        finally:
            await self._stop_helping()
            with suppress(Exception):
                await consumer.stop()

    async def _stop_helping(self) -> None:
        helper, self._helper, self._few = self._helper, None, []
        if helper is not None:
            helper.cancel()
            await asyncio.gather(helper, return_exceptions=True)

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
            chosen = await self._choose(consumer, fetched)
            if sum(map(cost, self._few)) <= MOST_FEW:
                self._few += chosen.few
            if self._few and (self._helper is None or self._helper.done()):
                self._helper = self._help()
            if chosen.danger:
                async with self._haste.made():
                    await self._handle(self._process, chosen.danger)
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

    def _help(self) -> asyncio.Task[None]:
        if self._helper is not None:
            self._helper.result()  # what failed it fails the whole
        return asyncio.create_task(self._handle_few())

    async def _handle_few(self) -> None:
        """Beside what goes on, so that danger waits for none of it."""
        while self._few:
            await asyncio.sleep(FEW_SECONDS)
            few, self._few = self._few, []
            reached = {place: await self._loop.place(place) for place in {_place_of(each) for each in few}}
            if left := [each for each in few if each.offset >= reached[_place_of(each)].taken]:
                await self._handle(self._process_few, left)

    async def _handle(self, process: Process, records: Sequence[Record]) -> None:
        with self._ahead.handling(records):
            await process(records)
            self._ahead.handled(records)

    async def _choose(self, consumer: Any, fetched: dict[TopicPartition, list[Any]]) -> Chosen:
        chosen = Chosen([], [])
        for partition, raw in fetched.items():
            place = await self._loop.place(partition)
            records = [from_aiokafka(each) for each in raw]
            found = self._ahead.choose(partition, records, place)
            chosen.danger.extend(found.danger)
            chosen.few.extend(found.few)
            if records[-1].offset < place.handled:
                consumer.seek(partition, place.handled)
        return chosen

    async def _forget(self) -> None:
        if monotonic() - self._forgot_at >= FORGET_SECONDS:
            self._forgot_at = monotonic()
            for partition in self._ahead.partitions:
                self._ahead.passed(partition, await self._loop.place(partition))


def _place_of(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
