"""Whether the database is one that this release can work on, asked at the start, on connections as the service makes them.

What no waiting mends is refused in one line. Supported are PostgreSQL 15 to 18, directly, or through a pooler in session
mode that leaves the session's settings as they are.
"""

import re
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
from aiokafka.conn import create_conn
from aiokafka.errors import AuthenticationFailedError, IllegalSaslStateError, SaslAuthenticationFailed

from conduit_chassis import postgres
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.settings import Settings

OLDEST = 15
"""Of PostgreSQL's releases, the oldest that the tests ran on."""
ENCODING = "UTF8"
SEARCH_PATH = '"$user", public'
"""PostgreSQL's default."""
_ELSEWHERE = 3
"""Connections that a pooler has to find servers for."""

_FACTS = """
SELECT current_setting('server_version_num')::integer / 10000, current_user::text, current_database()::text,
       current_schema()::text, coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
       has_database_privilege(current_database(), 'CREATE'), pg_backend_pid(), current_setting('server_encoding'),
       current_setting('transaction_read_only') = 'on', current_setting('search_path')
"""
_SETTINGS = """
SELECT lower(name), CASE unit WHEN 's' THEN (setting::bigint * 1000)::text ELSE setting END
FROM pg_settings WHERE lower(name) = ANY($1::text[])
"""
_SCHEMAS = "SELECT nspname::text FROM pg_namespace"
_SCHEMA = re.compile(r"^\s*CREATE SCHEMA (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE | re.MULTILINE)
_DIRECTLY = (
    "Connect to PostgreSQL directly, or through PgBouncer with pool_mode = session, the settings given to the role by "
    "ALTER ROLE … SET, and listed in ignore_startup_parameters."
)
_GIVEN_AWAY = f"A pooler gives our session to others between transactions. {_DIRECTLY}"

_WHY = {
    "28P01": "PostgreSQL refuses the user or the password",
    "28000": "PostgreSQL does not let this user in: its role may not log in, or pg_hba.conf keeps it out from here",
    "3D000": "there is no such database",
    "42501": "the user may not connect to this database",
    "53300": "PostgreSQL has no connection left, or the role's or the database's CONNECTION LIMIT is reached",
    "55000": "the database takes no connections now",
    "57P03": "PostgreSQL is starting or stopping",
}

_WHY_BY_CLASS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (psycopg.OperationalError, "PostgreSQL gives the migrations no connection: they need two beside the first"),
    (postgres.ReadOnlyError, "the database is read-only and takes nothing, as a copy does until it is promoted"),
    (
        (AuthenticationFailedError, SaslAuthenticationFailed, IllegalSaslStateError),
        "Kafka refuses the user or the password",
    ),
    (TimeoutError, "it does not answer in time"),
    (OSError, "nobody answers at its address"),
)


def why(error: BaseException) -> str:
    """Why a neighbour could not be reached, in words that name what to look at, and no value."""
    if isinstance(error, asyncpg.PostgresError):
        return _WHY.get(error.sqlstate or "", f"PostgreSQL says {error.sqlstate}")
    return next((reason for kinds, reason in _WHY_BY_CLASS if isinstance(error, kinds)), "")


def schemas_of(migrations: Path) -> set[str]:
    """The schemas that these files make."""
    return {each for path in migrations.glob("*.sql") for each in _SCHEMA.findall(path.read_text(encoding="utf-8"))}


async def examine(settings: Settings, name: str, schemas: AbstractSet[str] = frozenset()) -> None:
    """Connect as the service does and look at what it finds. `schemas` are those that its migrations make.

    Raises:
        ConfigurationError: this release cannot work on that database; the text says what is missing, in one line.
        PostgresError, OSError: the database cannot be reached now, or takes nothing now.
    """
    try:
        async with _connected(settings, name) as connection:
            await _examine(connection, settings, name, schemas)
    except asyncpg.ProtocolViolationError as error:
        raise ConfigurationError(f"What answers for PostgreSQL refuses the session's settings. {_DIRECTLY}") from error
    except asyncpg.InvalidSQLStatementNameError as error:
        raise ConfigurationError(_GIVEN_AWAY) from error


async def _examine(connection: Any, settings: Settings, name: str, schemas: AbstractSet[str]) -> None:
    facts = await connection.fetchrow(_FACTS)
    version, user, database, schema, may_make_tables, may_make_schemas, process, encoding, read_only, path = facts
    if version < OLDEST:
        raise ConfigurationError(f"This is PostgreSQL {version}; {OLDEST} is the oldest that this release works on.")
    if encoding != ENCODING:
        raise ConfigurationError(
            f"Database {database} holds {encoding}, which has not every character that people write: make it anew with "
            f"ENCODING '{ENCODING}' TEMPLATE template0."
        )
    if read_only:
        raise postgres.ReadOnlyError
    await _settings_took(connection, postgres.session(settings, name))
    if process != connection.get_server_pid():
        await _session_is_ours(connection, settings, name)
    if schema is None:
        usual = path == SEARCH_PATH
        mend = f"CREATE SCHEMA {user} AUTHORIZATION {user}" if usual else f"ALTER ROLE {user} RESET search_path"
        raise ConfigurationError(f"Database {database} has no schema for role {user}, whose search_path is {path}: {mend}.")
    if not may_make_tables:
        raise ConfigurationError(
            f"Role {user} may not make tables in schema {schema} of {database}: GRANT CREATE ON SCHEMA {schema} TO {user}."
        )
    there = {row[0] for row in await connection.fetch(_SCHEMAS)}
    if schemas - there and not may_make_schemas:
        raise ConfigurationError(
            f"Role {user} may not make schema {', '.join(sorted(schemas - there))} in {database}: "
            f"GRANT CREATE ON DATABASE {database} TO {user}."
        )


async def _settings_took(connection: Any, wanted: Mapping[str, str]) -> None:
    found = dict(await connection.fetch(_SETTINGS, list(wanted)))
    lost = sorted(name for name, value in wanted.items() if name != "application_name" and found.get(name) != value)
    if lost:
        raise ConfigurationError(f"These settings of the session did not take: {', '.join(lost)}. {_DIRECTLY}")


async def _session_is_ours(connection: Any, settings: Settings, name: str) -> None:
    """A pooler stands between. One that gives a session away between transactions loses locks and prepared statements."""
    mine = await connection.fetchval("SELECT pg_backend_pid()")
    async with AsyncExitStack() as stack:
        for _ in range(_ELSEWHERE):
            other = await stack.enter_async_context(_connected(settings, name))
            await stack.enter_async_context(other.transaction())
            if await other.fetchval("SELECT pg_backend_pid()") == mine:
                break
            if await connection.fetchval("SELECT pg_backend_pid()") != mine:
                break
        else:
            return
    raise ConfigurationError(_GIVEN_AWAY)


@asynccontextmanager
async def _connected(settings: Settings, name: str) -> AsyncIterator[Any]:
    # Without prepared statements of its own, so that a pooler which loses them can still be asked.
    connection = await postgres.connect(settings, name, statement_cache_size=0)
    try:
        yield connection
    finally:
        connection.terminate()


async def kafka_says(settings: Settings) -> BaseException | None:
    """What happens on the way in: aiokafka tells a wrong password and a dead server as the same."""
    arguments = settings.kafka_arguments()
    named = {name: value for name, value in arguments.items() if name != "bootstrap_servers"}
    found: BaseException | None = None
    for address in str(arguments["bootstrap_servers"]).split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            connection = await create_conn(host, int(port), client_id="conduit", request_timeout_ms=5_000, **named)
        except Exception as error:  # it is told, whatever it is
            found = error
        else:
            connection.close()
            return None
    return found
