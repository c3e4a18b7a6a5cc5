"""The result of a fetch, batch by batch: a batch that cannot be read affects nothing else, whatever is wrong with it.

aiokafka ends a whole poll at a batch that it cannot read, at every attempt, and with it every other partition. Here such a
batch becomes one record that holds its bytes (`UnreadableBatch`), and what stands before and after it is read. A broker lets
through more than one would think: rubbish after the end of a compressed block, header names that are not UTF-8, and a block
of some kilobytes that unpacks to gigabytes.
"""

import zlib
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any, Self

import cramjam
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.control_record import ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint_py

LARGEST_UNPACKED = 32 * 1024 * 1024
"""The most that a batch may hold when unpacked: hundreds of the largest records that the hub accepts."""

_PREFIX = Struct(">qiib")
"""Of every format, also later ones: first offset, length, something, format."""
_MAGIC = 2
_LENGTH_AT, _FORMAT_AT, _CODEC_AT, _RECORDS_AT = 8, 12, 22, 61
_CODEC_MASK = 0x07
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEAD = 16
_INT = Struct(">i")


class UnreadableBatch(bytes):
    """The bytes of a batch of which the records `first` to `last` cannot be read. `why` is an error's class or a word."""

    first: int
    last: int
    why: str

    def __new__(cls, raw: bytes, first: int, last: int, why: str) -> Self:
        """The bytes as they came; empty if the broker itself cannot read them."""
        made = super().__new__(cls, raw)
        made.first, made.last, made.why = first, last, why
        return made


class UnreadableError(Exception):
    """The reader is to wait at this batch."""

    def __init__(self, batch: UnreadableBatch) -> None:
        super().__init__(batch.why)
        self.batch = batch


class TooLargeError(Exception):
    """It unpacks to more than one batch may hold."""


class UnknownCodecError(Exception):
    """No codec has this number today."""


class UnknownFormatError(Exception):
    """No format of batches has this number today, or this is not a batch."""


class WrongOffsetError(Exception):
    """A record claims an offset that belongs to another record."""


class BrokenChecksumError(Exception):
    """The checksum is wrong: these are not the bytes that were sent."""


Passes = Callable[[UnreadableBatch], bool]
"""Whether to go on past a batch, which is then given as a record; otherwise `UnreadableError` is raised at it."""


def is_whole(data: bytes) -> bool:
    """Whether the bytes begin with at least one whole batch."""
    return next(split(data), None) is not None


def read(
    partition: TopicPartition,
    data: bytes,
    position: int,
    end: int = 1 << 62,
    aborted: Any = None,
    *,
    passes: Passes = lambda _: True,
    escaped: Callable[[], None] = lambda: None,
) -> Any:
    """aiokafka's iterator over the records from `position` on. `end` is the partition's; `escaped` is told of each batch
    with a header's name that is not UTF-8 and was escaped."""
    batches = _Batches(data, position, end, passes, escaped)
    return PartitionRecords(partition, batches, aborted, position, None, None, False, READ_COMMITTED)


class _Batches:
    """The batches of a fetch as aiokafka's iterator asks for them, without a last one that was cut off."""

    def __init__(self, data: bytes, position: int, end: int, passes: Passes, escaped: Callable[[], None]) -> None:
        self._left = split(data)
        self._next = next(self._left, None)
        self._position, self._end, self._passes, self._escaped = position, end, passes, escaped

    def has_next(self) -> bool:
        return self._next is not None

    def next_batch(self) -> Any:
        raw, self._next = self._next or b"", next(self._left, None)
        start = max(self._position, min(_base(raw), self._end - 1))
        following = _base(self._next) if self._next else None
        return _Batch(raw, start, following, self._end, self._passes, self._escaped).opened()


def _base(raw: bytes) -> int:
    found: int = _PREFIX.unpack_from(raw)[0]
    return found


def split(data: bytes) -> Iterator[bytes]:
    """The batches of a fetch, without a last one that was cut off."""
    start = 0
    while start + _PREFIX.size <= len(data):
        (length,) = _INT.unpack_from(data, start + _LENGTH_AT)
        end = start + _FORMAT_AT + length
        if end > len(data) or end < start + _PREFIX.size:
            return
        yield data[start:end]
        start = end


class _Batch:
    """One batch, which yields its records, and in place of what cannot be read one record with the bytes."""

    producer_id: int | None = None
    is_control_batch = False
    is_transactional = False

    def __init__(
        self, raw: bytes, start: int, following: int | None, end: int, passes: Passes, escaped: Callable[[], None]
    ) -> None:
        self._raw, self._passes, self._escaped = raw, passes, escaped
        self._error: Exception | None = None
        self._plain: Any = None
        self._marker: Any = None
        self._reached = start
        self._following = following if following is not None and start < following <= end else end
        self.base_offset: int = _base(raw)
        # Of a format that is not known, only the next batch tells where this one ends.
        self.next_offset: int = start + 1 if following is None else self._following

    def opened(self) -> Any:
        try:
            batch = _open(self._raw)
            # It may claim anything, and must lead nobody past what follows it.
            if self._reached < batch.next_offset <= self._following:
                self.next_offset = batch.next_offset
            _check(self._raw)
            if batch.is_control_batch:
                self._marker = next(batch)
                ControlRecord.parse(self._marker.key)  # aiokafka will, where nothing may be wrong with it any more
                self.is_control_batch = True
            self.producer_id, self.is_transactional = batch.producer_id, batch.is_transactional
            self._plain = self._raw if self.is_control_batch else unpacked(self._raw)
        except Exception as error:  # whatever is wrong with it, it costs itself alone
            self._error = error
        return self

    def __next__(self) -> Any:
        """Of a control batch: what ends a transaction, which aiokafka asks for."""
        return self._marker

    def __iter__(self) -> Iterator[Any]:
        try:
            if self._error is None:
                yield from self._read(_open(self._plain))
                return
        except Exception as error:  # as above
            self._error = error
            try:
                yield from self._read_escaping()
            except Exception as still:  # as above
                self._error = still
            else:
                return
        if self._reached < self.next_offset:  # else all its records were read, and what is wrong stands behind them
            yield self._unreadable()

    def _read(self, batch: Any) -> Iterator[Any]:
        for record in batch:
            if record.offset >= self.next_offset:
                raise WrongOffsetError
            if record.offset >= self._reached:
                self._reached = record.offset + 1
                yield record

    def _read_escaping(self) -> Iterator[Any]:
        batch = _EscapingBatch(self._plain)
        self._escaped()
        yield from self._read(batch)

    def _unreadable(self) -> "_Stub":
        batch = UnreadableBatch(self._raw, self._reached, self.next_offset - 1, type(self._error).__name__)
        if not self._passes(batch):
            raise UnreadableError(batch)
        return _Stub(batch)


class _Stub:
    """Represents the records that cannot be read. Its offset is that of the last one, so that reading goes on after it."""

    key = None
    checksum = None
    headers = ()
    timestamp_type = 0

    def __init__(self, batch: UnreadableBatch) -> None:
        self.value = batch
        self.offset = batch.last
        self.timestamp = _time_of(batch)


_MOST_RECENT_AT = Struct(">q")
_TIME_AT = 35


def _time_of(batch: bytes) -> int:
    known = len(batch) >= _RECORDS_AT and batch[_PREFIX.size - 1] == _MAGIC
    return max(0, _MOST_RECENT_AT.unpack_from(batch, _TIME_AT)[0]) if known else 0


def _open(raw: bytes) -> Any:
    magic = raw[_PREFIX.size - 1]
    if magic < _MAGIC:
        return MemoryRecords(raw).next_batch()
    if magic > _MAGIC or len(raw) < _RECORDS_AT:
        raise UnknownFormatError
    return DefaultRecordBatch(raw)


def _check(raw: bytes) -> None:
    if not _open(raw).validate_crc():
        raise BrokenChecksumError


def unpacked(raw: bytes, largest: int = LARGEST_UNPACKED) -> bytes:
    """The same batch uncompressed.

    Raises:
        TooLargeError: it would be larger than that.
        UnknownCodecError: it is compressed in a way that is not known.
    """
    magic, codec = raw[_PREFIX.size - 1], raw[_CODEC_AT] & _CODEC_MASK
    if magic != _MAGIC or not codec:
        return raw
    unpack = _UNPACK.get(codec)
    if unpack is None:
        raise UnknownCodecError
    records = unpack(raw[_RECORDS_AT:], largest)
    made = bytearray(raw[:_RECORDS_AT]) + records
    made[_CODEC_AT] &= ~_CODEC_MASK
    _INT.pack_into(made, _LENGTH_AT, len(made) - _FORMAT_AT)
    return bytes(made)


def _gzip(data: bytes, largest: int) -> bytes:
    """What follows the last member is left alone, as Java leaves it."""
    found = b""
    while data.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        found += member.decompress(data, largest + 1 - len(found))
        if len(found) > largest:
            raise TooLargeError
        if not member.eof:
            raise EOFError
        data = member.unused_data
    return found


def _snappy(data: bytes, largest: int) -> bytes:
    if not data.startswith(_XERIAL):
        return _snappy_block(data, largest)
    found, at = bytearray(), _XERIAL_HEAD
    while at < len(data):
        (length,) = _INT.unpack_from(data, at)
        if length < 0:
            raise ValueError("negative length")
        found += _snappy_block(data[at + _INT.size : at + _INT.size + length], largest - len(found))
        at += _INT.size + length
    return bytes(found)


def _snappy_block(data: bytes, largest: int) -> bytes:
    # The length that it claims is reserved before anything is unpacked.
    if cramjam.snappy.decompress_raw_len(data) > largest:
        raise TooLargeError
    return bytes(cramjam.snappy.decompress_raw(data))


def _into(unpack: Callable[[bytes, bytearray], int]) -> Callable[[bytes, int], bytes]:
    """Unpack into room of a given size, as these do not say beforehand how much they need."""

    def bounded(data: bytes, largest: int) -> bytes:
        room = bytearray(min(largest, 16 * len(data) + 65_536))
        try:
            return bytes(memoryview(room)[: unpack(data, room)])
        except cramjam.DecompressionError:
            if len(room) == largest:
                raise
        room = bytearray(largest)
        return bytes(memoryview(room)[: unpack(data, room)])

    return bounded


_UNPACK: dict[int, Callable[[bytes, int], bytes]] = {
    1: _gzip,
    2: _snappy,
    3: _into(cramjam.lz4.decompress_into),
    4: _into(cramjam.zstd.decompress_into),
}
"""By the number that a batch's attributes give: every codec that Kafka has."""


class _Buffer(bytearray):
    """Bytes whose slices decode to text whatever they hold."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Slice(found) if isinstance(place, slice) else found


class _Slice(bytearray):
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - the signature is bytearray's
        return super().decode(encoding, "backslashreplace")


class _EscapingBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka ships no types
    """Escapes header names that are not UTF-8."""

    _buffer: bytearray

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._buffer = _Buffer(self._buffer)

    def _read_msg(self, decode_varint: Any = decode_varint_py) -> Any:
        # aiokafka's own choice, in C, reads on behind the end of the buffer, to where the process is killed for it.
        return super()._read_msg(decode_varint)
