"""What was tried in the sandbox is deleted after a time, by itself: it is nobody's case, and nobody needs it.

Whole referrals go, with all that was sent about them, oldest first. History stays: who sent what when, as codes and
references.
"""

from datetime import datetime, timedelta
from uuid import UUID

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime, Tick
from conduit_contracts.ids import first_of
from conduit_contracts.topics import INTAKE_SANDBOX

KEPT_FOR = INTAKE_SANDBOX.retention
"""From when the sandbox took a referral: as long as the topics keep what was told of it."""
FORGET_BATCH = 100
"""Each may have some attachments."""
FORGET_EVERY = timedelta(minutes=10)
# An id has the time in it, so the oldest are found by their key. Who adds to one of them right now is waited for.
_OLDEST = """
SELECT referral_id FROM sandbox.referrals WHERE referral_id < $1 ORDER BY referral_id LIMIT $2 FOR UPDATE
"""
_ALL_OF_IT = ("attachments", "supplements", "lives", "updates", "standings", "referrals")
"""In this order, since what comes before refers to what comes after."""


async def forget(connection: Connection, now: datetime) -> int:
    """Delete what is old enough, at most `FORGET_BATCH` referrals; returns how many."""
    bound = first_of(now - KEPT_FOR)
    found = [row["referral_id"] for row in await connection.fetch(_OLDEST, bound, FORGET_BATCH)]
    # An update may come when its referral is gone already. So all that is as old goes, whatever it belongs to.
    await _delete(connection, found[-1] if len(found) == FORGET_BATCH else bound, found)
    return len(found)


async def _delete(connection: Connection, up_to: UUID, found: list[UUID]) -> None:
    for table in _ALL_OF_IT:
        if table in {"updates", "standings"}:
            await connection.execute(f"DELETE FROM sandbox.{table} WHERE referral_id <= $1", up_to)  # noqa: S608 - constants
        elif found:
            await connection.execute(f"DELETE FROM sandbox.{table} WHERE referral_id = ANY($1)", found)  # noqa: S608


async def forget_tried(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Delete what was tried in the sandbox long ago."""
    return await forget(connection, runtime.clock.now())


TICK = Tick("forget_sandbox", FORGET_EVERY, forget_tried, batch=FORGET_BATCH)
