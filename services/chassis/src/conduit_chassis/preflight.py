"""Whether database and broker are such that this release can work on them, asked at the start, as the service connects.

What waiting will not fix is refused in one line. Supported are PostgreSQL 15 to 18, directly, or through a pooler in session
mode that leaves the session's settings as they are, and Kafka 3.9 to 4.3. What is newer is said, and worked with.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from socket import gaierror
from typing import Any

import asyncpg
import psycopg
import structlog
from aiokafka.conn import create_conn
from aiokafka.errors import AuthenticationFailedError, IllegalSaslStateError, SaslAuthenticationFailed
from aiokafka.protocol.admin import ApiVersionRequest

from conduit_chassis import postgres
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.postgres import Connection, Row
from conduit_chassis.settings import Settings

_log = structlog.get_logger()
OLDEST, NEWEST = 15, 18
"""Of PostgreSQL's releases, those that the tests ran on."""
OLDEST_KAFKA = "3.9"
_LIST_OFFSETS, _SINCE_OLDEST_KAFKA = 2, 9
"""A broker does not say its release, but what it can: this version of this request came with 3.9 (KIP-1005)."""
_KAFKA_SECONDS = 5
_CLOSE_SECONDS = 5.0
ENCODING = "UTF8"
PUBLIC = "public"
"""Where the tables are of a service that has schemas beside it: its statements name both."""
SEARCH_PATH = f'"$user", {PUBLIC}'
"""PostgreSQL's default."""
_ELSEWHERE = 3
"""Connections that a pooler has to find servers for."""

_FACTS = """
SELECT current_setting('server_version_num')::integer / 10000 AS version, current_user::text AS user_name,
       current_database()::text AS database, current_schema()::text AS schema_name,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_make_tables,
       has_database_privilege(current_database(), 'CREATE') AS may_make_schemas, pg_backend_pid() AS process,
       current_setting('server_encoding') AS encoding, current_setting('transaction_read_only') = 'on' AS read_only,
       current_setting('search_path') AS search_path, current_setting('synchronous_commit') = 'off' AS forgets
"""
_SETTINGS = """
SELECT lower(name) AS name, CASE unit WHEN 's' THEN (setting::bigint * 1000)::text ELSE setting END AS setting
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
    (gaierror, "no computer has the name in its address"),
    (OSError, "nobody answers at its address"),
)


def why(error: BaseException) -> str:
    """Why a neighbour could not be reached, in words that name what to look at, and no value."""
    if isinstance(error, asyncpg.PostgresError):
        return _WHY.get(error.sqlstate or "", f"PostgreSQL says {error.sqlstate}")
    return next((reason for kinds, reason in _WHY_BY_CLASS if isinstance(error, kinds)), "")


def why_too_old(release: int) -> str | None:
    """What to say of a PostgreSQL of this release; None where this release of ours works on it."""
    return f"This is PostgreSQL {release}; {OLDEST} is the oldest that this release works on." if release < OLDEST else None


def schemas_of(migrations: Path) -> set[str]:
    """The schemas that these files make."""
    return {each for path in migrations.glob("*.sql") for each in _SCHEMA.findall(path.read_text(encoding="utf-8"))}


def rights_in_public(user: str, there: AbstractSet[str]) -> str:
    """What gives a role a schema where every service works. `there` are the schemas that there are."""
    made = "" if PUBLIC in there else f"CREATE SCHEMA {PUBLIC}; "
    return f"{made}GRANT USAGE, CREATE ON SCHEMA {PUBLIC} TO {user}"


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


async def _examine(connection: Connection, settings: Settings, name: str, schemas: AbstractSet[str]) -> None:
    facts = await postgres.the_row(connection, _FACTS)
    version, user, database = facts["version"], facts["user_name"], facts["database"]
    if too_old := why_too_old(version):
        raise ConfigurationError(too_old)
    if version > NEWEST:
        _log.warning("database_is_newer_than_was_tried", version=version, limit=NEWEST)
    if facts["encoding"] != ENCODING:
        raise ConfigurationError(
            f"Database {database} holds {facts['encoding']}, which has not every character that people write: create it "
            f"again with ENCODING '{ENCODING}' TEMPLATE template0."
        )
    if facts["read_only"]:
        raise postgres.ReadOnlyError
    if facts["forgets"]:
        raise ConfigurationError(
            f"With synchronous_commit = off PostgreSQL may lose what it has confirmed and we have answered for: "
            f"ALTER ROLE {user} SET synchronous_commit = on."
        )
    await _settings_took(connection, postgres.session(settings, name))
    if facts["process"] != connection.get_server_pid():
        await _session_is_ours(connection, settings, name)
    await _tables_have_their_place(connection, facts, name, schemas)


async def _tables_have_their_place(connection: Connection, facts: Row, name: str, schemas: AbstractSet[str]) -> None:
    user, database, schema = facts["user_name"], facts["database"], facts["schema_name"]
    there = {row["nspname"] for row in await connection.fetch(_SCHEMAS)}
    if schema is None:
        path = facts["search_path"]
        mend = rights_in_public(user, there) if path == SEARCH_PATH else f"ALTER ROLE {user} RESET search_path"
        raise ConfigurationError(f"Database {database} has no schema for role {user}, whose search_path is {path}: {mend}.")
    if schemas and schema != PUBLIC:
        raise ConfigurationError(
            f"Role {user} would make its tables in schema {schema} of {database}; those of {name} must be in {PUBLIC}: "
            f"{rights_in_public(user, there)}; ALTER ROLE {user} SET search_path = {PUBLIC}."
        )
    if not facts["may_make_tables"]:
        raise ConfigurationError(
            f"Role {user} may not make tables in schema {schema} of {database}: GRANT CREATE ON SCHEMA {schema} TO {user}."
        )
    if schemas - there and not facts["may_make_schemas"]:
        raise ConfigurationError(
            f"Role {user} may not make schema {', '.join(sorted(schemas - there))} in {database}: "
            f"GRANT CREATE ON DATABASE {database} TO {user}."
        )


async def _settings_took(connection: Connection, wanted: Mapping[str, str]) -> None:
    rows = await connection.fetch(_SETTINGS, list(wanted))
    found = {row["name"]: row["setting"] for row in rows}
    lost = sorted(name for name, value in wanted.items() if name != "application_name" and found.get(name) != value)
    if lost:
        raise ConfigurationError(f"These settings of the session did not take: {', '.join(lost)}. {_DIRECTLY}")


async def _session_is_ours(connection: Connection, settings: Settings, name: str) -> None:
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
async def _connected(settings: Settings, name: str) -> AsyncIterator[Connection]:
    # Without prepared statements of its own, so that a pooler which loses them can still be asked.
    connection = await postgres.connect(settings, name, statement_cache_size=0)
    try:
        yield connection
    finally:
        connection.terminate()


async def kafka_says(settings: Settings) -> BaseException | None:
    """What happens on the way in: aiokafka tells a wrong password and a dead server as the same."""
    found: BaseException | None = None
    for address in _addresses(settings):
        try:
            connection = await _connection(settings, *address)
        except Exception as error:  # it is told, whatever it is
            found = error
        else:
            await _closed(connection)
            return None
    return found


async def examine_kafka(settings: Settings) -> None:
    """Ask each broker that is named what it can. Those that do not answer now are not asked.

    Raises:
        ConfigurationError: a broker is of a release that is too old; the text says so in one line.
        KafkaError, OSError: none of them answers.
    """
    asked = (_is_new_enough(settings, *address) for address in _addresses(settings))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for (host, port), answer in zip(_addresses(settings), answers, strict=True):
        if answer is False:
            raise ConfigurationError(
                f"The broker at {host}:{port} is older than Kafka {OLDEST_KAFKA}, the oldest that this release works on."
            )
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    if len(failures) == len(answers):
        raise failures[0]


async def _is_new_enough(settings: Settings, host: str, port: int) -> bool:
    connection = await _connection(settings, host, port)
    try:
        answer = await connection.send(ApiVersionRequest())
    finally:
        await _closed(connection)
    newest = {key: last for key, _, last in answer.api_versions}
    return bool(newest.get(_LIST_OFFSETS, 0) >= _SINCE_OLDEST_KAFKA)


async def _closed(connection: Any) -> None:
    """Once the socket is closed as well, which a loop that ends at once would leave open."""
    with suppress(TimeoutError):
        await asyncio.wait_for(connection.close(), _CLOSE_SECONDS)


def _addresses(settings: Settings) -> list[tuple[str, int]]:
    named = (address.strip().rpartition(":") for address in settings.kafka_bootstrap_servers.split(","))
    return [(host, int(port)) for host, _, port in named]


async def _connection(settings: Settings, host: str, port: int) -> Any:
    named = {name: value for name, value in settings.kafka_arguments().items() if name != "bootstrap_servers"}
    return await create_conn(host, port, client_id="conduit", request_timeout_ms=1_000 * _KAFKA_SECONDS, **named)
