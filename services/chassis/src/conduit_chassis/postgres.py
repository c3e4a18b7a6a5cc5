"""The connection pool, transactions, and how rows come into a table in bulk."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from conduit_chassis.settings import Settings

if TYPE_CHECKING:  # they take a type only in their stubs
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection, Pool = asyncpg.Connection | PoolConnectionProxy, asyncpg.Pool
Queryable: TypeAlias = Connection | Pool
"""What a single statement may be asked of."""
Row: TypeAlias = asyncpg.Record
"""What a statement returns: values by the names of its columns."""

ACQUIRE_SECONDS = 10.0
PROBE_SECONDS = 5.0
_TAKES_NOTHING = "SELECT current_setting('transaction_read_only') = 'on'"


class InsertedMeanwhileError(asyncpg.SerializationError):
    """Another process was the first to insert a row of the batch. Its SQLSTATE has the batch tried again."""


async def connect(
    settings: Settings, name: str, *, statement_cache_size: int = 100, **overrides: str
) -> "asyncpg.Connection[Row]":
    """One connection outside the pool, for session-level locks."""
    return await asyncpg.connect(
        **settings.postgres_arguments(),
        timeout=ACQUIRE_SECONDS,
        statement_cache_size=statement_cache_size,
        server_settings=session(settings, name) | overrides,
    )


async def create_pool(settings: Settings, name: str) -> Pool:
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


async def _keep_state(_connection: Connection) -> None:
    return


class ReadOnlyError(ConnectionError):
    """The database answers, and takes nothing."""


class NoConnectionError(ConnectionError):
    """The database gives no connection within the time for it, or all of the pool's are in use."""


class LostConnectionError(ConnectionError):
    """The connection was lost in use. What was asked of it may stand or not. Its cause is what the driver said."""


async def probe(pool: Pool) -> None:
    """Return where the database answers within a while and takes what is written; raise otherwise."""
    async with _acquired(pool, PROBE_SECONDS) as connection:
        if await connection.fetchval(_TAKES_NOTHING, timeout=PROBE_SECONDS):
            raise ReadOnlyError


async def answers(pool: Pool) -> bool:
    """Whether a time limit that passed says something of what was done: not where the database gives no sign of life."""
    try:
        await probe(pool)
    except Exception:  # whatever it is, it is not what was done
        return False
    return True


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection in a transaction that commits at the end, or rolls back on any error.

    Raises:
        NoConnectionError: there is none to be had. Whatever was to be done has not begun.
        LostConnectionError: it was lost while it was in use.
    """
    async with _acquired(pool, ACQUIRE_SECONDS) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def _acquired(pool: Pool, seconds: float) -> AsyncIterator[Connection]:
    try:
        connection = await pool.acquire(timeout=seconds)
    except TimeoutError:
        raise NoConnectionError from None
    whole = True
    try:
        try:
            yield connection
        finally:
            whole = await _given_back(pool, connection)
    except Exception as error:
        # Between a server's last words and its hang-up, the driver's errors are those of a caller's mistake. A limit that
        # passed stays what it is: it may be the record's fault.
        if whole or isinstance(error, TimeoutError):
            raise
        raise LostConnectionError from error


async def _given_back(pool: Pool, connection: "PoolConnectionProxy[Row]") -> bool:
    """Whether the connection is whole. If not, the pool has thrown it away."""
    lost = connection.is_closed()
    try:
        await pool.release(connection)
    except Exception:  # in place of what was to be done, this would be taken for its outcome
        return False
    return not lost


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """A connection to read from.

    Raises:
        NoConnectionError: there is none to be had.
        LostConnectionError: it was lost while it was in use.
    """
    async with _acquired(pool, ACQUIRE_SECONDS) as acquired:
        yield acquired


async def the_row(connection: Queryable, statement: str, *arguments: object) -> Row:
    """The row of a statement that always returns one."""
    row = await connection.fetchrow(statement, *arguments)
    if row is None:
        raise AssertionError("a statement returned no row")
    return row


def affected(status: str) -> int:
    """How many rows a statement changed, as its status says at its end: "UPDATE 3"."""
    return int(status.rpartition(" ")[2])


async def insert(connection: Connection, table: str, columns: Iterable[str], rows: Collection[Sequence[Any]]) -> None:
    """Insert rows. By COPY, which costs us and the database less than arrays do (decision 19)."""
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=tuple(columns))


async def insert_new(connection: Connection, table: str, columns: Iterable[str], rows: Collection[Sequence[Any]]) -> None:
    """Insert rows that were not there when the batch looked. In one order everywhere, so that twins wait for each other.

    Raises:
        InsertedMeanwhileError: one of them is there now. The batch must be tried again, and will then find it.
    """
    try:
        await insert(connection, table, columns, rows)
    except asyncpg.UniqueViolationError:
        raise InsertedMeanwhileError(f"another process inserted into {table} first") from None


async def close_pool(pool: Pool, seconds: float = 5.0) -> None:
    """Close the pool, by force where a connection does not come back in time."""
    try:
        async with asyncio.timeout(seconds):
            await pool.close()
    except TimeoutError:
        pool.terminate()
