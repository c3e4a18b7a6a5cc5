"""Whether what one service passed on has come to the next: each counts in its own store, and Prometheus compares.

All count the same referrals, those whose ids were made in the same minutes, and none reads another's store. A minute is
counted again every ten seconds while it is new, and from time to time afterwards, since an officer may decide on its
referrals any day: in the same ten seconds by every service, so that what they say can be compared. What a count costs
follows the rate of referrals, not how many lie in the tables.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from conduit_chassis import metrics, postgres
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime, Worker
from conduit_contracts.ids import first_of

SETTLED = timedelta(minutes=2)
"""A referral that is younger may be on its way."""
MINUTES = 7 * 24 * 60
SECONDS = 10
_MINUTE = timedelta(minutes=1)
_NEW = 3
"""Minutes that are counted every time."""
_RECENT = 60
"""Of these one is counted each time, in turn, so that each comes round in ten minutes."""
_OLDER = 6
"""Of the rest so many, so that each comes round in five hours."""


class Cohorts:
    """The counts of the last week, by the minute in which referrals were taken in.

    `statement` is given arrays of ids, the first of each minute and of the one after it, and gives a row for each minute,
    in their order, with a column for each stage.
    """

    def __init__(self, statement: str) -> None:
        self._statement = statement
        self._found: dict[datetime, Mapping[str, int]] = {}
        self._sums: Counter[str] = Counter()
        self._newest: datetime | None = None

    async def measure(self, connection: Connection, now: datetime) -> dict[str, int]:
        """The sums by stage, up to two minutes ago."""
        newest = (now - SETTLED).replace(second=0, microsecond=0) - _MINUTE
        oldest = newest - _MINUTE * (MINUTES - 1)
        wanted = sorted({newest - _MINUTE * back for back in positions_due(now)} | self._not_counted(oldest, newest))
        arguments = [first_of(minute) for minute in wanted], [first_of(minute + _MINUTE) for minute in wanted]
        rows = await connection.fetch(self._statement, *arguments)
        for minute, counts in zip(wanted, rows, strict=True):
            self._forget(minute)
            self._found[minute] = dict(counts)
            self._sums.update(self._found[minute])
        # Also what lies ahead, should the clock have gone back.
        for minute in [each for each in self._found if each < oldest or each > newest]:
            self._forget(minute)
        self._newest = newest
        return {stage: self._sums[stage] for stage in rows[0].keys()}  # noqa: SIM118

    def _not_counted(self, oldest: datetime, newest: datetime) -> set[datetime]:
        since = oldest
        if self._newest is not None and self._newest <= newest:
            since = max(oldest, self._newest + _MINUTE)
        minutes = [since + _MINUTE * each for each in range((newest - since) // _MINUTE + 1)]
        return {minute for minute in minutes if minute not in self._found}

    def _forget(self, minute: datetime) -> None:
        if minute in self._found:
            self._sums.subtract(dict(self._found.pop(minute)))


def positions_due(now: datetime) -> set[int]:
    """Which minutes of the window to count again now, by their place in it. The time of day alone decides."""
    turn = int(now.timestamp()) // SECONDS
    older = MINUTES - _NEW - _RECENT
    recent = _NEW + turn % _RECENT
    return {*range(_NEW), recent, *(_NEW + _RECENT + (turn * _OLDER + each) % older for each in range(_OLDER))}


def reconciliation(statement: str) -> Worker:
    """The worker that keeps the gauge, in every process: each is asked for its own."""

    async def run(runtime: Runtime) -> None:
        cohorts = Cohorts(statement)
        while True:
            # Ids bear the time of day, whatever clock the service's rules are given.
            now = datetime.now(UTC)
            async with postgres.connection(runtime.pool) as connection:
                counts = await cohorts.measure(connection, now)
            for stage, number in counts.items():
                metrics.RECONCILED.labels(stage).set(number)
            await asyncio.sleep(SECONDS - now.timestamp() % SECONDS)

    return Worker("reconciliation", run)
