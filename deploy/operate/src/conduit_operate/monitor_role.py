"""The role that PostgreSQL's exporter comes in as: it sees figures and no rows."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from conduit_operate.databases import database_of, ensure_role

ROLE = "conduit_monitor"


def provision_monitor(admin_dsn: str, password: str, services: Iterable[str]) -> bool:
    """Make the role, or give it this password. `pg_monitor` lets it read statistics; no table is granted to it.

    Returns whether that was granted, which an administrator who is no superuser may not be able to.
    """
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        ensure_role(connection, ROLE, password)
        for service in services:
            names = sql.Identifier(database_of(service)), sql.Identifier(ROLE)
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(*names))
        try:
            connection.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(ROLE)))
        except psycopg.errors.InsufficientPrivilege:
            return False
    return True
