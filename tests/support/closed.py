"""A database that takes no connections for a while, as during a failover, an upgrade or a restore."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"


@asynccontextmanager
async def closed(dsn: str) -> AsyncIterator[None]:
    """The sessions there end, and none begins."""
    split = urlsplit(dsn)
    there, name = await asyncpg.connect(split._replace(path="/postgres").geturl()), split.path[1:]
    try:
        await there.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await there.execute(_END_SESSIONS, name)
        yield
    finally:
        await there.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await there.close()
