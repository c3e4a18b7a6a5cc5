"""Brings back to the outbox what Kafka would not take, once its cause is fixed; or discards it. Both say who and why.

An event comes back whole, with its id, so that it has the same `ce_id` and comes before what followed it. Later events of
its key to that topic wait for it in the outbox until it is returned or given up: its readers never see an order that never
was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from conduit_chassis.outbox import COLUMNS
from conduit_chassis.postgres import Connection

_WAITING = """
SELECT id, topic, encode(key, 'escape') AS key, reason, at, coalesce(octet_length(value), 0) AS size FROM outbox_rejected
WHERE $1::bigint[] IS NULL OR id = ANY($1) ORDER BY id LIMIT $2
"""
_COUNT = "SELECT count(*) FROM outbox_rejected"
_RETURN = f"""
WITH back AS (
    DELETE FROM outbox_rejected WHERE $1::bigint[] IS NULL OR id = ANY($1) RETURNING id, {COLUMNS}
), sent AS (
    INSERT INTO outbox (id, {COLUMNS}) OVERRIDING SYSTEM VALUE SELECT id, {COLUMNS} FROM back RETURNING id
)
INSERT INTO outbox_actions (event_id, action, actor, reason) SELECT id, 'returned', $2, $3 FROM sent ORDER BY id
RETURNING event_id
"""  # noqa: S608 - constants
_DISCARD = """
WITH gone AS (DELETE FROM outbox_rejected WHERE id = ANY($1::bigint[]) RETURNING id)
INSERT INTO outbox_actions (event_id, action, actor, reason) SELECT id, 'discarded', $2, $3 FROM gone ORDER BY id
RETURNING event_id
"""


@dataclass(frozen=True)
class Rejected:
    """An event as an operator sees it: where it should go and why it did not, never what it holds."""

    id: int
    topic: str
    key: str | None
    reason: str
    at: datetime
    size: int
    """Bytes of its value."""


async def waiting(connection: Connection, ids: Sequence[int] | None = None, most: int | None = None) -> list[Rejected]:
    """What Kafka would not take, in order: all of it, or those of `ids`, or the first of it."""
    return [Rejected(**row) for row in await connection.fetch(_WAITING, None if ids is None else list(ids), most)]


async def count(connection: Connection) -> int:
    """How many events Kafka would not take."""
    number: int = await connection.fetchval(_COUNT)
    return number


async def bring_back(
    connection: Connection, *, actor: str, reason: str, ids: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Have the service send them again: those of `ids`, or all. Returns those that were there."""
    rows = await connection.fetch(_RETURN, None if ids is None else list(ids), *_said(actor, reason))
    return tuple(row["event_id"] for row in rows)


async def discard(connection: Connection, ids: Sequence[int], *, actor: str, reason: str) -> tuple[int, ...]:
    """Discard them for good. Returns those that were there."""
    rows = await connection.fetch(_DISCARD, list(ids), *_said(actor, reason))
    return tuple(row["event_id"] for row in rows)


def _said(actor: str, reason: str) -> tuple[str, str]:
    if not actor.strip() or not reason.strip():
        raise ValueError("an actor and a reason are needed")
    return actor, reason
