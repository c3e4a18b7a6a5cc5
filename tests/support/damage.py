"""Damage to what a broker has on its disk: it takes no such batch from anybody, and gives what is there as it is."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from aiokafka.record.util import calc_crc32c

_BASE = struct.Struct(">q")
_LENGTH = struct.Struct(">i")
_LENGTH_AT, _HEAD, _FORMAT_AT, _SUM_AT, _SUMMED_FROM, _CODEC_AT, _LAST_AT = 8, 12, 16, 17, 21, 22, 23

Damage = Callable[[bytearray], None]


def unknown_codec(batch: bytearray) -> None:
    """Packed in a way that nobody knows yet; its checksum fits."""
    batch[_CODEC_AT] |= 7
    struct.pack_into(">I", batch, _SUM_AT, calc_crc32c(bytes(batch[_SUMMED_FROM:])))


def broken_sum(batch: bytearray) -> None:
    """Its checksum does not fit."""
    batch[_SUM_AT] ^= 1


def format_of_tomorrow(batch: bytearray) -> None:
    """Its magic byte is one that no release has yet."""
    batch[_FORMAT_AT] = 3


DAMAGES: dict[str, Damage] = {
    "UnknownCodecError": unknown_codec,
    "BrokenChecksumError": broken_sum,
    "UnknownFormatError": format_of_tomorrow,
}
"""By what the reader calls it."""


def damage(data: Path, topic: str, partition: int, offset: int, how: Damage) -> Callable[[], None]:
    """Damage the batch that holds an offset, in the files of a running broker; returns what mends it.

    Raises:
        LookupError: no batch holds it.
    """
    for path in sorted((data / f"{topic}-{partition}").glob("*.log")):
        content = path.read_bytes()
        for start, length, first in _batches(content):
            if first <= offset <= first + _LENGTH.unpack_from(content, start + _LAST_AT)[0]:
                whole = content[start : start + length]
                batch = bytearray(whole)
                how(batch)
                _write(path, start, bytes(batch))
                return lambda: _write(path, start, whole)
    raise LookupError(f"no batch holds {offset} of {topic}-{partition}")


def _write(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def cut(data: Path, topic: str, partition: int, offset: int) -> None:
    """Take the batch that holds an offset, and what follows, out of the files of a broker that does not run: as a machine
    does that loses its power before all of it is on the disk.

    Raises:
        LookupError: no batch holds it.
    """
    folder = data / f"{topic}-{partition}"
    for path in sorted(folder.glob("*.log")):
        content = path.read_bytes()
        for start, _, first in _batches(content):
            if first <= offset <= first + _LENGTH.unpack_from(content, start + _LAST_AT)[0]:
                with path.open("r+b") as file:
                    file.truncate(start)
                for index in folder.glob("*index"):
                    index.unlink()  # made again from what is there
                return
    raise LookupError(f"no batch holds {offset} of {topic}-{partition}")


def _batches(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Where each batch of a segment starts, how long it is, and its first offset."""
    start = 0
    while start + _HEAD <= len(content):
        length = _HEAD + _LENGTH.unpack_from(content, start + _LENGTH_AT)[0]
        if length == _HEAD:
            return  # room that the broker took ahead
        yield start, length, _BASE.unpack_from(content, start)[0]
        start += length
