"""What is on its way to Kafka. A topic whose batches take long is left out, and waits for itself alone."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from time import monotonic
from typing import Any

from aiokafka.errors import KafkaError, KafkaTimeoutError

from conduit_chassis.errors import class_name
from conduit_chassis.held import concerns_its_topic
from conduit_chassis.producer import Pending, Producer, Sent

SLOW_SECONDS = 1.0
"""So long the others wait for a topic, once."""


class NotTaken(Exception):  # noqa: N818 - an outcome
    """The producer did not take a topic's rows. Some may be on their way."""

    def __init__(self, topic: str, error: BaseException) -> None:
        super().__init__(class_name(error))
        self.topic = topic
        self.error = error


def _taken(topic: str, task: asyncio.Task[list[Sent]]) -> list[Sent]:
    try:
        return task.result()
    except KafkaError as error:
        if isinstance(error, KafkaTimeoutError) or concerns_its_topic(error):
            raise NotTaken(topic, error) from error
        raise


class InFlight:
    """Batches that one producer was given, and those that it is being given."""

    def __init__(self, producer: Producer, wake: Callable[[], None]) -> None:
        self._producer = producer
        self._wake = wake
        self._sending: dict[str, tuple[asyncio.Task[list[Sent]], list[int]]] = {}
        self._slow: set[str] = set()
        self.sent: list[Sent] = []
        self.answered_at = 0.0
        """When Kafka last confirmed or refused a batch."""

    @property
    def ids(self) -> list[int]:
        """The rows that are under way."""
        return [
            *(number for batch in self.sent for number in batch.ids),
            *(number for _, ids in self._sending.values() for number in ids),
        ]

    @property
    def slow(self) -> Collection[str]:
        """Topics that the others no longer wait for."""
        return self._slow

    def unanswered(self, seconds: float) -> list[Sent]:
        """Batches that have waited longer than that."""
        before = monotonic() - seconds
        return [batch for batch in self.sent if batch.since < before]

    async def send(self, rows: Iterable[Pending]) -> None:
        """Give the producer rows. Each topic's by itself, since a full partition keeps whoever sends to it waiting.

        Raises:
            NotTaken: the producer does not take a topic's.
            KafkaError: it failed.
        """
        by_topic: defaultdict[str, list[Pending]] = defaultdict(list)
        for row in rows:
            by_topic[row.topic].append(row)
        for topic, group in by_topic.items():
            task = asyncio.create_task(self._producer.send(group))
            self._sending[topic] = task, [row.id for row in group]
        await self._wait([self._sending[topic][0] for topic in by_topic])
        self._collect()

    def _collect(self) -> None:
        for topic, (task, _) in list(self._sending.items()):
            if task.done():
                del self._sending[topic]
                self.sent += _taken(topic, task)
            else:
                self._leave_out(topic, task)

    async def confirm(self, batches: Sequence[Sent]) -> None:
        """Wait for these batches, though not for what is slow."""
        await self._wait([batch.future for batch in batches if batch.topic not in self._slow])
        for batch in batches:
            if not batch.future.done():
                self._leave_out(batch.topic, batch.future)

    async def _wait(self, futures: Collection[Any]) -> None:
        if futures:
            await asyncio.wait(futures, timeout=SLOW_SECONDS)

    def _leave_out(self, topic: str, until: Any) -> None:
        if topic not in self._slow:
            self._slow.add(topic)
            until.add_done_callback(lambda _: self._wake())

    def take_answered(self) -> list[Sent]:
        """The batches that Kafka has answered, which are then no longer here."""
        self._collect()
        answered = [batch for batch in self.sent if batch.future.done()]
        if answered:
            self.answered_at = monotonic()
            self.sent = [batch for batch in self.sent if not batch.future.done()]
        if self._slow:
            self._slow &= {*self._sending, *(batch.topic for batch in self.sent)}
        return answered

    async def wait_for_all(self, seconds: float) -> None:
        """Wait for whatever is still under way, as before an end."""
        waiting = [*(task for task, _ in self._sending.values()), *(batch.future for batch in self.sent)]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)

    async def abandon(self) -> None:
        """Send no more of what the producer has not taken."""
        tasks = [task for task, _ in self._sending.values()]
        self._sending.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
