"""The time by which things are decided is the database's, whatever the machine's clock says; how they differ is shown."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from conduit_chassis.clock import DatabaseClock
from conduit_chassis.testing import Harness, ManualClock, harness
from services.chassis.tests.relaying import empty, publish, relaying
from services.chassis.tests.sample import Sample
from services.chassis.tests.world import World, eventually


class Off(ManualClock):
    """A machine's clock that runs, and is wrong."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._off = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._off


class Answering:
    """A database that says a given time."""

    def __init__(self, told: datetime) -> None:
        self._told = told

    async def fetchval(self, _statement: str) -> datetime:
        return self._told


@given(st.datetimes(timezones=st.just(UTC)), st.floats(-1e6, 1e6))
def test_every_clock_of_a_machine_gives_the_databases_time(told: datetime, off: float) -> None:
    clock = DatabaseClock(Off(off))
    asyncio.run(clock.look(Answering(told)))
    assert timedelta(0) <= clock.now() - told < timedelta(seconds=60)
    now = clock.now()
    assert clock.latest() >= now


@pytest.mark.parametrize("seconds", [-7_200, -301, 0, 4_000])
async def test_a_wrong_machine_is_seen_and_decides_nothing(sample: Sample, database: str, seconds: float) -> None:
    async with harness(sample.service(), database) as made:
        clock = DatabaseClock(Off(seconds))
        ahead = await clock.look(made.pool)
        assert ahead == pytest.approx(seconds, abs=5)
        connection = await asyncpg.connect(database)
        told = await connection.fetchval("SELECT clock_timestamp()")
        await connection.close()
        assert abs(clock.now() - told) < timedelta(seconds=5)
        assert clock.latest() - clock.now() >= timedelta(seconds=max(0, seconds) - 5)


async def test_how_far_the_machine_is_from_the_broker_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.create(world.sample.out.template, config={"message.timestamp.type": "LogAppendTime"})

    async def shown(offset: float) -> float:
        real = datetime.now
        monkeypatch.setattr("conduit_chassis.relay.time", lambda: real(UTC).timestamp() + offset)
        await publish(world, ("k", 1))
        async with relaying(world):
            await eventually(lambda: empty(world), "an empty outbox")
        return REGISTRY.get_sample_value("conduit_clock_ahead_seconds", {"against": "broker"}) or 0.0

    assert await shown(0) == pytest.approx(0, abs=1)
    assert await shown(-400) == pytest.approx(-400, abs=1)
    assert await shown(4_000) == pytest.approx(4_000, abs=1)


async def test_before_the_first_look_the_machine_says_what_time_it_is() -> None:
    assert abs(DatabaseClock().now() - datetime.now(UTC)) < timedelta(seconds=5)


async def test_a_harness_with_the_databases_clock_handles_records(sample: Sample, database: str) -> None:
    clock = DatabaseClock(Off(-86_400))
    async with harness(sample.service(), database, clock) as made:
        assert isinstance(made, Harness)
        await clock.look(made.pool)
        assert abs(made.runtime.outbox()._headers._now - datetime.now(UTC)) < timedelta(seconds=60)
