"""What triage says again of its cases when the console is rebuilt: its facts, and of open cases what officers wrote."""

from collections.abc import Collection
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_chassis.snapshots import Keeper

_OPEN = """
SELECT referral_id FROM assessments WHERE referral_id = ANY($1::uuid[]) AND state IN ('under_review', 'accepted')
"""


async def open_ones(connection: Connection, referral_ids: Collection[UUID]) -> set[UUID]:
    """Those that are neither declined nor withdrawn. What becomes of an accepted one, triage does not know."""
    return {row["referral_id"] for row in await connection.fetch(_OPEN, list(referral_ids))}


KEEPER = Keeper(open_ones)
