"""Reads a principal's own topic, at least once: what was not confirmed comes again.

A record that cannot be read, or is of a type that came later than this kit, is reported and passed over; nothing stops.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from pydantic import BaseModel

from conduit_contracts.envelope import Attributes, Undecodable, decode
from conduit_contracts.kits.extras import load
from conduit_contracts.kits.settings import KafkaSettings
from conduit_contracts.problems import Origin, Problem
from conduit_contracts.topics import Topic

_log = logging.getLogger("conduit_contracts.kits")
_UNREADABLE = Problem(
    code="unreadable", field="value", message="The record cannot be read. Tell the hub.", origin=Origin.HUB, retryable=False
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that was passed over. It names where the record lies, and nothing that stands in it."""

    topic: str
    partition: int
    offset: int
    problems: tuple[Problem, ...]
    attributes: Attributes | None = None

    @property
    def unknown_type(self) -> bool:
        """Whether it is only of a type that this kit does not know: a newer kit may."""
        return any(problem.code == "type_not_accepted" for problem in self.problems)


Report = Callable[[Skipped], None]


def log_skipped(skipped: Skipped) -> None:
    """What the kits do with a skipped record by default."""
    level = logging.WARNING if skipped.unknown_type else logging.ERROR
    found = ", ".join(f"{problem.code} at {problem.field}" for problem in skipped.problems)
    where = (skipped.topic, skipped.partition, skipped.offset)
    _log.log(level, "record passed over: %s/%s/%s: %s", *where, found)


class Received(NamedTuple):
    """A record that could be read, and where it lies."""

    message: Any
    attributes: Attributes
    partition: int
    offset: int


class Reader:
    """`async with Reader(...) as reader:`; `confirm` each record before you ask for the `next` one."""

    def __init__(
        self, settings: KafkaSettings, topic: Topic, principal: str, group: str, report: Report = log_skipped
    ) -> None:
        self._kafka = load("aiokafka", "kafka")
        self._settings, self._group, self._report = settings, group, report
        self.topic = topic.name(principal)
        self._accept: dict[str, type[BaseModel]] = {message.type: message for message in topic.messages}
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        self._consumer = self._kafka.AIOKafkaConsumer(
            self.topic,
            **self._settings.arguments(),
            group_id=self._group,
            # A group that is new, or was away for longer than offsets are kept, must not begin at the end.
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            max_poll_interval_ms=900_000,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def next(self) -> Received:
        """The next record that can be read; waits for it."""
        while True:
            record = await self._consumer.getone()
            try:
                attributes, message = decode(record.headers, record.value, self._accept)
            except Undecodable as error:
                await self._skip(record, error.problems, error.attributes)
            except Exception:  # a decoder's fault must cost one record, not all that come after it
                await self._skip(record, (_UNREADABLE,), None)
            else:
                return Received(message, attributes, record.partition, record.offset)

    async def confirm(self, received: Received) -> None:
        """It, and what came before it, will not come again."""
        await self._commit(received.partition, received.offset)

    async def _skip(self, record: Any, problems: tuple[Problem, ...], attributes: Attributes | None) -> None:
        self._report(Skipped(record.topic, record.partition, record.offset, problems, attributes))
        await self._commit(record.partition, record.offset)

    async def _commit(self, partition: int, offset: int) -> None:
        try:
            await self._consumer.commit({self._kafka.TopicPartition(self.topic, partition): offset + 1})
        except self._kafka.errors.KafkaError as error:
            # The partition went to another reader, or the broker is away: the record comes again, which is allowed.
            _log.warning("position not kept (%s); records may come again", type(error).__name__)
