"""Questions about where a partition begins and ends, which only its leader answers, and not while it is new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

SECONDS = 30.0
_LEADER_CHANGES = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.BROKER_NOT_AVAILABLE,
        # A new leader that has not heard yet how far the others had come: it knows of no end that holds.
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        # Of a topic that was just made its leader may hear last. One that is not there at all is known from the metadata.
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        # The broker that led, and went away.
        KafkaError._TRANSPORT,
    }
)
_Answer = TypeVar("_Answer")


def once_led(ask: Callable[[], _Answer], patience: float = SECONDS) -> _Answer:
    """What `ask` returns, asked again every 50 ms while the answer is that a partition's leader changes.

    When a broker dies, others lead within seconds. A topic that was just made has a leader in the metadata before that
    leader knows of it.

    Raises:
        KafkaException: `ask` raised it and not because of a new leader, or did so for `patience` seconds.
    """
    deadline = monotonic() + patience
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _LEADER_CHANGES or monotonic() > deadline:
                raise
        sleep(0.05)


def watermarks(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """The offset of the partition's first record, and the one that its next record will have.

    Raises:
        KafkaException: its leader does not answer, or there is no such partition.
    """
    place = TopicPartition(topic, partition)

    def ask() -> tuple[int, int]:
        found: tuple[int, int] = consumer.get_watermark_offsets(place, timeout=SECONDS)
        return found

    return once_led(ask)


def offsets_at(consumer: Consumer, places: Sequence[TopicPartition]) -> list[TopicPartition]:
    """Where each partition's records of its `offset`, a time in ms, begin; at its end where no record is so young.

    Raises:
        KafkaException: a leader does not answer, or there is no such partition.
    """

    def ask() -> list[TopicPartition]:
        # A list of its own for each turn: what was not found stands as an error in it, and would else be read as "the end".
        found = consumer.offsets_for_times(list(places), timeout=SECONDS)
        for each in found:
            if each.error is not None:
                raise KafkaException(each.error)
        return found

    return once_led(ask)
