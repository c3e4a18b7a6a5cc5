"""Reads past a record that aiokafka's decoder cannot: one whose header *name* is not UTF-8.

The decoder raises inside the fetch, before any of our code sees the record, and would do so for ever at that offset; it
also loses what the same poll had already taken from other partitions. So the poll is rewound, and the damaged partition
is read once with a decoder that escapes such names.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import _DefaultRecordBatchPy

from conduit_chassis.kafka import Record

_BATCH_HEAD = Struct(">qi")
_MAX_WAIT_MS = 0
_MAX_BYTES = 4 * 1024 * 1024


class _Buffer(bytearray):
    """Bytes whose slices decode to text whatever they hold, and tell when they had to."""

    damaged = False

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Slice(found, self) if isinstance(place, slice) else found


class _Slice(bytearray):
    def __init__(self, content: bytearray, buffer: _Buffer) -> None:
        super().__init__(content)
        self._buffer = buffer

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        try:
            return super().decode(encoding, errors)
        except UnicodeDecodeError:
            self._buffer.damaged = True
            return super().decode(encoding, "backslashreplace")


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka ships no types
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        if not isinstance(self._buffer, _Buffer):
            self._buffer = _Buffer(self._buffer)

    @property
    def damaged(self) -> bool:
        return isinstance(self._buffer, _Buffer) and self._buffer.damaged


class _Batches:
    """The record batches of a fetch, without a last one that was cut off, as aiokafka's own reader walks through them."""

    def __init__(self, data: bytes) -> None:
        self._left = list(_split(data))
        self._left.reverse()
        self.seen: list[_Batch] = []

    def has_next(self) -> bool:
        return bool(self._left)

    def next_batch(self) -> _Batch:
        self.seen.append(_Batch(self._left.pop()))
        return self.seen[-1]


def _split(data: bytes) -> Iterator[bytes]:
    start = 0
    while start + _BATCH_HEAD.size <= len(data):
        _, length = _BATCH_HEAD.unpack_from(data, start)
        end = start + _BATCH_HEAD.size + length
        if end > len(data):
            return
        yield data[start:end]
        start = end


def decode(partition: TopicPartition, data: bytes, position: int, aborted: Any = None) -> tuple[list[Record], bool]:
    """Every record from `position` on, and whether a header's name had to be escaped."""
    batches = _Batches(data)
    found = PartitionRecords(partition, batches, aborted, position, None, None, True, READ_COMMITTED)
    records = [Record(r.topic, r.partition, r.offset, r.key, r.headers, r.value, r.timestamp) for r in found]
    return records, any(batch.damaged for batch in batches.seen)


async def read(client: Any, partition: TopicPartition, position: int) -> tuple[list[Record], bool]:
    """Fetch a partition from `position` on, once."""
    node = client.cluster.leader_for_partition(partition)
    wanted = [(partition.topic, [(partition.partition, position, _MAX_BYTES)])]
    response = await client.send(node, FetchRequest(_MAX_WAIT_MS, 1, _MAX_BYTES, READ_COMMITTED, wanted))
    _, _, _, *parts = response.topics[0][1][0]
    aborted = parts[2] if response.API_VERSION >= 11 else parts[-2]
    return decode(partition, bytes(parts[-1] or b""), position, aborted)
