"""A record's effect happens once: its id is claimed in the transaction that has the effect.

The key is the topic and an id, never what a record says of its source, because only the topic is authenticated. Ids are
claimed in one order, so that two owners of one partition wait for each other instead of deadlocking.
"""

from collections.abc import Iterable
from datetime import datetime

import asyncpg

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection, affected, insert

_IDS = Columns(topic="text", event_id="text")
_CLAIM = f"""
INSERT INTO inbox ({_IDS.names}) SELECT {_IDS.values("now")} FROM {_IDS.rows("now")}
ON CONFLICT DO NOTHING RETURNING topic, event_id
"""  # noqa: S608 - constants
_FORGET = """
DELETE FROM inbox WHERE ctid = ANY(ARRAY(SELECT ctid FROM inbox WHERE seen_at < $1 LIMIT $2))
"""

FORGET_BATCH = 10_000


class ClaimedBeforeError(Exception):
    """An id was claimed before, so the transaction is lost. The batch must be tried again with `claim`."""


async def claim_new(connection: Connection, ids: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Claim (topic, id) pairs that hardly anybody claimed before: at half of what `claim` costs (decision 19).

    Raises:
        ClaimedBeforeError: one of them was.
    """
    wanted = sorted(ids)
    try:
        await insert(connection, "inbox", ("topic", "event_id"), wanted)
    except asyncpg.UniqueViolationError:
        raise ClaimedBeforeError from None
    return set(wanted)


async def claim(connection: Connection, ids: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Claim (topic, id) pairs; returns those that nobody had claimed."""
    wanted = sorted(ids)
    if not wanted:
        return set()
    arrays = _IDS.arrays({"topic": topic, "event_id": event_id} for topic, event_id in wanted)
    return {(row["topic"], row["event_id"]) for row in await connection.fetch(_CLAIM, *arrays)}


async def forget(connection: Connection, before: datetime) -> int:
    """Delete one batch of ids older than any record that can still come again; returns how many."""
    return affected(await connection.execute(_FORGET, before, FORGET_BATCH))
