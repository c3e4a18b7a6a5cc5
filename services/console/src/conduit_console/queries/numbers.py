"""At which numbers a force can be called back, as the register has them."""

from collections.abc import Iterable

from conduit_chassis.postgres import Connection
from conduit_console.decision_forms import ForceNumber

_NUMBERS = """
SELECT force_id, whose, telephone FROM force_numbers WHERE force_id = ANY($1::text[]) ORDER BY force_id, place
"""


async def numbers_of(connection: Connection, force_ids: Iterable[str]) -> list[ForceNumber]:
    """The numbers of these forces: each force's team first, then its next levels, its control room last."""
    return [ForceNumber(**row) for row in await connection.fetch(_NUMBERS, list(force_ids))]
