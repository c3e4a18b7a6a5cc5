"""Work by the clock: a service's ticks and workers, and the chassis' own housekeeping and gauges."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from math import inf, nan
from time import monotonic

import structlog
from prometheus_client import Gauge

from conduit_chassis import inbox, metrics
from conduit_chassis.backoff import jittered
from conduit_chassis.clock import Clock, DatabaseClock
from conduit_chassis.errors import class_name
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, Pool, Row, probe, the_row
from conduit_chassis.runtime import Runtime, Tick, Worker

_log = structlog.get_logger()

_TURN = "SELECT pg_try_advisory_xact_lock(hashtext('conduit.tick'), hashtext($1))"
_OUTBOX = """
SELECT count(*) AS rows, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS age
FROM (SELECT created_at FROM outbox WHERE NOT late ORDER BY shard, id LIMIT 100000) AS waiting
"""
_REJECTED = "SELECT count(*) FROM outbox_rejected"
_WAITING = """
SELECT count(*) AS rows, coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 AS age
FROM dead_letters WHERE resolved_at IS NULL
"""
# A count would read the whole table, and so would its least time. The index tells whether anything is older than a given
# age, so the age is found in steps. What came of late is not in the index yet and is read row by row: so not often.
_INBOX_OLDER = "SELECT EXISTS (SELECT FROM inbox WHERE seen_at < clock_timestamp() - $1::float8 * interval '1 second')"
_INBOX_ROWS = "SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = 'inbox'::regclass"
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_AGES = [_MINUTE, 10 * _MINUTE, _HOUR, 6 * _HOUR, *(days * _DAY for days in (1, 3, 7, 14, 30, 45, 60, 90))]

_FROM_THE_DATABASE = (
    *(metrics.OUTBOX_ROWS, metrics.OUTBOX_AGE, metrics.OUTBOX_REJECTED),
    *(metrics.DEAD_LETTERS_WAITING, metrics.DEAD_LETTERS_AGE, metrics.INBOX_ROWS, metrics.INBOX_AGE),
)

GAUGE_SECONDS = 5.0
INBOX_AGE_SECONDS = 300.0
INBOX_TICK = timedelta(minutes=10)


async def run_tick(runtime: Runtime, tick: Tick) -> int | None:
    """One turn; returns how many items were dealt with, or None where another process has the turn."""
    async with runtime.transaction() as (connection, outbox):
        if not await connection.fetchval(_TURN, tick.name):
            return None
        return await tick.run(runtime, connection, outbox)


async def keep_ticking(runtime: Runtime, tick: Tick) -> None:
    """Run a tick for ever."""
    failures = 0
    while True:
        try:
            done = await run_tick(runtime, tick)
        except Exception as error:  # periodic work comes round again, whatever it raised
            failures += 1
            metrics.TICKS.labels(tick.name, "failed").inc()
            runtime.health.failing(f"tick {tick.name}", class_name(error))
            _log.error("tick_failed", tick=tick.name, attempt=failures, exc_info=error)
            await asyncio.sleep(jittered(failures))
            continue
        failures = 0
        runtime.health.recovered(f"tick {tick.name}")
        _count_turn(tick, done)
        if done is None or done < tick.batch:
            await asyncio.sleep(tick.every.total_seconds())


def _count_turn(tick: Tick, done: int | None) -> None:
    metrics.TICKS.labels(tick.name, "skipped" if done is None else "done").inc()
    metrics.TICK_ITEMS.labels(tick.name).inc(done or 0)


async def keep_working(runtime: Runtime, worker: Worker) -> None:
    """Run a worker until it returns, and again whenever it fails."""
    failures = 0
    while True:
        try:
            await worker.run(runtime)
        except Exception as error:  # a worker starts again, whatever it raised
            failures += 1
            metrics.WORKER_FAILURES.labels(worker.name, class_name(error)).inc()
            _log.error("worker_failed", worker=worker.name, attempt=failures, exc_info=error)
            await asyncio.sleep(jittered(failures))
        else:
            return


async def forget_inbox(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Delete inbox rows which no record can need any more; returns how many."""
    return await inbox.forget(connection, runtime.clock.now() - runtime.inbox_retention)


FORGET_INBOX = Tick("forget_inbox", INBOX_TICK, forget_inbox, batch=inbox.FORGET_BATCH)


def _show_nothing() -> None:
    """What the database does not tell is no number: zero would say that nothing waits."""
    for gauge in _FROM_THE_DATABASE:
        gauge.set(nan)
    metrics.CLOCK_AHEAD.labels("database").set(nan)


async def _measure(pool: Pool) -> None:
    _show(metrics.OUTBOX_ROWS, metrics.OUTBOX_AGE, await the_row(pool, _OUTBOX))
    metrics.OUTBOX_REJECTED.set(await pool.fetchval(_REJECTED))
    _show(metrics.DEAD_LETTERS_WAITING, metrics.DEAD_LETTERS_AGE, await the_row(pool, _WAITING))
    metrics.INBOX_ROWS.set(await pool.fetchval(_INBOX_ROWS))
    idle = pool.get_idle_size()
    metrics.POOL_CONNECTIONS.labels("idle").set(idle)
    metrics.POOL_CONNECTIONS.labels("used").set(pool.get_size() - idle)


async def _compare_clocks(pool: Pool, clock: Clock) -> None:
    if isinstance(clock, DatabaseClock):
        ahead = await clock.look(pool)
        metrics.CLOCK_AHEAD.labels("database").set(nan if ahead is None else ahead)


async def _inbox_age(pool: Pool, keep: float) -> float:
    """The age in seconds that the oldest row has at least. A yes is cheap; the first no, which may be dear, is the last."""
    reached = 0.0
    for age in sorted([*_AGES, *(keep + days * _DAY for days in (0, 1, 2, 10))]):
        if not await pool.fetchval(_INBOX_OLDER, age):
            break
        reached = age
    return reached


def _show(rows: Gauge, age: Gauge, found: Row) -> None:
    rows.set(found["rows"])
    age.set(found["age"])


async def keep_gauges(
    runtime: Runtime, measure: Callable[[], Awaitable[None]], part: str, every: float = GAUGE_SECONDS
) -> None:
    """Refresh gauges by `measure`, for ever. Each server has its own loop, so that one that is down hides no other."""
    while True:
        try:
            await measure()
            runtime.health.recovered(part)
        except Exception as error:  # a gauge must not end the service
            runtime.health.failing(part, class_name(error))
        # A stall must be seen well within the time that makes it one.
        await asyncio.sleep(min(every, runtime.settings.stall_seconds / 4))


def database_gauges(runtime: Runtime) -> Callable[[], Awaitable[None]]:
    """What the database knows; raises where it does not answer, or takes nothing."""
    pool, clock, keep = runtime.pool, runtime.clock, runtime.inbox_retention.total_seconds()
    metrics.INBOX_RETENTION.set(keep)
    aged = -inf

    async def measure() -> None:
        nonlocal aged
        try:
            await probe(pool)
            await _measure(pool)
            await _compare_clocks(pool, clock)
            if monotonic() - aged >= INBOX_AGE_SECONDS:
                metrics.INBOX_AGE.set(await _inbox_age(pool, keep))
                aged = monotonic()
        except BaseException:
            aged = -inf
            _show_nothing()
            raise

    return measure
