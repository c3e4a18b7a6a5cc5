"""The connection pool, transactions, and how rows come into a table in bulk."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from conduit_chassis.settings import Settings

ACQUIRE_SECONDS = 10.0
PROBE_SECONDS = 5.0
_TAKES_NOTHING = "SELECT current_setting('transaction_read_only') = 'on'"


class InsertedMeanwhileError(asyncpg.SerializationError):  # type: ignore[misc]  # asyncpg ships no types
    """Another process was the first to insert a row of the batch. Its SQLSTATE has the batch tried again."""


async def connect(settings: Settings, name: str, *, statement_cache_size: int = 100, **overrides: str) -> Any:
    """One connection outside the pool, for session-level locks."""
    return await asyncpg.connect(
        **settings.postgres_arguments(),
        timeout=ACQUIRE_SECONDS,
        statement_cache_size=statement_cache_size,
        server_settings=session(settings, name) | overrides,
    )


async def create_pool(settings: Settings, name: str) -> Any:
    """The service's pool. Nobody may change session state on its connections: it is not reset between uses."""
    return await asyncpg.create_pool(
        **settings.postgres_arguments(),
        min_size=1,
        max_size=settings.pool_size,
        timeout=ACQUIRE_SECONDS,
        command_timeout=settings.statement_timeout_ms / 1000 + 5 if settings.statement_timeout_ms else None,
        server_settings=session(settings, name),
        # The default reset costs a round trip per transaction.
        reset=_keep_state,
    )


def session(settings: Settings, name: str) -> dict[str, str]:
    """What every session is told. `preflight` sees that it took."""
    return {
        "application_name": f"conduit.{name}",
        "timezone": "UTC",
        "statement_timeout": str(settings.statement_timeout_ms),
        "lock_timeout": str(settings.lock_timeout_ms),
        "idle_in_transaction_session_timeout": "60000",
        # Statements are prepared while tables are still empty, and their plans are kept: without this a plan may scan the
        # whole table for good. Every statement on the hot path has an index.
        "enable_seqscan": "off",
        "jit": "off",
    }


async def _keep_state(_connection: Any) -> None:
    return


class ReadOnlyError(ConnectionError):
    """The database answers, and takes nothing."""


class NoConnectionError(ConnectionError):
    """The database gives no connection within the time for it, or all of the pool's are in use."""


async def probe(pool: Any) -> None:
    """Return where the database answers within a while and takes what is written; raise otherwise."""
    async with _acquired(pool, PROBE_SECONDS) as connection:
        if await connection.fetchval(_TAKES_NOTHING, timeout=PROBE_SECONDS):
            raise ReadOnlyError


@asynccontextmanager
async def transaction(pool: Any) -> AsyncIterator[Any]:
    """A connection in a transaction that commits at the end, or rolls back on any error.

    Raises:
        NoConnectionError: there is none to be had. Whatever was to be done has not begun.
    """
    async with _acquired(pool, ACQUIRE_SECONDS) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def _acquired(pool: Any, seconds: float) -> AsyncIterator[Any]:
    try:
        connection = await pool.acquire(timeout=seconds)
    except TimeoutError:
        raise NoConnectionError from None
    try:
        yield connection
    finally:
        await pool.release(connection)


@asynccontextmanager
async def connection(pool: Any) -> AsyncIterator[Any]:
    """A connection to read from.

    Raises:
        NoConnectionError: there is none to be had.
    """
    async with _acquired(pool, ACQUIRE_SECONDS) as acquired:
        yield acquired


async def insert(connection: Any, table: str, columns: Iterable[str], rows: Collection[Sequence[Any]]) -> None:
    """Insert rows. By COPY, which costs us and the database less than arrays do (decision 19)."""
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=tuple(columns))


async def insert_new(connection: Any, table: str, columns: Iterable[str], rows: Collection[Sequence[Any]]) -> None:
    """Insert rows that were not there when the batch looked. In one order everywhere, so that twins wait for each other.

    Raises:
        InsertedMeanwhileError: one of them is there now. The batch must be tried again, and will then find it.
    """
    try:
        await insert(connection, table, columns, rows)
    except asyncpg.UniqueViolationError:
        raise InsertedMeanwhileError(f"another process inserted into {table} first") from None


async def close_pool(pool: Any, seconds: float = 5.0) -> None:
    """Close the pool, by force where a connection does not come back in time."""
    try:
        async with asyncio.timeout(seconds):
            await pool.close()
    except TimeoutError:
        pool.terminate()
