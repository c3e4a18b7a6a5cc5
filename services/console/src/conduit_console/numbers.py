"""At which numbers a force can be called back, as the register said it last: all SQL of it."""

from collections.abc import Iterable, Mapping, Sequence

from conduit_chassis.postgres import Connection, insert
from conduit_console.decision_forms import ForceNumber

_NUMBERS = """
SELECT force_id, whose, telephone FROM force_numbers WHERE force_id = ANY($1::text[]) ORDER BY force_id, place
"""
_FORGET = "DELETE FROM force_numbers WHERE force_id = ANY($1::text[])"
_COLUMNS = ("force_id", "place", "whose", "telephone")


async def numbers_of(connection: Connection, force_ids: Iterable[str]) -> list[ForceNumber]:
    """The numbers of these forces: each force's team first, then its next levels, its control room last."""
    return [ForceNumber(**row) for row in await connection.fetch(_NUMBERS, list(force_ids))]


async def register(connection: Connection, told: Mapping[str, Sequence[ForceNumber]]) -> None:
    """Keep what the register says of these forces, in place of what it said before."""
    if told:
        await connection.execute(_FORGET, list(told))
        rows = [
            (force_id, place, each.whose, each.telephone)
            for force_id, found in told.items()
            for place, each in enumerate(found)
        ]
        await insert(connection, "force_numbers", _COLUMNS, rows)
