"""PostgreSQL that neither answers nor is gone, as when its disk hangs: nothing is buried, and readiness says so."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit_chassis import metrics
from conduit_chassis.batch import Processor
from conduit_chassis.errors import DOUBTFUL_ATTEMPTS
from conduit_chassis.health import Health
from conduit_chassis.migrate import migrate
from conduit_chassis.records import Delivery
from conduit_chassis.testing import harness, record
from conduit_local.postgres import EmbeddedPostgres
from services.chassis.tests.sample import MIGRATIONS, Noted, Sample
from services.chassis.tests.test_consume import answers, reasons
from services.chassis.tests.world import World, eventually
from tests.support.servers import create_database, dsn_of

RETRIES = DOUBTFUL_ATTEMPTS + 1
"""More than after which a record is put aside that alone takes too long."""


@pytest.fixture
def own_postgres(state_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(state_dir)
    server.start()
    yield server
    server.kill()


@contextmanager
def stalled(server: EmbeddedPostgres) -> Iterator[None]:
    """Every process of the server stands still."""
    assert server.child is not None
    main = psutil.Process(server.child.pid)
    processes = [main, *main.children(recursive=True)]
    for each in processes:
        each.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            each.send_signal(signal.SIGCONT)


@pytest.fixture
async def own_world(kafka_bootstrap: str, own_postgres: EmbeddedPostgres) -> AsyncIterator[World]:
    world = World(kafka_bootstrap, "")
    create_database(own_postgres.dsn, world.sample.name, "template0")
    world.dsn = dsn_of(own_postgres.dsn, world.sample.name)
    await asyncio.to_thread(migrate, world.dsn, MIGRATIONS)
    yield world
    await world.close()


def retries() -> float:
    return sum(sample.value for family in metrics.RETRIES.collect() for sample in family.samples if "total" in sample.name)


@pytest.mark.long
@pytest.mark.parametrize("moment", ["before it comes", "while it is handled", "at its commit"])
async def test_a_record_that_met_a_stalled_database_is_handled_afterwards(
    own_world: World, own_postgres: EmbeddedPostgres, free_port: int, moment: str
) -> None:
    world, at, on = own_world, asyncio.Event(), asyncio.Event()

    async def handle(connection: Any, batch: Any, outbox: Any) -> None:
        late = any(isinstance(each, Delivery) and each.message.number == 1 for each in batch)
        if late and moment == "while it is handled":
            at.set()
            await on.wait()
        await world.sample.handle(connection, batch, outbox)
        if late and moment == "at its commit":
            await outbox.flush(connection)
            at.set()
            await on.wait()

    await world.create_all()
    service = world.sample.service(handle)
    async with world.running(service, http_port=free_port, stall_seconds=3.0, statement_timeout_ms=500):
        await world.send(world.noted(0))
        await world.wait_for_numbers(0)
        if moment != "before it comes":
            await world.send(world.noted(1))
            await asyncio.wait_for(at.wait(), 20)
        with stalled(own_postgres):
            before = retries()
            on.set()
            await world.send(*(world.noted(number) for number in (1, 2) if number == 2 or moment == "before it comes"))

            async def tried() -> bool:
                return retries() - before >= RETRIES

            await eventually(lambda: answers(free_port, "/readyz", 503, text="failing: database"), "it to be not ready", 60)
            assert await answers(free_port, "/livez")
            await eventually(tried, f"{RETRIES} attempts", 240)
        await world.wait_for_numbers(0, 1, 2, seconds=60)
        await eventually(lambda: answers(free_port, "/readyz"), "readiness again", 60)
    assert await reasons(world) == []


async def test_a_record_that_alone_takes_too_long_while_the_database_answers_is_put_aside_after_three_times(
    sample: Sample, database: str
) -> None:
    calls: list[int] = []

    async def handle(connection: Any, batch: Any, outbox: Any) -> None:
        calls.append(len(batch))
        if any(each.message.number == 3 for each in batch):
            await connection.execute("SELECT pg_sleep(10)")
        await sample.handle(connection, batch, outbox)

    async def at_once(_seconds: float) -> None:
        return

    async with harness(sample.service(handle), database, statement_timeout_ms=100) as made:
        made.processor.wait = at_once
        await made.processor.process([record(sample.inside.template, str(n), Noted(number=n)) for n in (1, 3)])
        assert [row["error_class"] for row in await made.dead_letters()] == ["asyncpg.exceptions.QueryCanceledError"]
    assert calls == [2, 2, 1, *[1] * DOUBTFUL_ATTEMPTS]


SURROUNDINGS: dict[str, Callable[[], Exception]] = {
    "no connection": TimeoutError,
    "a limit passed": lambda: asyncpg.QueryCanceledError("x"),
    "it went": ConnectionResetError,
    "it fails inside": lambda: asyncpg.InternalServerError("x"),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(sorted(SURROUNDINGS)), max_size=12))
async def test_whatever_fails_however_often_nothing_is_put_aside_while_the_database_does_not_answer(
    sample: Sample, faults: list[str]
) -> None:
    """The processor's own loop; the database is what fails, so it is played."""
    processor = Silent(faults)
    assert await processor.settle() == "done"
    assert processor.left == []


class Silent:
    """A processor whose database does not answer until all the faults are over."""

    def __init__(self, faults: list[str]) -> None:
        self.left = list(faults)
        self._processor = Processor.__new__(Processor)
        self._processor._health = Health()
        self._processor._pool = self
        self._processor.wait = self._at_once

    async def settle(self) -> Any:
        return await self._processor._until_done(self._attempt, 1)

    async def _attempt(self) -> str:
        if self.left:
            raise SURROUNDINGS[self.left.pop(0)]()
        return "done"

    async def _at_once(self, _seconds: float) -> None:
        return

    async def acquire(self, **_: Any) -> Any:
        raise TimeoutError
