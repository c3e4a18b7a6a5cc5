"""Whatever a partition holds, what can be read of it is read, and the rest is told by its place."""

import gzip
import struct
from collections.abc import Callable, Iterator
from typing import Any

import cramjam
import pytest
from aiokafka import TopicPartition
from aiokafka.codec import lz4_encode, snappy_encode
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.kits.batches import LARGEST_UNPACKED, UnreadableBatch, UnreadableError, is_whole, read, unpacked

PARTITION = TopicPartition("t", 0)
CODECS: dict[int, Callable[[bytes], bytes]] = {
    1: gzip.compress,
    2: snappy_encode,
    3: lz4_encode,
    4: lambda data: bytes(cramjam.zstd.compress(data)),
}
EVERY_CODEC = [0, *CODECS]


def batch(first: int, values: list[bytes], codec: int = 0) -> bytearray:
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 1_000_000_000)
    for number, value in enumerate(values):
        assert builder.append(number, 1_000, b"k", value, [("h", b"x")]) is not None
    made = bytearray(builder.build())
    struct.pack_into(">q", made, 0, first)
    return made


def sealed(made: bytearray) -> bytearray:
    """With a length and a checksum that fit."""
    struct.pack_into(">i", made, 8, len(made) - 12)
    struct.pack_into(">I", made, 17, calc_crc32c(bytes(made[21:])))
    return made


def repacked(made: bytearray, codec: int, records: bytes) -> bytearray:
    head = made[:61]
    head[22] = (head[22] & ~7) | codec
    return sealed(head + records)


def found(data: bytes, position: int = 0, **more: Any) -> list[tuple[int, Any]]:
    return [(record.offset, record.value) for record in read(PARTITION, bytes(data), position, **more)]


def broken(data: bytes, position: int = 0) -> list[tuple[int, int, str]]:
    records = read(PARTITION, bytes(data), position)
    return [(r.value.first, r.value.last, r.value.why) for r in records if isinstance(r.value, UnreadableBatch)]


@pytest.mark.parametrize("codec", EVERY_CODEC)
def test_every_codec_of_kafka_is_read(codec: int) -> None:
    values = [b"a" * 100, b"", b"b"]
    assert found(batch(5, values, codec)) == list(zip((5, 6, 7), values, strict=True))
    assert found(batch(5, values, codec), position=6) == [(6, b""), (7, b"b")]


@pytest.mark.parametrize("codec", EVERY_CODEC)
def test_a_batch_that_unpacks_to_gigabytes_takes_no_room(codec: int) -> None:
    packed = {0: b"", 1: gzip.compress(bytes(LARGEST_UNPACKED + 1))}
    pack = CODECS.get(codec)
    data = packed.get(codec) or (pack(bytes(LARGEST_UNPACKED + 1)) if pack else b"")
    made = repacked(batch(0, [b"x"]), codec, data)
    if codec:
        assert [(first, last) for first, last, _ in broken(made + batch(1, [b"good"]))] == [(0, 0)]


def test_raw_snappy_and_what_follows_a_gzip_member_are_read_as_java_reads_them() -> None:
    made = batch(0, [b"v"] * 3)
    records = bytes(made[61:])
    for codec, data in ((2, cramjam.snappy.compress_raw(records)), (1, gzip.compress(records) + b"\0rubbish")):
        assert [value for _, value in found(repacked(made, codec, bytes(data)))] == [b"v"] * 3


def codec_of_tomorrow(made: bytearray) -> bytearray:
    made[22] |= 7
    return sealed(made)


def format_of_tomorrow(made: bytearray) -> bytearray:
    made[16] = 3
    return made


def wrong_sum(made: bytearray) -> bytearray:
    made[17] ^= 1
    return made


def rubbish_behind(made: bytearray) -> bytearray:
    return repacked(made, 3, lz4_encode(bytes(made[61:])) + b"rubbish")


def half_of_it(made: bytearray) -> bytearray:
    return repacked(made, 4, CODECS[4](bytes(made[61:]))[:-4])


DAMAGES = [codec_of_tomorrow, format_of_tomorrow, wrong_sum, rubbish_behind, half_of_it]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_batch_that_cannot_be_read_costs_itself_alone(damage: Callable[[bytearray], bytearray]) -> None:
    data = bytes(batch(0, [b"a", b"b"]) + damage(batch(2, [b"c", b"d", b"e"])) + batch(5, [b"f"]))
    offsets = [offset for offset, _ in found(data)]
    assert offsets == [0, 1, 4, 5]
    ((first, last, _),) = broken(data)
    assert (first, last) == (2, 4)
    (value,) = [value for _, value in found(data) if isinstance(value, UnreadableBatch)]
    assert value in data, "its bytes are kept as they came"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_reader_that_may_not_pass_it_stops_before_it(damage: Callable[[bytearray], bytearray]) -> None:
    data = bytes(batch(0, [b"a"]) + damage(batch(1, [b"c"])) + batch(2, [b"f"]))
    records: Iterator[Any] = read(PARTITION, data, 0, passes=lambda _: False)
    assert next(records).offset == 0
    with pytest.raises(UnreadableError) as caught:
        next(records)
    assert caught.value.batch.first == 1


def test_what_stands_before_the_damage_within_a_batch_is_read() -> None:
    made = batch(0, [b"a" * 10, b"b" * 10])
    made[-3] = 0x7F  # the length of the last header's value
    data = bytes(sealed(made) + batch(2, [b"c"]))
    first, *_ = found(data)
    assert first == (0, b"a" * 10)
    assert found(data)[-1] == (2, b"c")


CONTROL_BIT, ATTRIBUTES_AT, LAST_DELTA_AT = 0x20, 22, 23


def control(first: int, key: bytes) -> bytearray:
    builder = _DefaultRecordBatchBuilderPy(2, 0, 1, 5, 0, 0, 1_000_000_000)
    builder.append(0, 1_000, key, b"", [])
    made = bytearray(builder.build())
    struct.pack_into(">q", made, 0, first)
    made[ATTRIBUTES_AT] |= CONTROL_BIT
    return sealed(made)


@pytest.mark.parametrize("key", [b"", b"k"])
def test_a_control_batch_that_says_nothing_costs_itself_alone(key: bytes) -> None:
    data = batch(0, [b"a"]) + control(1, key) + batch(2, [b"c"])
    assert [(first, last) for first, last, _ in broken(data)] == [(1, 1)]
    assert [offset for offset, _ in found(data)] == [0, 1, 2]


def test_a_control_batch_leads_nobody_past_what_follows_it() -> None:
    marker = control(1, b"\0\0\0\1")
    struct.pack_into(">i", marker, LAST_DELTA_AT, 1_000)
    assert found(batch(0, [b"a"]) + sealed(marker) + batch(2, [b"c"])) == [(0, b"a"), (2, b"c")]


def test_what_an_abort_marker_ends_is_read_again_behind_it() -> None:
    def of_a_transaction(first: int, value: bytes) -> bytearray:
        builder = _DefaultRecordBatchBuilderPy(2, 0, 1, 5, 0, 0, 1_000_000_000)
        builder.append(0, 1_000, b"k", value, [])
        made = bytearray(builder.build())
        struct.pack_into(">q", made, 0, first)
        return made

    data = of_a_transaction(0, b"given up") + control(1, b"\0\0\0\0") + of_a_transaction(2, b"kept")
    assert found(data, aborted=[(5, 0)]) == [(2, b"kept")]


def test_a_header_name_that_is_not_utf8_is_escaped() -> None:
    made = batch(0, [b"v"])
    made[-3] = 0xFF
    told: list[int] = []
    records = list(read(PARTITION, bytes(sealed(made)), 0, escaped=lambda: told.append(1)))
    assert ([(r.value, r.headers) for r in records], told) == ([(b"v", (("\\xff", b"x"),))], [1])


def test_what_was_cut_off_is_left_for_the_next_fetch() -> None:
    data = bytes(batch(0, [b"a"]) + batch(1, [b"b"])[:-1])
    assert found(data) == [(0, b"a")]
    assert is_whole(data)
    assert not is_whole(bytes(batch(0, [b"a"])[:-1]))


def test_a_batch_unpacked_is_the_same_batch() -> None:
    plain = unpacked(bytes(batch(3, [b"v"] * 2, 4)))
    assert bytes(plain[61:]) == bytes(batch(3, [b"v"] * 2)[61:])


@given(st.data())
def test_whatever_stands_there_reading_ends_behind_it_and_never_beyond_the_end(data: st.DataObject) -> None:
    """Three batches, some bytes of which are changed, sealed again or not: nothing raises, offsets rise, none is passed
    over without a word, and what was not touched is read."""
    codecs = [data.draw(st.sampled_from(EVERY_CODEC)) for _ in range(3)]
    parts = [batch(2 * number, [b"one" * 9, b"two" * 9], codec) for number, codec in enumerate(codecs)]
    hit = data.draw(st.integers(0, 2))
    # Neither the first offset nor the length: without these no broker finds the batch.
    for place in data.draw(st.lists(st.integers(12, len(parts[hit]) - 1), min_size=1, max_size=6)):
        parts[hit][place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        sealed(parts[hit])
    records = list(read(PARTITION, bytes(b"".join(parts)), 0, 6))
    offsets = [record.offset for record in records]
    assert offsets == sorted(set(offsets))
    told = {n for r in records for n in range(getattr(r.value, "first", r.offset), r.offset + 1)}
    for number in range(3):
        if number != hit:
            assert {2 * number, 2 * number + 1} <= told


@given(st.binary(max_size=400), st.integers(0, 1000))
def test_any_bytes_at_all(data: bytes, position: int) -> None:
    for record in read(PARTITION, data, position, position + 100):
        assert record.offset >= position
