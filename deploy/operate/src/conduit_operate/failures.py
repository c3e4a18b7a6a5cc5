"""What a database's drivers raise, and why in words that name what to look at and no value."""

from __future__ import annotations

from typing import Any

import asyncpg
import psycopg

from conduit_chassis import preflight

DATABASE = (psycopg.Error, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""All that either driver raises of itself. Connections that break may be an OSError as well."""
_AWAY = ("57P01", "57P02", "08")
"""How the SQLSTATE begins where the server ends the session."""
LOST = "the connection was lost"


def why_not(error: BaseException) -> str:
    """Why a database did not do something."""
    if isinstance(error, (asyncpg.DataError, psycopg.DataError, UnicodeError)):
        return "a number or a text is none that the database can take"
    state = getattr(error, "sqlstate", None)
    if state is not None and state.startswith(_AWAY):
        return LOST
    if isinstance(error, psycopg.Error):
        return f"PostgreSQL says {state}" if state else next(iter(str(error).splitlines()), LOST)
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError)):
        return LOST
    return preflight.why(error) or type(error).__name__


async def let_go(connection: Any) -> None:
    """A server that has stopped answering is not asked to say goodbye either."""
    try:
        await connection.close(timeout=1)
    except (OSError, *DATABASE):
        connection.terminate()
