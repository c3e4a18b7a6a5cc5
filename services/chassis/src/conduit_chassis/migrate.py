"""Numbered SQL files, applied once each under a lock that dies with its holder.

yoyo keeps the books and the transactions. Its own lock is a row, which stays behind after `kill -9` and then stops every
start; a session-level advisory lock does not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg import sql
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend

CHASSIS = Path(__file__).parent / "migrations"
_LOCK_ID = 0x636F6E64756974
_YOYO_TABLE = "_yoyo_migration"

_log = structlog.get_logger()

UNREACHABLE = psycopg.OperationalError
"""What a database that is down raises."""


class MigrationError(Exception):
    """A migration was not applied. Its file is named."""


def migrate(
    dsn: str,
    *folders: Path,
    password: str | None = None,
    lock_timeout_ms: int = 5_000,
    statement_timeout_ms: int = 300_000,
    wait_ms: int = 600_000,
) -> list[str]:
    """Apply the chassis' migrations, then each folder's; returns the ids of those applied now.

    `lock_timeout_ms` limits the wait for a table that the running release uses, `wait_ms` the wait for another process
    that migrates.
    """
    applied: list[str] = []
    with _lock(dsn, password, wait_ms):
        limits = (("lock_timeout", lock_timeout_ms), ("statement_timeout", statement_timeout_ms))
        backend = _Backend(_Target(dsn, password, limits), _YOYO_TABLE)
        try:
            backend.init_database()
            for folder in (CHASSIS, *folders):
                applied += _apply(backend, folder)
            if unknown := _unknown(backend, CHASSIS, *folders):
                _log.warning("database_is_newer", migrations=unknown)
        finally:
            backend.connection.close()
    return applied


@dataclass(frozen=True)
class _Target:
    """Where to apply, and the limits of the session. yoyo's own parsing loses parameters that libpq understands."""

    dsn: str
    password: str | None
    limits: tuple[tuple[str, int], ...]
    database: str = ""


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo ships no types
    """yoyo's backend on our connection."""

    def connect(self, dburi: _Target) -> psycopg.Connection[Any]:
        connection = _connect(dburi.dsn, dburi.password)
        for name, value in dburi.limits:
            connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        return connection


def _connect(dsn: str, password: str | None) -> psycopg.Connection[Any]:
    extra: dict[str, Any] = {"password": password} if password else {}
    return psycopg.connect(dsn, autocommit=True, application_name="conduit.migrate", **extra)


@contextmanager
def _lock(dsn: str, password: str | None, wait_ms: int) -> Iterator[None]:
    with _connect(dsn, password) as connection:
        connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(wait_ms)))
        _may_make_tables(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_ID,))
        yield


def _unknown(backend: _Backend, *folders: Path) -> list[str]:
    """What a newer release applied. This one works on it as long as it is the previous release; see deploy/README.md."""
    known = {migration.id for folder in folders for migration in read_migrations(str(folder))}
    rows = backend.connection.execute(f"SELECT migration_id FROM {_YOYO_TABLE} ORDER BY applied_at_utc").fetchall()  # noqa: S608
    return [row[0] for row in rows if row[0] not in known]


def _may_make_tables(connection: psycopg.Connection[Any]) -> None:
    """yoyo skips what it may not create, and then misses it."""
    query = "SELECT current_user, current_schema(), coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
    for role, schema, may in connection.execute(query):
        if not may:
            # Whoever may not even use a schema has none.
            rights = "CREATE" if schema else "USAGE, CREATE"
            where = f"GRANT {rights} ON SCHEMA {schema or 'public'} TO {role}"
            raise MigrationError(f"role {role} may not make tables in schema {schema or 'public'}: {where}")


def _apply(backend: _Backend, folder: Path) -> list[str]:
    migrations = read_migrations(str(folder))
    if not migrations:
        raise MigrationError(f"{folder} holds no migrations")
    pending = backend.to_apply(migrations)
    names = [migration.id for migration in pending]
    backend.apply_migrations_only(pending)
    # yoyo skips a file that it cannot load.
    left = [migration.id for migration in backend.to_apply(migrations)]
    if left:
        raise MigrationError(f"not applied: {', '.join(left)}")
    return names
