"""Sends records past every client's own checks, and says where each one lies."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from conduit_chassis.records import Record
from conduit_local.demo.post import writer_of
from conduit_operate.broker import Broker
from tests.fuzz.shapes import Wire

BATCH_RECORDS = 50
BATCH_BYTES = 1_000_000
UNCOMPRESSED, GZIP = 0, 1
ATTEMPTS = 20


class RawName(str):
    """A header's name that encodes to bytes of any kind."""

    raw: bytes

    def encode(self, *_: Any) -> bytes:
        return self.raw


def raw_name(raw: bytes) -> RawName:
    name = RawName()
    name.raw = raw
    return name


class Sent(NamedTuple):
    """A record and its place. `record` is how a consumer sees it, header names escaped where they are not UTF-8."""

    wire: Wire
    record: Record

    @property
    def position(self) -> str:
        """As answers name it."""
        return f"{self.record.topic}/{self.record.partition}/{self.record.offset}"


async def send(broker: Broker, wires: Sequence[Wire]) -> list[Sent]:
    """Write the records, each as the one whose topic it is; returns them with their places once the broker has them."""
    by_place: dict[tuple[str, int], list[Wire]] = {}
    for wire in wires:
        by_place.setdefault((wire.topic, wire.partition), []).append(wire)
    sent: list[Sent] = []
    for user in sorted({writer_of(topic) for topic, _ in by_place}):
        producer = AIOKafkaProducer(**broker.aiokafka(user), max_request_size=4_000_000)
        await producer.start()
        try:
            for (topic, partition), found in by_place.items():
                if writer_of(topic) == user:
                    for batch in _batches(found):
                        sent += await _send_batch(producer, topic, partition, batch)
        finally:
            await producer.stop()
    return sent


def _batches(wires: Iterable[Wire]) -> Iterator[list[Wire]]:
    batch: list[Wire] = []
    size = 0
    for wire in wires:
        length = len(wire.value or b"") + sum(len(name) + len(value or b"") for name, value in wire.headers)
        if batch and (size + length > BATCH_BYTES or len(batch) == BATCH_RECORDS):
            yield batch
            batch, size = [], 0
        batch.append(wire)
        size += length
    if batch:
        yield batch


async def _send_batch(producer: AIOKafkaProducer, topic: str, partition: int, batch: Sequence[Wire]) -> list[Sent]:
    now = int(time.time() * 1000)
    base = await _write(producer, topic, partition, _encoded(batch, now))
    return [
        Sent(wire, Record(topic, partition, base + number, wire.key, _seen(wire), wire.value, now))
        for number, wire in enumerate(batch)
    ]


def _encoded(batch: Sequence[Wire], now: int) -> bytes:
    compression = random.choice([UNCOMPRESSED, GZIP])
    builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, 0, 4 * BATCH_BYTES)
    for number, wire in enumerate(batch):
        headers = [(raw_name(name), value) for name, value in wire.headers]
        assert builder.append(number, now, wire.key, wire.value, headers) is not None
    return bytes(builder.build())


async def _write(producer: AIOKafkaProducer, topic: str, partition: int, encoded: bytes) -> int:
    """Returns the offset of the first record."""
    await producer.partitions_for(topic)
    error = 0
    for _ in range(ATTEMPTS):
        leader = producer.client.cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(
            required_acks=-1, timeout=30_000, topics=[(topic, [(partition, encoded)])], transactional_id=None
        )
        response = await producer.client.send(leader, request)
        error, offset = response.topics[0][1][0][1:3]
        if error == 0:
            return int(offset)
        await asyncio.sleep(0.25)
    raise AssertionError(f"{topic} takes no record: error {error}")


def _seen(wire: Wire) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((name.decode("utf-8", "backslashreplace"), value) for name, value in wire.headers)
