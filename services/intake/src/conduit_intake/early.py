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
from conduit_chassis.records import Item, Reader, Record
from conduit_contracts.topics import PARTNER_REFERRALS
from conduit_intake.submissions import Key

BATCH = 200
MOST_BYTES = 4 * 1024 * 1024
"""In memory at a time, unless one alone is more."""
_ROW = "id, topic, partition, record_offset, key, headers, value, record_timestamp"
_TAKE = f"""
WITH due AS (
    SELECT early.id, octet_length(early.headers) + coalesce(octet_length(early.value), 0) AS size
    FROM early_updates AS early
    WHERE early.due_at <= $1 OR EXISTS (
        SELECT FROM referrals
        WHERE referrals.partner_id = early.partner_id AND referrals.partner_reference = early.partner_reference)
    ORDER BY early.id LIMIT $2
), summed AS (
    SELECT id, size, sum(size) OVER (ORDER BY id) AS total FROM due
)
DELETE FROM early_updates WHERE id IN (SELECT id FROM summed WHERE total <= $3 OR total = size)
RETURNING {_ROW}
"""  # noqa: S608 - a constant
_TAKE_OF = f"""
DELETE FROM early_updates AS early WHERE early.partner_id = $1 AND early.partner_reference = $2 AND EXISTS (
    SELECT FROM referrals WHERE referrals.partner_id = $1 AND referrals.partner_reference = $2)
RETURNING {_ROW}
"""  # noqa: S608 - a constant
_KEYS = Columns(partner_id="text", partner_reference="text")
_AWAITED = f"""
SELECT partner_id, partner_reference FROM {_KEYS.rows("asked")}
WHERE EXISTS (
    SELECT FROM early_updates AS early
    WHERE early.partner_id = asked.partner_id AND early.partner_reference = asked.partner_reference)
"""  # noqa: S608 - constants
_COUNT = "SELECT count(*) FROM early_updates"
_READER = Reader("intake", (PARTNER_REFERRALS,), {})


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


def early(key: Key, record: Record, now: datetime, patience: timedelta) -> Early:
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
    )


async def put(connection: Connection, waiting: list[Early]) -> None:
    """Have these wait."""
    await insert(connection, "early_updates", Early._fields, waiting)


async def awaited(connection: Connection, keys: list[Key]) -> set[Key]:
    """About which of these referrals something waits."""
    if not keys:
        return set()
    return {Key(**row) for row in await connection.fetch(_AWAITED, *_KEYS.arrays(key._asdict() for key in keys))}


async def take(connection: Connection, now: datetime) -> list[Item]:
    """The first of those whose referral has come or whose time is over, in their order."""
    return _in_order(await connection.fetch(_TAKE, now, BATCH, MOST_BYTES))


async def take_of(connection: Connection, key: Key) -> list[Item]:
    """All that waited for this referral, in order, where it is there. Ask before it is locked, as `take` does."""
    return _in_order(await connection.fetch(_TAKE_OF, key.partner_id, key.partner_reference))


async def count(connection: Connection) -> int:
    """How many wait."""
    waiting: int = await connection.fetchval(_COUNT)
    return waiting


def _in_order(rows: Iterable[Row]) -> list[Item]:
    return [_READER.read(_record(row)) for row in sorted(rows, key=itemgetter("id"))]


def _record(row: Row) -> Record:
    headers = [(name, None if text is None else b64decode(text)) for name, text in json.loads(row["headers"])]
    place = row["topic"], row["partition"], row["record_offset"]
    return Record(*place, row["key"], headers, row["value"], row["record_timestamp"])
