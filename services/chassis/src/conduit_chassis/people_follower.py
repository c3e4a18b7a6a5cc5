"""Follows the registers of people, and what was revoked, each process for itself: the whole at the start, then every change.

A change is known within a second. Where it is not certain that all is known, for as long as `BEHIND_SECONDS`, nobody is let
in: a role that was taken away is gone within five minutes, whatever fails.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import structlog
from aiokafka import TopicPartition

from conduit_chassis.backoff import jittered
from conduit_chassis.broker import consumer_arguments
from conduit_chassis.clock import Clock
from conduit_chassis.people import REGISTERS, PeopleBook, RegisterBehindError
from conduit_chassis.settings import Settings
from conduit_contracts.kits.fetching import Consumer, UnreadableBatch
from conduit_contracts.programme import PersonRegistered
from conduit_contracts.topics import REVOCATIONS, Topic

BEHIND_SECONDS = 240.0
"""How long ago it may have been certain. With what a request takes, that is less than five minutes."""
CONFIRM_SECONDS = 5.0
"""How often the broker is asked where the registers end."""
POLL_MS = 500
MOST_RECORDS = 1_000

_log = structlog.get_logger()


class _Cut(Exception):  # noqa: N818 - it ends one reading, and is no fault of its own
    """What was read is not what the topics hold now, or cannot be read to the end: read all of it again."""


class PeopleFollower:
    """A `KnownPeople` that stays current while `run` runs."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        name: str,
        topics: Sequence[Topic] = REGISTERS,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """`name` is the service's; `topics` are the registers that it may read. What was revoked it reads as well."""
        self._settings, self._clock, self._name, self._now = settings, clock, name, now
        read = (*topics, REVOCATIONS)
        self._partitions = [TopicPartition(topic.name(), number) for topic in read for number in range(topic.partitions)]
        self._book: PeopleBook | None = None
        self._certain_at = -BEHIND_SECONDS
        self._changed = asyncio.Event()

    def find(self, issuer: str, subject: str) -> PersonRegistered | None:
        """The person whom this issuer vouches for under this subject, None where there is nobody.

        Raises:
            RegisterBehindError: it is not known how the register stands now.
        """
        return self._current().find(issuer, subject, self._clock.now())

    def everybody(self) -> list[PersonRegistered]:
        """All who stand in the registers. Raises RegisterBehindError as `find` does."""
        return self._current().everybody()

    def not_ready(self) -> str | None:
        """Why nobody can be told yet, or any more; None where all is known."""
        if self._book is None:
            return "the registers of people were not read to their end yet"
        if self._now() - self._certain_at >= BEHIND_SECONDS:
            return "the registers of people cannot be read"
        return None

    async def until_ready(self) -> None:
        """Returns once all is known."""
        while self.not_ready() is not None:
            await self._changed.wait()
            self._changed.clear()

    async def run(self) -> None:
        """Until it is cancelled; whatever fails, it begins again, and what is known holds for a while."""
        attempt = 0
        while True:
            began = self._now()
            try:
                await self._follow()
            except Exception as error:
                attempt = 1 if self._now() - began > BEHIND_SECONDS else attempt + 1
                _log.warning("people_not_followed", attempt=attempt, exc_info=error)
            await asyncio.sleep(jittered(attempt))

    def _current(self) -> PeopleBook:
        if self._book is None or self.not_ready() is not None:
            raise RegisterBehindError
        return self._book

    async def _follow(self) -> None:
        cut: list[TopicPartition] = []
        consumer = Consumer(
            client_id=f"conduit.{self._name}.people",
            group_id=None,
            enable_auto_commit=False,
            passes=lambda _partition, _batch: False,
            jumped=lambda partition, _ended, _goes_on: cut.append(partition),
            **consumer_arguments(self._settings) | {"fetch_max_wait_ms": POLL_MS},
        )
        try:
            await consumer.start()
            consumer.assign(self._partitions)
            await self._read_on(consumer, PeopleBook(), cut)
        finally:
            with suppress(Exception):
                await consumer.stop()

    async def _read_on(self, consumer: Any, book: PeopleBook, cut: list[TopicPartition]) -> None:
        began = certain_at = self._now()
        asked_at = -CONFIRM_SECONDS
        while True:
            fetched = await consumer.fetching.poll(POLL_MS, MOST_RECORDS)
            for partition, records in fetched.items():
                self._take(book, partition, records)
            now = self._now()
            # What one broker may have deleted since is never learned by reading on: begin again.
            if cut or now - max(certain_at, began) >= BEHIND_SECONDS:
                raise _Cut
            if fetched or now - asked_at >= CONFIRM_SECONDS:
                asked_at = now
                if await self._is_at_end(consumer):
                    certain_at = now
                    self._certain(book, now)

    def _take(self, book: PeopleBook, partition: TopicPartition, records: Sequence[Any]) -> None:
        for record in records:
            if isinstance(record.value, UnreadableBatch):
                raise _Cut
            if not book.take(partition.topic, record.key, record.headers, record.value):
                _log.error("person_unreadable", topic=partition.topic, partition=record.partition, offset=record.offset)

    async def _is_at_end(self, consumer: Any) -> bool:
        ends = await consumer.end_offsets(self._partitions)
        return all([await consumer.position(each) >= end for each, end in ends.items()])

    def _certain(self, book: PeopleBook, now: float) -> None:
        if self._book is not book:
            _log.info("people_known", count=len(book.everybody()))
        self._book, self._certain_at = book, now
        self._changed.set()
