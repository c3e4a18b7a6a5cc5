"""Updates that come before the referral that they are about: another client, or an older topic, may bring them so.

Each waits in the store, in the order in which the broker took it, until its referral is there or its time is over. Nothing
else waits for it. What has come meanwhile about the same referral takes its turn behind it; a request by HTTP settles it
first, since its sender waits for the answer.
"""

import json
from base64 import b64decode
from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from conduit_chassis.columns import Columns
from conduit_chassis.dead_letters import spell_headers
from conduit_chassis.postgres import Connection, Row, insert
from conduit_chassis.records import Reader, Record
from conduit_contracts.topics import PARTNER_REFERRALS
from conduit_intake.submissions import Key

BATCH = 200
MOST_BYTES = 4 * 1024 * 1024
"""In memory at a time, unless one alone is more."""
_ROW = "topic, partition, record_offset, key, headers, value, record_timestamp"
_SIZE = "octet_length(early.headers) + coalesce(octet_length(early.value), 0) AS size"
_HAS_COME = """EXISTS (
    SELECT FROM referrals
    WHERE referrals.partner_id = early.partner_id AND referrals.partner_reference = early.partner_reference)"""
# What waits for one referral is taken by whoever has the first of it: who settles it for a request holds up nobody else.
# What leads to danger comes first, with all that came before it about its referral, and then partners take turns.
_TAKE = f"""
WITH ready AS (
    SELECT early.id, early.partner_id, early.partner_reference, early.danger, {_SIZE}
    FROM early_updates AS early WHERE early.due_at <= $1 OR {_HAS_COME}
), heads AS (
    SELECT early.partner_id, early.partner_reference FROM early_updates AS early
    WHERE early.id IN (SELECT min(id) FROM ready GROUP BY partner_id, partner_reference) FOR UPDATE SKIP LOCKED
), hurried AS (
    SELECT id, size, partner_id, coalesce(
        id <= max(id) FILTER (WHERE danger) OVER (PARTITION BY partner_id, partner_reference), false) AS rushed
    FROM ready JOIN heads USING (partner_id, partner_reference)
), turns AS (
    SELECT id, size, rushed, row_number() OVER (PARTITION BY partner_id, rushed ORDER BY id) AS turn FROM hurried
), placed AS (
    SELECT id, row_number() OVER in_turn AS place, sum(size) OVER in_turn AS total FROM turns
    WINDOW in_turn AS (ORDER BY rushed DESC, turn, id)
)
DELETE FROM early_updates WHERE id IN (SELECT id FROM placed WHERE place <= $2 AND (total <= $3 OR place = 1))
RETURNING id, {_ROW}
"""  # noqa: S608 - constants
_TAKE_OF = f"""
WITH own AS (
    SELECT early.id, {_SIZE} FROM early_updates AS early
    WHERE early.partner_id = $1 AND early.partner_reference = $2 AND {_HAS_COME} ORDER BY early.id FOR UPDATE OF early
), placed AS (
    SELECT id, row_number() OVER in_turn AS place, sum(size) OVER in_turn AS total FROM own WINDOW in_turn AS (ORDER BY id)
)
DELETE FROM early_updates WHERE id IN (SELECT id FROM placed WHERE place <= $3 AND (total <= $4 OR place = 1))
RETURNING id, {_ROW}
"""  # noqa: S608 - constants
_KEYS = Columns(partner_id="text", partner_reference="text")
_AWAITED = f"""
SELECT partner_id, partner_reference FROM {_KEYS.rows("asked")}
WHERE EXISTS (
    SELECT FROM early_updates AS early
    WHERE early.partner_id = asked.partner_id AND early.partner_reference = asked.partner_reference)
"""  # noqa: S608 - constants
_COUNT = "SELECT count(*) FROM early_updates"
READER = Reader("intake", (PARTNER_REFERRALS,), {})
"""Reads what waited as it would have been read when it came."""


class Early(NamedTuple):
    """One that waits."""

    partner_id: str
    partner_reference: str
    topic: str
    partition: int
    record_offset: int
    key: bytes | None
    headers: str
    value: bytes | None
    record_timestamp: int
    due_at: datetime
    danger: bool


def early(key: Key, record: Record, now: datetime, patience: timedelta, *, danger: bool) -> Early:
    """The record as it is to wait."""
    return Early(
        partner_id=key.partner_id,
        partner_reference=key.partner_reference,
        topic=record.topic,
        partition=record.partition,
        record_offset=record.offset,
        key=record.key,
        headers=spell_headers(record.headers),
        value=record.value,
        record_timestamp=record.timestamp_ms,
        due_at=now + patience,
        danger=danger,
    )


async def put(connection: Connection, waiting: list[Early]) -> None:
    """Have these wait."""
    await insert(connection, "early_updates", Early._fields, waiting)


async def awaited(connection: Connection, keys: list[Key]) -> set[Key]:
    """About which of these referrals something waits."""
    if not keys:
        return set()
    return {Key(**row) for row in await connection.fetch(_AWAITED, *_KEYS.arrays(key._asdict() for key in keys))}


async def take(connection: Connection, now: datetime, most: int = BATCH) -> list[Record]:
    """So many of those whose referral has come or whose time is over, or as many as are not too much. In their order."""
    return _in_order(await connection.fetch(_TAKE, now, most, MOST_BYTES))


async def take_of(connection: Connection, key: Key) -> list[Record]:
    """The first of what waited for this referral, in order, where it is there. Ask before it is locked, as `take` does.

    Until the transaction ends, nobody else takes any of it.
    """
    return _in_order(await connection.fetch(_TAKE_OF, key.partner_id, key.partner_reference, BATCH, MOST_BYTES))


async def count(connection: Connection) -> int:
    """How many wait."""
    waiting: int = await connection.fetchval(_COUNT)
    return waiting


def _in_order(rows: Iterable[Row]) -> list[Record]:
    return [_record(row) for row in sorted(rows, key=itemgetter("id"))]


def _record(row: Row) -> Record:
    headers = [(name, None if text is None else b64decode(text)) for name, text in json.loads(row["headers"])]
    place = row["topic"], row["partition"], row["record_offset"]
    return Record(*place, row["key"], headers, row["value"], row["record_timestamp"])
