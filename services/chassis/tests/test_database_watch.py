"""Readiness is two seconds behind the database at most, whatever befalls it and when it is back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import asyncpg
import pytest

from conduit_chassis.database_watch import ANSWER_SECONDS, ASK_SECONDS, keep_watching
from conduit_chassis.health import Health
from conduit_chassis.postgres import Pool, create_pool
from conduit_chassis.testing import settings_for
from conduit_local.postgres import EmbeddedPostgres
from services.chassis.tests.test_stalled import stalled

SLACK = 1.0
"""For a machine that does other things as well."""
POOL_SIZE = 2


class Followed:
    """A database, a pool, and the readiness that follows."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.health = Health()
        for part in ("database", "consumer"):
            self.health.started(part)

    async def becomes(self, *, ready: bool) -> str:
        """What is said once it is, or is not, ready; fails after two seconds."""
        until = monotonic() + ASK_SECONDS + ANSWER_SECONDS + SLACK
        while (not (reasons := self.health.not_ready())) is not ready:
            assert monotonic() < until, reasons
            await asyncio.sleep(0.02)
        return " ".join(reasons)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with TemporaryDirectory(prefix="conduit-test-") as folder:
        server = EmbeddedPostgres(Path(folder))
        server.start()
        yield server
        server.kill()


@pytest.fixture
async def followed(server: EmbeddedPostgres) -> AsyncIterator[Followed]:
    pool = await create_pool(settings_for("nowhere:1", server.dsn, pool_size=POOL_SIZE), "followed")
    made = Followed(pool)
    watching = asyncio.create_task(keep_watching(pool, made.health))
    await asyncio.sleep(0.2)
    assert made.health.not_ready() == []
    yield made
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    pool.terminate()


@contextmanager
def killed(server: EmbeddedPostgres) -> Iterator[None]:
    server.kill()
    yield
    server.start()


FAULTS: dict[str, tuple[Callable[[EmbeddedPostgres], object], str]] = {
    "it stands still": (stalled, "failing: database: TimeoutError"),
    "it is gone": (killed, "failing: database: "),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_database_that_does_not_answer_is_told_of_within_two_seconds(
    server: EmbeddedPostgres, followed: Followed, fault: str
) -> None:
    befalls, said = FAULTS[fault]
    with befalls(server):  # type: ignore[attr-defined]
        assert (await followed.becomes(ready=False)).startswith(said)
    await followed.becomes(ready=True)


async def test_a_database_that_takes_nothing_is_told_of_within_two_seconds(
    server: EmbeddedPostgres, followed: Followed
) -> None:
    administering = await asyncpg.connect(server.dsn)
    name = await administering.fetchval("SELECT current_database()")
    await administering.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await followed.pool.expire_connections()
    assert await followed.becomes(ready=False) == "failing: database: conduit_chassis.postgres.ReadOnlyError"
    await administering.execute("SET default_transaction_read_only = off")
    await administering.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await followed.pool.expire_connections()
    await followed.becomes(ready=True)
    await administering.close()


async def test_a_session_that_somebody_ends_is_no_fault(server: EmbeddedPostgres, followed: Followed) -> None:
    administering = await asyncpg.connect(server.dsn)
    for _ in range(20):
        await administering.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'conduit.followed'"
        )
        await asyncio.sleep(0.1)
        assert followed.health.not_ready() == []
    await administering.close()


async def test_a_pool_that_is_busy_says_nothing_of_its_database(followed: Followed) -> None:
    for _ in range(POOL_SIZE):
        await followed.pool.acquire()
    for _ in range(30):
        await asyncio.sleep(0.1)
        assert followed.health.not_ready() == []
