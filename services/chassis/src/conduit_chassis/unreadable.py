"""Places at which reading waits: the service notes them, an operator sees them and may lead it past one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aiokafka import TopicPartition

from conduit_chassis.postgres import Connection
from conduit_contracts.kits.batches import UnreadableBatch

_NOTE = """
INSERT INTO unreadable_places (topic, partition, record_offset, last_offset, reason)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[])
ON CONFLICT (topic, partition, record_offset) DO UPDATE SET seen_at = now(), reason = excluded.reason
RETURNING topic, partition, last_offset, passed_at IS NOT NULL
"""
_WAITING = """
SELECT id, topic, partition, record_offset AS offset, last_offset, reason, since FROM unreadable_places
WHERE passed_at IS NULL AND seen_at > now() - interval '2 minutes' ORDER BY since, id
"""
_LEAD_PAST = """
UPDATE unreadable_places
SET passed_at = now(), passed_by = $2, passed_why = $3, last_offset = coalesce($4, last_offset)
WHERE id = $1 AND passed_at IS NULL AND coalesce($4, last_offset) >= record_offset RETURNING id
"""


@dataclass(frozen=True, slots=True)
class StuckPlace:
    """A place at which a service waits now."""

    id: int
    topic: str
    partition: int
    offset: int
    last_offset: int
    reason: str
    since: datetime


async def note(connection: Connection, held: Mapping[TopicPartition, UnreadableBatch]) -> dict[TopicPartition, int]:
    """Note that reading waits at these; returns the last offset of each that it is to pass."""
    columns = zip(
        *(
            (partition.topic, partition.partition, batch.first, batch.last, batch.why)
            for partition, batch in sorted(held.items())
        ),
        strict=True,
    )
    rows = await connection.fetch(_NOTE, *map(list, columns))
    return {TopicPartition(topic, number): last for topic, number, last, passed in rows if passed}


async def waiting(connection: Connection) -> list[StuckPlace]:
    """The places at which the service waits."""
    return [StuckPlace(**row) for row in await connection.fetch(_WAITING)]


async def lead_past(connection: Connection, number: int, *, actor: str, reason: str, last_offset: int | None = None) -> bool:
    """Have the service put aside what it cannot read and go on. `last_offset` is for when nobody else knows how much.

    Returns whether it still waited.
    """
    if not actor.strip() or not reason.strip():
        raise ValueError("an actor and a reason are needed")
    return await connection.fetchval(_LEAD_PAST, number, actor, reason, last_offset) is not None
