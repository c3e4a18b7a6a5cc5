"""Questions about where a partition begins and ends, which only its leader answers, and not while it is new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

SECONDS = 30.0
STARTING_SECONDS = 3.0
"""For a broker that has just started, and answers before it knows of every topic."""
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
        # The broker that led, and went away; and a client that lets go of what it knew of it.
        KafkaError._TRANSPORT,
        KafkaError._DESTROY_BROKER,
    }
)
_NOT_THERE = frozenset({KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION})
_Answer = TypeVar("_Answer")


def once_led(ask: Callable[[], _Answer], patience: float = SECONDS) -> _Answer:
    """What `ask` returns, asked again every 50 ms while the answer is that a partition's leader changes.

    When a broker dies, others lead within seconds. A topic that was just made has a leader in the metadata before that
    leader knows of it. A topic that is not there is asked for again as well, but not for as long.

    Raises:
        KafkaException: `ask` raised it and not because of a new leader, or did so for `patience` seconds.
    """
    begun = monotonic()
    while True:
        try:
            return ask()
        except KafkaException as error:
            if monotonic() - begun > _waits_for(error.args[0].code(), patience):
                raise
        sleep(0.05)


def _waits_for(code: int, patience: float) -> float:
    if code in _LEADER_CHANGES:
        return patience
    return min(STARTING_SECONDS, patience) if code in _NOT_THERE else -1


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
