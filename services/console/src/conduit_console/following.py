"""How current the tables are: up to which moment everything that was published stands in them.

A batch notes the broker's time of the last record of each partition. Where nothing is left to read, that says too little:
a worker then notes that the partition is complete up to the moment at which its end was looked at. What a list is complete
to is the least of all partitions, so a partition that nobody reads, or that waits, shows.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection, the_row
from conduit_chassis.runtime import Runtime
from conduit_console import store
from conduit_web.lists import Currency

POLL_SECONDS = 0.5
_COMPLETE = """
SELECT min(complete_to) AS complete_to, EXISTS (SELECT FROM rebuilds WHERE ended_at IS NULL) AS rebuilding FROM followed
"""
_REBUILD_LEFT = """
SELECT count(DISTINCT rebuilds.rebuild_id) + count(service) AS number FROM rebuilds
LEFT JOIN rebuild_sources AS source ON source.rebuild_id = rebuilds.rebuild_id AND source.ended_at IS NULL
WHERE rebuilds.ended_at IS NULL
"""
_MEASURE = "SELECT count(*) AS waiting, count(*) FILTER (WHERE claimed_by IS NULL) AS unclaimed FROM questions"
_LONG_AGO = timedelta(days=36_500)
_NOT_YET = datetime(1970, 1, 1, tzinfo=UTC)
"""While the console is rebuilt, no page proves that it knew any of a case."""


async def currency(connection: Connection, now: datetime) -> Currency:
    """When a list is made, and up to when it has everything. Before anything was followed, that is very long ago."""
    found = await the_row(connection, _COMPLETE)
    complete_to = found["complete_to"]
    if found["rebuilding"]:
        return Currency(now, _NOT_YET, rebuilding=True)
    return Currency(now, min(now, complete_to) if complete_to else now - _LONG_AGO)


async def keep_current(runtime: Runtime) -> None:
    """The worker that notes which partitions were read to their end, as often as that is looked at."""
    seen = 0.0
    while True:
        found = runtime.health.followed
        if found is not None and found.at > seen:
            seen = found.at
            to = runtime.clock.now() - timedelta(seconds=max(0.0, monotonic() - found.at))
            if found.partitions:
                async with postgres.transaction(runtime.pool) as connection:
                    await store.follow(connection, dict.fromkeys(sorted(found.partitions), to))
        await asyncio.sleep(POLL_SECONDS)


async def rebuild_left(connection: Connection) -> int:
    """How many services' snapshots a rebuild waits for, and one more for what came since; 0 where none is under way."""
    number: int = (await the_row(connection, _REBUILD_LEFT))["number"]
    return number


async def measure(connection: Connection, now: datetime) -> tuple[int, int, float | None]:
    """How many questions wait, how many nobody has claimed, and how old what is shown is at its oldest, in seconds.

    None where nothing was followed yet.
    """
    counted = await the_row(connection, _MEASURE)
    complete_to = (await the_row(connection, _COMPLETE))["complete_to"]
    behind = None if complete_to is None else max(0.0, (now - complete_to).total_seconds())
    return counted["waiting"], counted["unclaimed"], behind
