"""Reads past a record that aiokafka's decoder cannot: one whose header *name* is not UTF-8.

The decoder raises inside the fetch, before any of our code sees the record, and would do so for ever at that offset; it
also loses what the same poll had already taken from other partitions. So the poll is rewound, and the damaged partition
is read once with a decoder that escapes such names.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any

from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import _DefaultRecordBatchPy

from conduit_chassis.kafka import Record

_BATCH_HEAD = Struct(">qi")
_MAX_WAIT_MS = 500
_MAX_BYTES = 4 * 1024 * 1024
_READ_COMMITTED = 1


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


def batches(data: bytes) -> Iterator[Any]:
    """The record batches of a fetch, without a last one that was cut off."""
    start = 0
    while start + _BATCH_HEAD.size <= len(data):
        _, length = _BATCH_HEAD.unpack_from(data, start)
        end = start + _BATCH_HEAD.size + length
        if end > len(data):
            return
        yield _Batch(data[start:end])
        start = end


def decode(topic: str, partition: int, data: bytes, position: int) -> tuple[list[Record], bool]:
    """Every record from `position` on, and whether a header's name had to be escaped."""
    records: list[Record] = []
    damaged = False
    for batch in batches(data):
        if batch.is_control_batch:
            continue
        records += (_record(topic, partition, found) for found in batch if found.offset >= position)
        damaged = damaged or batch._buffer.damaged
    return records, damaged


def _record(topic: str, partition: int, found: Any) -> Record:
    return Record(topic, partition, found.offset, found.key, found.headers, found.value, found.timestamp)


async def read(client: Any, topic: str, partition: int, position: int) -> tuple[list[Record], bool]:
    """Fetch a partition from `position` on, once."""
    node = client.cluster.leader_for_partition((topic, partition))
    wanted = [(topic, [(partition, position, _MAX_BYTES)])]
    response = await client.send(node, FetchRequest(_MAX_WAIT_MS, 1, _MAX_BYTES, _READ_COMMITTED, wanted))
    data = response.topics[0][1][0][-1] or b""
    return decode(topic, partition, bytes(data), position)
