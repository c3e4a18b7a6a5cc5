"""Batches as other clients write them, and as no honest one does; and how to write them as they are."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.codec import lz4_encode
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.util import calc_crc32c

HEAD = 61
"""Bytes before the records."""


def batch(records: Sequence[Any], codec: int = 0) -> bytearray:
    """Of records with key, value and headers."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 100_000_000)
    for number, each in enumerate(records):
        assert builder.append(number, 0, each.key, each.value, list(each.headers)) is not None
    return bytearray(builder.build())


def packed(records: Sequence[Any], codec: int, pack: Callable[[bytes], bytes]) -> bytes:
    """A batch whose records are packed by `pack`, with a length and a checksum that fit."""
    made = batch(records)
    made[22] |= codec
    made[HEAD:] = pack(bytes(made[HEAD:]))
    struct.pack_into(">i", made, 8, len(made) - 12)
    struct.pack_into(">I", made, 17, calc_crc32c(bytes(made[21:])))
    return bytes(made)


def rubbish_behind(records: Sequence[Any]) -> bytes:
    """What brokers take, as Java stops reading in time, and no other library can read."""
    return packed(records, 3, lambda data: lz4_encode(data) + b"rubbish")


async def produce(bootstrap_servers: str, topic: str, data: bytes, partition: int = 0, **more: Any) -> None:
    """Write a batch as it is."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, max_request_size=8_000_000, **more)
    await producer.start()
    try:
        await producer.partitions_for(topic)
        leader = producer.client.cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(
            required_acks=-1, timeout=30_000, topics=[(topic, [(partition, data)])], transactional_id=None
        )
        until = monotonic() + 60
        # A topic just made may say once that its leader is not there yet.
        while (await producer.client.send(leader, request)).topics[0][1][0][1] != 0:
            assert monotonic() < until, "the batch is not taken"
            await asyncio.sleep(0.1)
    finally:
        await producer.stop()
