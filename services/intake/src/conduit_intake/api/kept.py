"""All SQL of answers that are kept under the `Idempotency-Key` of their request."""

from datetime import datetime, timedelta
from typing import NamedTuple

from conduit_chassis.postgres import Connection, affected, insert

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))"
_FIND = """
SELECT fingerprint, meaning, status, location, media_type, body FROM kept_answers WHERE client_id = $1 AND key = $2
"""
_FORGET = """
DELETE FROM kept_answers WHERE (client_id, key) IN
    (SELECT client_id, key FROM kept_answers WHERE at < $1 ORDER BY at LIMIT $2)
"""

KEPT_FOR = timedelta(days=60)
"""How long the answer to a request stands under its key."""
FORGET_BATCH = 500


class Asked(NamedTuple):
    """What tells a request under a key from another, by two digests of 32 bytes."""

    fingerprint: bytes
    """Of its bytes."""
    meaning: bytes | None
    """Of what it means. None where an earlier release kept the answer."""

    def is_same(self, other: "Asked") -> bool:
        """Whether both say the same: to the letter, or in another spelling."""
        return self.fingerprint == other.fingerprint or (self.meaning is not None and self.meaning == other.meaning)


class Kept(NamedTuple):
    """An answer that is given again to the same request."""

    status: int
    location: str | None
    media_type: str
    body: bytes


async def lock(connection: Connection, client_id: str, key: str) -> bool:
    """Hold a client's Idempotency-Key until the transaction ends; False where another request holds it.

    A request that dies lets go of it with its connection, so no key is ever stuck.
    """
    held: bool = await connection.fetchval(_LOCK, client_id, key)
    return held


async def find(connection: Connection, client_id: str, key: str) -> tuple[Asked, Kept] | None:
    """The request that the key was used for, and its answer."""
    row = await connection.fetchrow(_FIND, client_id, key)
    if row is None:
        return None
    return Asked(row["fingerprint"], row["meaning"]), Kept(row["status"], row["location"], row["media_type"], row["body"])


async def keep(connection: Connection, client_id: str, key: str, asked: Asked, answer: Kept, now: datetime) -> None:
    """Keep an answer with the work that it tells of."""
    row = {"client_id": client_id, "key": key, **asked._asdict(), **answer._asdict(), "at": now}
    await insert(connection, "kept_answers", row, [tuple(row.values())])


async def forget(connection: Connection, before: datetime) -> int:
    """Delete answers that were kept long enough; returns how many."""
    return affected(await connection.execute(_FORGET, before, FORGET_BATCH))
