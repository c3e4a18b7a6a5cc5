"""Search by reference: a partner's, a force's, or the hub's own id. Never by what people wrote."""

from typing import NamedTuple
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_chassis.trail import uuid_in
from conduit_console.queries.lists import _CASE, CaseRow, _case

MOST_FOUND = 50
_SHORTEST, _LONGEST = 3, 100
_LAST = "\U0010ffff"
# `LIKE` finds no index for a pattern that is not known when the statement is planned; these operators do.
_BY_PARTNER = f"""
SELECT {_CASE} FROM cases WHERE lower(partner_reference) ~>=~ $1 AND lower(partner_reference) ~<~ $2
ORDER BY lower(partner_reference) USING ~<~, referral_id LIMIT {MOST_FOUND + 1}
"""  # noqa: S608 - constants
_BY_FORCE = f"""
SELECT {_CASE} FROM (
    SELECT referral_id FROM handoffs
    WHERE force_reference IS NOT NULL AND lower(force_reference) ~>=~ $1 AND lower(force_reference) ~<~ $2
    ORDER BY lower(force_reference) USING ~<~, referral_id LIMIT {MOST_FOUND + 1}
) AS found JOIN cases USING (referral_id)
"""  # noqa: S608 - constants
_BY_ID = f"SELECT {_CASE} FROM cases WHERE referral_id = $1"  # noqa: S608 - constants

_CALLED = f"""
SELECT referral_id, partner_id FROM cases WHERE lower(partner_reference) = $1 ORDER BY partner_id, referral_id
LIMIT {MOST_FOUND}
"""  # noqa: S608 - constants


class CalledSo(NamedTuple):
    """A case that somebody calls so, without what it is called: who asks knows that."""

    referral_id: UUID
    partner_id: str | None
    """None where it was called by the hub's own id."""


async def called(connection: Connection, text: str) -> list[CalledSo]:
    """The case with this id, or the cases with this whole reference of a partner's, whatever its case."""
    referral_id = uuid_in(text)
    if referral_id is not None:
        return [CalledSo(referral_id, None)]
    rows = [] if "\0" in text else await connection.fetch(_CALLED, text.lower())
    return [CalledSo(**row) for row in rows]


def is_too_short(text: str) -> bool:
    """Whether it is too little to search for; what cannot be written counts for nothing."""
    return len(text.replace("\0", "").strip()) < _SHORTEST


async def search(connection: Connection, text: str) -> tuple[list[CaseRow], bool]:
    """The cases whose reference begins so, whatever its case, and whether there are more than these.

    A text of less than three characters finds nothing, and neither does one longer than references are.
    """
    wanted = text.strip().lower()
    if is_too_short(text) or len(wanted) > _LONGEST or "\0" in wanted:
        return [], False
    found = await _by_id(connection, wanted)
    for statement in (_BY_PARTNER, _BY_FORCE):
        rows = await connection.fetch(statement, wanted, wanted + _LAST)
        found |= {row["referral_id"]: _case(row) for row in rows if row["referral_id"] not in found}
    return list(found.values())[:MOST_FOUND], len(found) > MOST_FOUND


async def _by_id(connection: Connection, text: str) -> dict[UUID, CaseRow]:
    referral_id = uuid_in(text)
    row = await connection.fetchrow(_BY_ID, referral_id) if referral_id else None
    return {row["referral_id"]: _case(row)} if row else {}
