"""What routing says again of its cases when the console is rebuilt: its facts, and of open cases what officers wrote."""

from collections.abc import Collection
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_chassis.snapshots import Keeper

_OPEN = "SELECT referral_id FROM cases WHERE referral_id = ANY($1::uuid[]) AND state = 'open'"


async def open_ones(connection: Connection, referral_ids: Collection[UUID]) -> set[UUID]:
    """Those that not every force has acknowledged yet, and that nobody has ended."""
    return {row["referral_id"] for row in await connection.fetch(_OPEN, list(referral_ids))}


KEEPER = Keeper(open_ones)
