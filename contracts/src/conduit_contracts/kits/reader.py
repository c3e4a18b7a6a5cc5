"""Reads a principal's own topic, or one that all of its kind read, at least once: what was not confirmed comes again.

A record that cannot be read, or whose type is newer than this kit, is reported and skipped. So is a whole batch that cannot
be read. Reading never stops.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple, Self

from pydantic import BaseModel

from conduit_contracts.envelope import Attributes, Undecodable, decode
from conduit_contracts.kits.extras import load
from conduit_contracts.kits.settings import KafkaSettings
from conduit_contracts.problems import Origin, Problem
from conduit_contracts.topics import Topic

POLL_MS = 1_000
STUCK_SECONDS = 30.0
RESTART_SECONDS = 1.0
_log = logging.getLogger("conduit_contracts.kits")
_UNREADABLE = Problem(
    code="unreadable", field="value", message="The record cannot be read. Tell the hub.", origin=Origin.HUB, retryable=False
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that was skipped. It says where the record is, and nothing of its content."""

    topic: str
    partition: int
    offset: int
    problems: tuple[Problem, ...]
    attributes: Attributes | None = None

    @property
    def unknown_type(self) -> bool:
        """Whether its type is only unknown to this kit: a newer kit may know it."""
        return any(problem.code == "type_not_accepted" for problem in self.problems)


def _batch_problem(batch: Any) -> Problem:
    text = f"The records {batch.first} to {batch.last} of the partition cannot be read ({batch.why}). Tell the hub."
    return Problem(code="batch_unreadable", field="value", message=text, origin=Origin.HUB, retryable=False)


Report = Callable[[Skipped], None]


def log_skipped(skipped: Skipped) -> None:
    """What the kits do with a skipped record by default."""
    level = logging.WARNING if skipped.unknown_type else logging.ERROR
    found = ", ".join(f"{problem.code} at {problem.field}" for problem in skipped.problems)
    where = (skipped.topic, skipped.partition, skipped.offset)
    _log.log(level, "record passed over: %s/%s/%s: %s", *where, found)


class Received(NamedTuple):
    """A record that could be read, and its place."""

    message: Any
    attributes: Attributes
    partition: int
    offset: int


class Reader:
    """`async with Reader(...) as reader:`; `confirm` each record before you ask for the `next` one.

    A broker that goes away and comes back is joined again.
    """

    def __init__(
        self, settings: KafkaSettings, topic: Topic, principal: str, group: str, report: Report = log_skipped
    ) -> None:
        self._kafka = load("aiokafka", "kafka")
        self._fetching = load("conduit_contracts.kits.fetching", "kafka")
        self._settings, self._group, self._report = settings, group, report
        self.topic = topic.name(principal if topic.parameter else None)
        self._accept: dict[str, type[BaseModel]] = {message.type: message for message in topic.messages}
        self._consumer: Any = None
        self._idle_since = 0.0

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def next(self) -> Received:
        """The next record that can be read; waits for it.

        Raises:
            KafkaError: aiokafka's, where the credentials do not let this principal in.
        """
        while True:
            record = await self._fetch()
            if isinstance(record.value, self._fetching.UnreadableBatch):
                await self._skip(record, (_batch_problem(record.value),), None)
                continue
            try:
                attributes, message = decode(record.headers, record.value, self._accept)
            except Undecodable as error:
                await self._skip(record, error.problems, error.attributes)
            except Exception:  # a decoder's fault must cost one record, not all that come after it
                await self._skip(record, (_UNREADABLE,), None)
            else:
                return Received(message, attributes, record.partition, record.offset)

    async def confirm(self, received: Received) -> None:
        """This record and all before it will not come again."""
        await self._commit(received.partition, received.offset)

    async def _fetch(self) -> Any:
        errors = self._kafka.errors
        while True:
            try:
                if why := self._has_left():
                    await self._start_again(why)
                found = await self._consumer.fetching.poll(POLL_MS, 1)
                for records in found.values():
                    self._idle_since = monotonic()
                    return records[0]
                if await self._is_stuck():
                    await self._start_again("no progress")
            except (errors.TopicAuthorizationFailedError, errors.GroupAuthorizationFailedError):
                raise
            except errors.KafkaError as error:
                await self._start_again(type(error).__name__)

    def _has_left(self) -> str:
        """Why aiokafka's own group task has ended, which it may do silently (its issue 796); otherwise ""."""
        task = getattr(getattr(self._consumer, "_coordinator", None), "_coordination_task", None)
        if task is None or not task.done():
            return ""
        return f"the group was left: {'cancelled' if task.cancelled() else type(task.exception()).__name__}"

    async def _is_stuck(self) -> bool:
        """Whether records wait and none come (aiokafka's issue 1154)."""
        if monotonic() - self._idle_since < STUCK_SECONDS:
            return False
        self._idle_since = monotonic()
        assigned = self._consumer.assignment()
        ends = await self._consumer.end_offsets(assigned) if assigned else {}
        return any([await self._consumer.position(partition) < end for partition, end in ends.items()])

    async def _start(self) -> None:
        self._consumer = self._fetching.Consumer(
            self.topic,
            **self._settings.arguments(),
            group_id=self._group,
            # A group that is new, or was not used for longer than offsets are kept, must not begin at the end.
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            max_poll_interval_ms=900_000,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        self._idle_since = monotonic()
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise

    async def _start_again(self, why: str) -> None:
        """Tries until it succeeds: a caller that waits for records would not notice if it gave up."""
        while True:
            _log.warning("reading %s again from where it was confirmed (%s)", self.topic, why)
            with suppress(Exception):  # whatever it died of, it is not needed any more
                await self._consumer.stop()
            with suppress(Exception):  # where that did not get so far
                await self._consumer._client.close()
            await asyncio.sleep(RESTART_SECONDS)
            try:
                return await self._start()
            except self._kafka.errors.KafkaError as error:
                why = type(error).__name__

    async def _skip(self, record: Any, problems: tuple[Problem, ...], attributes: Attributes | None) -> None:
        self._report(Skipped(record.topic, record.partition, record.offset, problems, attributes))
        await self._commit(record.partition, record.offset)

    async def _commit(self, partition: int, offset: int) -> None:
        try:
            place, after = self._kafka.TopicPartition(self.topic, partition), offset + 1
            await self._consumer.commit({place: (after, self._consumer.fetching.epoch(place, after))})
        except self._kafka.errors.KafkaError as error:
            # The partition went to another reader, or the broker is down: the record comes again, which is allowed.
            _log.warning("position not kept (%s); records may come again", type(error).__name__)
