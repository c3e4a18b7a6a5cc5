"""What PostgreSQL has done: bytes of WAL, statements, commits. Read by its administrator."""

from pathlib import Path
from typing import NamedTuple

import psycopg

from conduit_local.postgres import EmbeddedPostgres

_WORK = """
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
       coalesce(sum(calls), 0)::bigint,
       coalesce(sum(calls) FILTER (WHERE query ILIKE 'commit%'), 0)::bigint
FROM pg_stat_statements JOIN pg_database ON oid = dbid WHERE starts_with(datname, 'conduit_')
"""


class Work(NamedTuple):
    """So far, of all databases but the administrator's own."""

    wal_bytes: int
    """Of the whole server: with full-page images and autovacuum's share."""
    statements: int
    """BEGIN and COMMIT included. Each is one exchange with the server."""
    commits: int
    """Of transactions of several statements; a single statement commits by itself."""

    def since(self, before: "Work") -> "Work":
        """What was done since then."""
        return Work(*(now - then for now, then in zip(self, before, strict=True)))


def count_statements(state_dir: Path, **settings: str) -> None:
    """Make the PostgreSQL of a state directory count statements, before the stack is started on it."""
    server = EmbeddedPostgres(state_dir)
    server.start()
    try:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            for name, value in {"shared_preload_libraries": "pg_stat_statements", **settings}.items():
                connection.execute(
                    psycopg.sql.SQL("ALTER SYSTEM SET {} = {}").format(
                        psycopg.sql.Identifier(name), psycopg.sql.Literal(value)
                    )
                )
    finally:
        server.stop()


def work(connection: psycopg.Connection) -> Work:
    """What has been done so far."""
    found = connection.execute(_WORK).fetchone()
    if found is None:
        raise LookupError("pg_stat_statements gave nothing")
    return Work(*map(int, found))


def connect(dsn: str) -> psycopg.Connection:
    """The administrator's connection, with the extension in place."""
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    return connection
