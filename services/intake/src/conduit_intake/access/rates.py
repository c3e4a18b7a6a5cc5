"""Token buckets that every process shares: what a partner may ask for does not grow with the number of replicas.

PostgreSQL's clock counts, which is the same for all. The table is unlogged: after a crash every bucket is full again.
"""

from math import ceil

from conduit_chassis.postgres import Connection, the_row

_TAKE = """
INSERT INTO rates (name, tokens, refused, since) VALUES ($1, $3::float8 - 1, false, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET since = clock_timestamp(), (tokens, refused) = (
    SELECT CASE WHEN there < 1 THEN there ELSE there - 1 END, there < 1
    FROM (SELECT least(
        $3::float8, rates.tokens + greatest(0, extract(epoch FROM clock_timestamp() - rates.since)) * $2::float8
    )) AS now (there))
RETURNING tokens, refused
"""


async def wait(connection: Connection, name: str, rate: float, burst: int) -> int:
    """Take a token of those that flow in at `rate` a second, up to `burst`; returns 0, or the seconds until there is one."""
    row = await the_row(connection, _TAKE, name, rate, float(burst))
    return max(1, ceil((1 - row["tokens"]) / rate)) if row["refused"] else 0
