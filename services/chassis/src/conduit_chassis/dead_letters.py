"""A record that cannot be handled is put aside whole, and later records of its lane wait behind it.

The row and the record for the dead-letter topic are written in one transaction with the record's inbox claim: a dead
letter is as durable as any other effect, and there is exactly one of it. The row holds the whole record for as long as it
waits, however long that is, and nothing of it afterwards: the database sees to that.
"""

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from conduit_chassis.columns import Columns
from conduit_chassis.headers import pack_headers
from conduit_chassis.orders import Replay
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, Row
from conduit_chassis.records import BATCH_UNREADABLE, Headers, Item, Record, fingerprint

BEHIND = "behind_dead_letter"
HANDLER_FAILED = "handler_failed"
KILLS = "kills_its_process"
ID_HEADER = "conduit-dead-letter-id"

_INSERT = """
INSERT INTO dead_letters (topic, partition, record_offset, key, lane, digest, reason, error_class, at, blamed,
                          headers, value, record_timestamp)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id
"""
_WAITING = "SELECT id, lane FROM dead_letters WHERE resolved_at IS NULL AND lane = ANY($1::bytea[]) ORDER BY id"
_BLAMED_SINCE = """
SELECT topic, blamed FROM dead_letters WHERE resolved_at IS NULL AND reason <> 'behind_dead_letter' AND at >= $1
ORDER BY id DESC LIMIT $2
"""
_REPLAYED = """
SELECT id, topic, partition, digest, reason FROM dead_letters
WHERE resolved_at IS NULL AND id = ANY($1::bigint[]) FOR UPDATE
"""
_RESTORE = """
SELECT id, topic, partition, record_offset, key, headers, value, record_timestamp, digest FROM dead_letters
WHERE resolved_at IS NULL AND headers IS NOT NULL AND id = ANY($1::bigint[])
"""
_KEEP = """
UPDATE dead_letters SET headers = $2, value = $3, record_timestamp = $4
WHERE id = $1 AND resolved_at IS NULL AND headers IS NULL AND digest = $5
"""
_ORDERS = Columns(number="bigint", actor="text", reason="text")
_NOTE = f"""
INSERT INTO dead_letter_actions (dead_letter_id, action, actor, reason)
SELECT number, 'replayed', actor, reason FROM {_ORDERS.rows("now")}
"""  # noqa: S608 - constants
_SUPERSEDED = """
INSERT INTO dead_letter_actions (dead_letter_id, action, actor, reason)
SELECT number, 'superseded', $2, 'a newer record of the same key came' FROM unnest($1::bigint[]) AS number
"""
_RESOLVE = "UPDATE dead_letters SET resolved_at = $2 WHERE id = ANY($1::bigint[]) AND resolved_at IS NULL"
_FAIL_AGAIN = """
UPDATE dead_letters SET attempts = attempts + 1, reason = CASE reason WHEN $4 THEN reason ELSE $2 END, error_class = $3
WHERE id = $1 AND resolved_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a record is put aside."""

    reason: str
    error_class: str | None = None


class WaitingLetter(NamedTuple):
    """A dead letter that its replay may resolve."""

    topic: str
    partition: int
    digest: bytes
    reason: str


async def waiting(connection: Connection, lanes: Iterable[bytes]) -> dict[bytes, list[int]]:
    """The ids that wait in each of these lanes, in order."""
    found: dict[bytes, list[int]] = {}
    for row in await connection.fetch(_WAITING, list(lanes)):
        found.setdefault(row["lane"], []).append(row["id"])
    return found


async def blamed_since(connection: Connection, since: datetime, limit: int) -> list[tuple[str, str | None]]:
    """The topic of each of the newest dead letters that still wait and did not wait for another, and whose doing it is;
    None where the release that wrote it did not say."""
    return [(row["topic"], row["blamed"]) for row in await connection.fetch(_BLAMED_SINCE, since, limit)]


async def replayed(connection: Connection, ids: Sequence[int]) -> dict[int, WaitingLetter]:
    """The dead letters that these replays are of, locked, where they still wait."""
    rows = await connection.fetch(_REPLAYED, list(ids)) if ids else ()
    return {row["id"]: WaitingLetter(row["topic"], row["partition"], row["digest"], row["reason"]) for row in rows}


async def restored(connection: Connection, orders: Sequence[Replay]) -> list[Record]:
    """The records of the dead letters that these orders bring back, in their order, where they still wait and hold what the
    order says."""
    if not orders:
        return []
    rows = {row["id"]: row for row in await connection.fetch(_RESTORE, [each.number for each in orders])}
    wanted = [(rows[each.number], each) for each in orders if each.number in rows]
    return [_restore(row, each) for row, each in wanted if row["digest"] == each.digest]


async def record_of(connection: Connection, number: int) -> Record | None:
    """The record that was put aside; None where it no longer waits, or the store does not hold it."""
    row = await connection.fetchrow(_RESTORE, [number])
    return None if row is None else _restore(row, None)


async def keep(connection: Connection, number: int, record: Record) -> None:
    """Put the record into the row of a dead letter that an earlier release wrote without it."""
    headers = spell_headers(record.headers)
    await connection.execute(_KEEP, number, headers, record.value, record.timestamp_ms, fingerprint(record))


async def say_who_replays(connection: Connection, order: Replay) -> None:
    """Until the transaction ends, every line of history says that this operator had it brought back."""
    await connection.execute("SELECT set_config('conduit.replayed_by', $1, true)", order.actor)


async def note_replays(connection: Connection, orders: Sequence[Replay]) -> None:
    """Keep who brought dead letters back, and why."""
    if orders:
        rows = ({"number": each.number, "actor": each.actor, "reason": each.reason} for each in orders)
        await connection.execute(_NOTE, *_ORDERS.arrays(rows))


async def resolve(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Mark dead letters as dealt with."""
    if ids:
        await connection.execute(_RESOLVE, list(ids), now)


async def supersede(connection: Connection, ids: Sequence[int], service: str, now: datetime) -> None:
    """Close dead letters of a register whose key has a newer record, and keep that the service did it."""
    if ids:
        await resolve(connection, ids, now)
        await connection.execute(_SUPERSEDED, list(ids), service)


async def put_aside(connection: Connection, outbox: Outbox, service: str, item: Item, cause: Cause, now: datetime) -> int:
    """Write the row and the record for the dead-letter topic; returns the dead letter's id."""
    record = item.record
    number: int = await connection.fetchval(
        _INSERT,
        record.topic,
        record.partition,
        record.offset,
        record.key,
        item.lane,
        fingerprint(record),
        cause.reason,
        cause.error_class,
        now,
        item.blamed,
        spell_headers(record.headers),
        record.value,
        record.timestamp_ms,
    )
    outbox.add(f"{service}.dead-letters.v1", record.key, _headers(number, service, record, cause), pack(record))
    return number


async def fail_again(connection: Connection, number: int, cause: Cause) -> None:
    """Note that a replay failed. Its record stays where it is, and keeps its turn.

    A batch that could not be read stays known as that, whatever its records come to: it holds no record of its own.
    """
    await connection.execute(_FAIL_AGAIN, number, cause.reason, cause.error_class, BATCH_UNREADABLE)


def _restore(row: Row, order: Replay | None) -> Record:
    headers = [(name, None if text is None else b64decode(text)) for name, text in json.loads(row["headers"])]
    place = row["topic"], row["partition"], row["record_offset"]
    return Record(*place, row["key"], headers, row["value"], row["record_timestamp"], order)


def spell_headers(headers: Headers) -> str:
    """Headers as JSON, whatever bytes they hold."""
    return json.dumps([[name, _to_text(value)] for name, value in headers], separators=(",", ":"))


def _headers(number: int, service: str, record: Record, cause: Cause) -> str:
    named = {
        ID_HEADER: str(number),
        "conduit-service": service,
        "conduit-reason": cause.reason,
        "conduit-error-class": cause.error_class or "",
        "conduit-topic": record.topic,
        "conduit-partition": str(record.partition),
        "conduit-offset": str(record.offset),
        "conduit-timestamp": str(record.timestamp_ms),
    }
    return pack_headers([(name, text.encode()) for name, text in named.items()])


_LENGTH = struct.Struct(">I")


def pack(record: Record) -> bytes:
    """The original headers and value as one value. Headers may hold personal data, and tools show headers freely."""
    envelope = {"headers": [[name, _to_text(value)] for name, value in record.headers], "tombstone": record.value is None}
    head = json.dumps(envelope, separators=(",", ":")).encode()
    return _LENGTH.pack(len(head)) + head + (record.value or b"")


def unpack(packed: bytes) -> tuple[list[tuple[str, bytes | None]], bytes | None]:
    """The original headers and value."""
    (length,) = _LENGTH.unpack_from(packed)
    end = _LENGTH.size + length
    envelope = json.loads(packed[_LENGTH.size : end])
    headers = [(name, None if text is None else b64decode(text)) for name, text in envelope["headers"]]
    return headers, None if envelope["tombstone"] else packed[end:]


def _to_text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()
