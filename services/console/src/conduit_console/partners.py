"""What partners are called, as the register said it last: all SQL of it.

A partner that has left keeps its last name: its cases are there, and officers know them by it. Until the register was read a
partner has no name here, and pages show its id.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection

MOST_CALLED_SO = 50
_NAMES = "SELECT partner_id, name FROM partner_names WHERE partner_id = ANY($1::text[])"
# All of them are read for it, some hundred rows: what a name holds has no order that an index could have.
_CALLED = f"""
SELECT partner_id, name FROM partner_names
WHERE strpos(lower(name), lower($1)) > 0 OR strpos(partner_id, lower($1)) > 0
ORDER BY partner_id <> $1, lower(name) <> lower($1), lower(name), partner_id LIMIT {MOST_CALLED_SO}
"""  # noqa: S608 - constants
_HAS_CASES = "SELECT EXISTS (SELECT FROM cases WHERE partner_id = $1)"
_COLUMNS = Columns(partner_id="text", name="text", said_at="timestamptz")
_REGISTER = f"""
INSERT INTO partner_names AS stored ({_COLUMNS.names}) SELECT {_COLUMNS.values("now")} FROM {_COLUMNS.rows("now")}
ORDER BY partner_id
ON CONFLICT (partner_id) DO UPDATE SET {_COLUMNS.changes("excluded", "partner_id")} WHERE stored.said_at <= excluded.said_at
"""  # noqa: S608 - constants


class NamedPartner(NamedTuple):
    """A partner and what it is called."""

    partner_id: str
    name: str


class SaidName(NamedTuple):
    """What a record of the register calls a partner."""

    partner_id: str
    name: str
    said_at: datetime
    """The broker's time of the record; what is older changes nothing."""


async def names_of(connection: Connection, partner_ids: Iterable[str]) -> dict[str, str]:
    """What these partners are called, of those whose name is known."""
    wanted = list(partner_ids)
    rows = await connection.fetch(_NAMES, wanted) if wanted else []
    return {row["partner_id"]: row["name"] for row in rows}


async def called(connection: Connection, text: str) -> list[NamedPartner]:
    """The partners whose name or id has this in it, whatever its case: first whose id it is, then whose whole name."""
    return [NamedPartner(**row) for row in await connection.fetch(_CALLED, text)]


async def meant(connection: Connection, text: str) -> list[NamedPartner]:
    """Those whom somebody means who wrote this: none, the one, or several between whom they choose.

    An id is that partner's also where the register has no name for it: then it is called by its id.
    """
    found = await called(connection, text)
    known = [each for each in found if each.partner_id == text]
    if known or await connection.fetchval(_HAS_CASES, text):
        return known or [NamedPartner(text, text)]
    return [each for each in found if each.name.lower() == text.lower()] or found


async def as_meant(connection: Connection, partner: NamedPartner) -> str:
    """What a partner is called where that means it and no other; otherwise its id."""
    return partner.name if await meant(connection, partner.name) == [partner] else partner.partner_id


async def register(connection: Connection, told: Mapping[str, SaidName]) -> None:
    """Keep what a batch of the register says, the last of each partner."""
    if told:
        await connection.execute(_REGISTER, *_COLUMNS.arrays([each._asdict() for each in told.values()]))
