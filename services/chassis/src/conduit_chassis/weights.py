"""How much was told of referrals: the first body and everything that was added, as a service's store has it."""

from collections.abc import Collection
from uuid import UUID

from conduit_chassis.postgres import Connection

_SIZES = """
SELECT referral_id, octet_length(body) + coalesce((
    SELECT sum(octet_length(body)) FROM supplements WHERE supplements.referral_id = first.referral_id
), 0)::integer AS size FROM {table} AS first WHERE referral_id = ANY($1::uuid[])
"""


async def weigh(connection: Connection, table: str, referral_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many bytes were told of each of these referrals. `table` has the first body of each, `supplements` the rest."""
    rows = await connection.fetch(_SIZES.format(table=table), list(referral_ids))
    return {row["referral_id"]: row["size"] for row in rows}
