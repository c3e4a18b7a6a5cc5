"""An idempotent producer that is given batches, and can be thrown away.

aiokafka's `send` costs about 20 µs a record, most of it in the partitioner and in one future per record. Its batch
calls take the same records, each with its own headers and key, at a fraction of that.
"""

from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    BrokerResponseError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    UnknownTopicOrPartitionError,
)

from conduit_chassis.consumer import patches
from conduit_chassis.headers import unpack_headers
from conduit_chassis.observers import NO_SEND_OBSERVER, SendObserver
from conduit_chassis.partitioner import partition_of
from conduit_chassis.settings import Settings

MAX_BATCH_BYTES = 256 * 1024
MAX_REQUEST_BYTES = 8 * 1024 * 1024

REFUSALS = (MessageSizeTooLargeError, RecordListTooLargeError)
"""What Kafka says to a record that the topic, as it is set, will never take."""


class BehindRefusedError(BrokerResponseError):  # type: ignore[misc]  # aiokafka ships no types
    """A batch was not sent, as one before it in its partition was refused: it must not overtake that."""


class Sent(NamedTuple):
    """Rows that are on their way in one batch."""

    topic: str
    ids: list[int]
    future: Any
    age: float
    """Seconds that the oldest row had waited when it was read."""
    since: float
    acts: Sequence[float] = ()
    """Seconds since the acts that its rows answer, when the rows were read."""


class Pending(NamedTuple):
    """A row as the relay reads it."""

    id: int
    topic: str
    key: bytes | None
    headers: str
    value: bytes | None
    age: float
    act_age: float | None = None
    """Seconds since the act that a promise counts from."""


class Producer:
    """One connection to Kafka, until it fails."""

    def __init__(self, settings: Settings, name: str, observer: SendObserver = NO_SEND_OBSERVER) -> None:
        self._settings = settings
        self._name = name
        self._observer = observer
        self._kafka: Any = None
        self._next = 0
        self._refused: set[TopicPartition] = set()

    async def start(self) -> None:
        """Connect, as a new producer: whatever an old one left unfinished is not continued."""
        self._kafka = AIOKafkaProducer(
            **self._settings.kafka_arguments(),
            client_id=f"conduit.{self._name}.relay",
            enable_idempotence=True,
            acks="all",
            # The rows of a round are all there before the sender runs, so waiting for more only delays them.
            linger_ms=0,
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=15_000,
        )
        try:
            await self._kafka.start()
        except BaseException:
            await self.discard()
            raise

    def knows(self, topic: str) -> bool:
        """Whether every partition of the topic has a known leader, so that sending to it does not wait."""
        cluster = self._kafka.client.cluster
        partitions = cluster.partitions_for_topic(topic)
        return bool(partitions) and len(cluster.available_partitions_for_topic(topic)) == len(partitions)

    async def find(self, topic: str) -> bool:
        """Ask the broker for the topic once."""
        client = self._kafka.client
        client.add_topic(topic)
        await client.force_metadata_update()
        return self.knows(topic)

    async def send(self, rows: Sequence[Pending]) -> list[Sent]:
        """Queue rows of known topics, in order per key. Confirmation comes with the futures; rows behind what was refused in
        their partition are left out."""
        given = self._observer.sending(rows)
        try:
            sent = await self._send(rows)
        except BaseException as error:
            self._observer.not_sent(given, error)
            raise
        self._observer.sent(given, sent)
        return sent

    async def _send(self, rows: Sequence[Pending]) -> list[Sent]:
        by_partition: dict[tuple[str, int], list[Pending]] = {}
        for row in rows:
            by_partition.setdefault((row.topic, self._choose(row)), []).append(row)
        sent: list[Sent] = []
        for (topic, partition), group in by_partition.items():
            with suppress(BehindRefusedError):  # the rest of the group waits until what was refused is dealt with
                await self._send_group(topic, partition, group, sent)
        return sent

    def _choose(self, row: Pending) -> int:
        partitions = self._kafka.client.cluster.partitions_for_topic(row.topic)
        if not partitions:  # deleted since it was asked for
            raise UnknownTopicOrPartitionError(row.topic)
        count = len(partitions)
        if count == 1:
            return 0
        if row.key is None:
            self._next += 1
            return self._next % count
        return partition_of(row.key, count)

    async def _send_group(self, topic: str, partition: int, rows: list[Pending], sent: list[Sent]) -> None:
        batch, start = self._kafka.create_batch(), 0
        for position, row in enumerate(rows):
            if not _append(batch, row):
                sent.append(await self._send_batch(batch, topic, partition, rows[start:position]))
                batch, start = self._kafka.create_batch(), position
                _append(batch, row)
        sent.append(await self._send_batch(batch, topic, partition, rows[start:]))

    async def _send_batch(self, batch: Any, topic: str, partition: int, rows: list[Pending]) -> Sent:
        if (topic, partition) in self._refused:
            raise BehindRefusedError
        future = await self._kafka.send_batch(batch, topic, partition=partition)
        # A failure is read where the round is confirmed, or not at all when another one ended the round first.
        future.add_done_callback(patches.retrieve)
        # A broker that knows nothing of this producer yet would take what comes behind a refused batch.
        place = TopicPartition(topic, partition)
        patches.send_nothing_behind(self._kafka, place, REFUSALS, self._refused.add, BehindRefusedError)
        acts = [row.act_age for row in rows if row.act_age is not None]
        oldest = max(row.age for row in rows)  # not the first, where that says danger
        return Sent(topic, [row.id for row in rows], future, oldest, monotonic(), acts)

    async def discard(self) -> None:
        """Let go of the connection. What is not confirmed stays unknown."""
        kafka, self._kafka = self._kafka, None
        if kafka is None:
            return
        await patches.discard(kafka)


def _append(batch: Any, row: Pending) -> bool:
    headers = unpack_headers(row.headers)
    return batch.append(timestamp=None, key=row.key, value=row.value, headers=headers) is not None
