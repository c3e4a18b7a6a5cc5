"""The role that PostgreSQL's exporter comes in as: it sees figures and no rows."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from conduit_local.databases import database_of, ensure_role

ROLE = "conduit_monitor"


def provision_monitor(admin_dsn: str, password: str, services: Iterable[str]) -> None:
    """Make the role, or give it this password. `pg_monitor` lets it read statistics; no table is granted to it."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        ensure_role(connection, ROLE, password)
        connection.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(ROLE)))
        for service in services:
            names = sql.Identifier(database_of(service)), sql.Identifier(ROLE)
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(*names))
