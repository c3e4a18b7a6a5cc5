"""PostgreSQL says that it ends the session, and its hang-up comes later: whatever is asked of the driver in between, its
error is the surroundings' and no record's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from conduit_chassis.errors import FailureCause, classify
from conduit_chassis.postgres import Connection, create_pool, transaction
from conduit_chassis.testing import harness, record, settings_for
from services.chassis.tests.sample import Noted, Sample

Ask = Callable[[Connection], Awaitable[object]]

TIMES = 10
"""More often than a record is tried whose fault it may be."""
LATE_SECONDS = 0.3
ASKED: dict[str, Ask] = {
    "its commit": lambda _: asyncio.sleep(0),
    "a statement": lambda connection: connection.execute("SELECT 1"),
    "rows": lambda connection: connection.fetch("SELECT $1::int", 1),
    "a value": lambda connection: connection.fetchval("SELECT $1::int", 1),
    "many": lambda connection: connection.executemany("SELECT $1::int", [(1,), (2,)]),
    "a copy": lambda connection: connection.copy_records_to_table(
        "inbox", records=[("a", str(uuid4()))], columns=("topic", "event_id")
    ),
}


class LateHangUp:
    """A way to the server on which the hang-up comes late."""

    def __init__(self, dsn: str) -> None:
        self._there = urlsplit(dsn)
        self.last_words = asyncio.Event()
        self._left: list[asyncio.StreamWriter] = []

    async def open(self) -> str:
        self._server = await asyncio.start_server(self._let_in, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return self._there._replace(netloc=f"{self._there.netloc.rpartition(':')[0]}:{port}").geturl()

    async def close(self) -> None:
        self._server.close()
        for each in self._left:
            each.close()

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._left.append(writer)
        there, to_there = await asyncio.open_connection(self._there.hostname, self._there.port)
        asking = asyncio.create_task(self._pass_on(reader, to_there))
        await self._pass_on(there, writer)
        self.last_words.set()
        await asyncio.sleep(LATE_SECONDS)
        writer.close()
        asking.cancel()
        to_there.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while found := await reader.read(65_536):
                writer.write(found)
                await writer.drain()


@pytest.fixture
async def way(database: str) -> AsyncIterator[LateHangUp]:
    made = LateHangUp(database)
    yield made
    await made.close()


async def end_session(way: LateHangUp, database: str, connection: Any) -> None:
    """As a server does that is shut down, or whose postmaster was killed."""
    way.last_words.clear()
    other = await asyncpg.connect(database)
    await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
    await other.close()
    await way.last_words.wait()
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("asked", ASKED)
async def test_an_error_between_the_last_words_and_the_hang_up_is_the_surroundings(
    way: LateHangUp, database: str, asked: str, before: bool
) -> None:
    async def lose() -> None:
        async with transaction(pool) as connection:
            if before:  # the driver has learned the statement, and asks nothing first
                await ASKED[asked](connection)
            await end_session(way, database, connection)
            await ASKED[asked](connection)

    pool = await create_pool(settings_for("127.0.0.1:1", await way.open()), "chassis")
    try:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which of the driver's many it is, is not said anywhere
            await lose()
        assert classify(caught.value) is FailureCause.TRANSIENT
        async with transaction(pool) as connection:  # what was lost is not given to anybody again
            assert await connection.fetchval("SELECT 1") == 1
    finally:
        pool.terminate()


async def test_a_record_whose_sessions_are_ended_again_and_again_is_handled(
    way: LateHangUp, database: str, sample: Sample
) -> None:
    tries = 0

    async def handle(connection: Connection, _batch: Any, _outbox: Any) -> None:
        nonlocal tries
        tries += 1
        if tries <= TIMES:
            await end_session(way, database, connection)
        await connection.execute("SELECT 1")

    async def at_once(_seconds: float) -> None:
        return

    async with harness(sample.service(handle), await way.open()) as made:
        made.processor.wait = at_once
        await made.processor.process([record(sample.inside.template, "a", Noted(number=1))])
        assert await made.dead_letters() == []
    assert tries == TIMES + 1
