"""A partition that grows while it is read ends more than once, and still counts once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError

from conduit_contracts import topics
from conduit_operate import ce_ids, register

A, B = "partner.northlight.referrals.v1", "partner.northlight.updates.v1"


class Said:
    """A record of a partition, or that it ends here for now."""

    def __init__(self, topic: str, partition: int, *, ends: bool = False) -> None:
        self._topic, self._partition, self._ends = topic, partition, ends

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return self._partition

    def headers(self) -> list[tuple[str, bytes]]:
        return [("ce_id", self._topic.encode())]

    def error(self) -> KafkaError | None:
        return KafkaError(KafkaError._PARTITION_EOF) if self._ends else None


class Reader:
    """A consumer of a partition to which somebody writes, and of one that is long."""

    def __init__(self, busy: str, long: str) -> None:
        told = [Said(busy, 0, ends=True), Said(busy, 0), Said(busy, 0, ends=True), Said(long, 0), Said(long, 0, ends=True)]
        self._told = iter(told)

    def assign(self, _places: Any) -> None:
        return

    def get_watermark_offsets(self, _place: Any, **_: float) -> tuple[int, int]:
        return 0, 2

    def poll(self, _seconds: float) -> Said:
        return next(self._told)


def by_its_id(reader: Any) -> bool:
    return ce_ids._first(reader, 2, lambda headers: headers["ce_id"] == B.encode()) is not None


def in_a_register(reader: Any) -> bool:
    read: list[str] = []
    register.read_whole(reader, (topics.PARTNERS, topics.FORCES), lambda message: read.append(message.topic() or ""))
    return topics.FORCES.name() in read


@pytest.mark.parametrize(
    ("busy", "long", "finds"),
    [(A, B, by_its_id), (topics.PARTNERS.name(), topics.FORCES.name(), in_a_register)],
    ids=["a ce_id", "a register"],
)
def test_what_stands_last_in_the_other_partition_is_found(busy: str, long: str, finds: Callable[[Any], bool]) -> None:
    assert finds(Reader(busy, long))
