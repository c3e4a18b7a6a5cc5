"""The kit's own hands on the broker: it writes as the hub, and reads what the connector under test writes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from conduit_operate.broker import Broker
from conduit_operate.leaders import watermarks
from conduit_operate.secured import ADMIN

SECONDS = 30.0
Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as the connector wrote it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Headers
    value: bytes | None
    at: float
    """When it was seen, by this process's monotonic clock."""

    @property
    def position(self) -> str:
        """Where it lies."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Put:
    """A record for the connector."""

    key: bytes
    headers: Headers
    value: bytes


class Mouth:
    """Writes to one topic, as the hub would."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self._topic = topic
        self._producer = Producer({**broker.librdkafka(ADMIN), "enable.idempotence": True, "linger.ms": 0, "log_level": 0})

    def say(self, *records: Put) -> None:
        """Returns when all of them are there, in order.

        Raises:
            TimeoutError: the broker is silent.
        """
        for record in records:
            self._producer.produce(self._topic, record.value, key=record.key, headers=list(record.headers))
        if self._producer.flush(SECONDS):
            raise TimeoutError(f"the broker does not take records for {self._topic}")


class Ear:
    """Hears what is written to one topic from now on."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self._consumer = Consumer(
            {
                **broker.librdkafka(ADMIN),
                "group.id": f"conformance-{uuid.uuid4().hex}",  # never joined, but a consumer is not made without one
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
                "log_level": 0,
            }
        )
        partitions = self._consumer.list_topics(topic, timeout=SECONDS).topics[topic].partitions
        self._consumer.assign(
            [TopicPartition(topic, each, watermarks(self._consumer, topic, each)[1]) for each in partitions]
        )

    def hear(self, seconds: float) -> Seen | None:
        """The next record; None when none came in time."""
        message = self._consumer.poll(seconds)
        if message is None or message.error() is not None:
            return None
        return _seen(message)

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()


def _seen(message: Message) -> Seen:
    given: Any = message.headers() or ()  # its stubs also allow for what is only ever sent
    return Seen(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=_bytes(message.key()),
        headers=list(given),
        value=_bytes(message.value()),
        at=time.monotonic(),
    )


def _bytes(given: str | bytes | None) -> bytes | None:
    return given.encode() if isinstance(given, str) else given
