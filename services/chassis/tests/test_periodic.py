"""Work by the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from math import isnan
from typing import Any

import asyncpg
import pytest
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from prometheus_client import REGISTRY

from conduit_chassis import inbox, metrics
from conduit_chassis.broker import consumer_arguments
from conduit_chassis.outbox import Outbox
from conduit_chassis.periodic import FORGET_INBOX, database_gauges, keep_ticking, keep_working, run_tick
from conduit_chassis.postgres import ReadOnlyError
from conduit_chassis.runtime import Runtime, Tick, Worker
from conduit_chassis.testing import ManualClock, harness, record, settings_for
from services.chassis.tests.sample import Kept, Noted, Sample
from services.chassis.tests.world import eventually


async def cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_tick_publishes_in_its_transaction_by_the_injected_clock(sample: Sample, database: str) -> None:
    times: list[datetime] = []

    async def run(runtime: Runtime, _connection: Any, outbox: Outbox) -> int:
        times.append(runtime.clock.now())
        outbox.publish(sample.out.template, "k", Kept(number=1))
        return 1

    clock = ManualClock()
    async with harness(sample.service(ticks=(Tick("one", timedelta(hours=1), run),)), database, clock) as made:
        assert [each.message.number for each in await made.tick("one")] == [1]
        clock.advance(timedelta(hours=1))
        await made.tick("one")
    assert times[1] - times[0] == timedelta(hours=1)


async def test_a_tick_runs_in_one_process_at_a_time(sample: Sample, database: str) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def run(_runtime: Runtime, _connection: Any, _outbox: Outbox) -> int:
        entered.set()
        await leave.wait()
        return 0

    tick = Tick("one", timedelta(hours=1), run)
    async with harness(sample.service(), database) as made:
        first = asyncio.create_task(run_tick(made.runtime, tick))
        await entered.wait()
        assert await run_tick(made.runtime, tick) is None
        leave.set()
        assert await first == 0


async def reaches(turns: list[int], count: int) -> None:
    """Until there were so many turns, and then a little longer: one too many would show."""

    async def enough() -> bool:
        return len(turns) >= count

    await eventually(enough, f"{count} turns")
    await asyncio.sleep(0.1)


def counting(turns: list[int]) -> Callable[[Runtime, Any, Outbox], Awaitable[int]]:
    async def run(_runtime: Runtime, _connection: Any, _outbox: Outbox) -> int:
        turns.append(1)
        return 10 if len(turns) < 3 else 9

    return run


async def test_a_tick_is_repeated_at_once_while_its_batch_is_full(sample: Sample, database: str) -> None:
    turns: list[int] = []
    async with harness(sample.service(), database) as made:
        task = asyncio.create_task(keep_ticking(made.runtime, Tick("one", timedelta(hours=1), counting(turns), batch=10)))
        await reaches(turns, 3)
        await cancel(task)
    assert len(turns) == 3


async def test_a_tick_that_fails_runs_again(sample: Sample, database: str) -> None:
    turns: list[int] = []

    async def run(_runtime: Runtime, _connection: Any, _outbox: Outbox) -> int:
        turns.append(1)
        if len(turns) == 1:
            raise ValueError
        return 0

    async with harness(sample.service(), database) as made:
        task = asyncio.create_task(keep_ticking(made.runtime, Tick("one", timedelta(hours=1), run)))
        await reaches(turns, 2)
        await cancel(task)
    assert len(turns) == 2


async def test_a_worker_that_fails_starts_again(sample: Sample, database: str) -> None:
    turns: list[int] = []

    async def run(_runtime: Runtime) -> None:
        turns.append(1)
        if len(turns) < 3:
            raise ValueError

    async with harness(sample.service(), database) as made, asyncio.timeout(5):
        await keep_working(made.runtime, Worker("one", run))
    assert len(turns) == 3


async def test_the_inbox_forgets_what_cannot_come_again_and_nothing_else(
    sample: Sample, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "FORGET_BATCH", 2)
    async with harness(sample.service(), database) as made:
        await made.deliver(*(record(sample.inside.template, "k", Noted(number=n)) for n in range(6)))
        await made.pool.execute("UPDATE inbox SET seen_at = '2026-09-20' WHERE ctid < '(0,6)'")
        assert [await run_tick(made.runtime, FORGET_INBOX) for _ in range(4)] == [2, 2, 1, 0]
        assert await made.pool.fetchval("SELECT count(*) FROM inbox") == 1


async def test_gauges_follow_the_tables(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        await made.deliver(
            record(sample.inside.template, "a", Noted(number=1)),
            record(sample.inside.template, "b", Noted(number=2, action="fail")),
        )
        await made.pool.execute("UPDATE inbox SET seen_at = now() - interval '40 days'")
        await made.pool.execute("UPDATE dead_letters SET at = now() - interval '1 hour'")
        await database_gauges(made.runtime)()
    assert metrics.OUTBOX_ROWS._value.get() == 2
    assert metrics.DEAD_LETTERS_WAITING._value.get() == 1
    assert 3_600 <= metrics.DEAD_LETTERS_AGE._value.get() < 3_700
    assert metrics.INBOX_AGE._value.get() == 30 * 86_400
    assert metrics.INBOX_RETENTION._value.get() == 60 * 86_400
    assert metrics.POOL_CONNECTIONS.labels("idle")._value.get() >= 1


async def test_what_the_database_does_not_tell_is_no_number(sample: Sample, database: str) -> None:
    async with harness(sample.service(), database) as made:
        measure = database_gauges(made.runtime)
        await measure()
        await made.pool.execute("ALTER TABLE dead_letters RENAME TO elsewhere")
        with pytest.raises(asyncpg.UndefinedTableError):
            await measure()
        names = ("outbox_rows", "outbox_oldest_seconds", "outbox_rejected_rows", "dead_letters_waiting")
        shown = [REGISTRY.get_sample_value(f"conduit_{name}") for name in (*names, "inbox_rows", "inbox_oldest_seconds")]
        assert all(value is not None and isnan(value) for value in shown)


async def test_a_database_that_takes_nothing_is_a_fault_and_comes_right(sample: Sample, database: str) -> None:
    """As after a failover that left the service on the copy, or a disk that an administrator closed."""
    async with harness(sample.service(), database) as made:
        measure = database_gauges(made.runtime)
        name = await made.pool.fetchval("SELECT current_database()")
        await made.pool.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await made.pool.expire_connections()
        with pytest.raises(ReadOnlyError):
            await measure()
        async with made.pool.acquire() as connection:
            await connection.execute("SET default_transaction_read_only = off")
            await connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await made.pool.expire_connections()
        await measure()


def test_the_consumer_is_told_what_its_defaults_would_lose() -> None:
    arguments = consumer_arguments(settings_for("k:9092", "postgresql://x"))
    assert arguments["auto_offset_reset"] == "earliest"
    assert arguments["isolation_level"] == "read_committed"
    assert arguments["partition_assignment_strategy"] == (RoundRobinPartitionAssignor,)
    assert arguments["rebalance_timeout_ms"] > arguments["session_timeout_ms"]
