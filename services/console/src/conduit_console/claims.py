"""Nobody has in hand what is shut to them: they could neither read it nor give it back, and nobody else would see that
it waits. `desk` gives none to them, and one that is restricted later is taken from them.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_console import rules
from conduit_console.cases import FollowedCase

# An earlier release let supervisors name themselves.
NAMED = """
EXISTS (
    SELECT FROM officers_named AS named
    WHERE named.referral_id = {case} AND named.officer_id = {officer} AND named.officer_id <> named.named_by
)
"""
"""Whether an officer is named for a case."""
_OF = f"""
SELECT referral_id, officer_id, {NAMED.format(case="claims.referral_id", officer="claims.officer_id")} AS named
FROM claims WHERE referral_id = ANY($1::uuid[])
"""  # noqa: S608 - constants
_IS_SHUT = f"""
SELECT kept_from IS NOT NULL AND NOT {NAMED.format(case="cases.referral_id", officer="$2")} AS shut
FROM cases WHERE referral_id = $1
"""  # noqa: S608 - constants
_END = "DELETE FROM claims WHERE referral_id = ANY($1::uuid[])"


class Holder(NamedTuple):
    """Who has a case in hand."""

    officer_id: str
    named: bool
    """Whether it is open to them if it is restricted."""


async def holders(connection: Connection, referral_ids: Iterable[UUID]) -> dict[UUID, Holder]:
    """Who has which of these cases, of those that somebody has."""
    rows = await connection.fetch(_OF, list(referral_ids))
    return {row["referral_id"]: Holder(row["officer_id"], row["named"]) for row in rows}


async def is_shut(connection: Connection, referral_id: UUID, officer_id: str) -> bool:
    """Whether the case is restricted, and this officer not named for it. The case is locked."""
    return bool(await connection.fetchval(_IS_SHUT, referral_id, officer_id))


async def end_shut(connection: Connection, held: dict[UUID, Holder], changed: Iterable[FollowedCase]) -> None:
    """Take cases from those to whom they are shut as the batch leaves them. The cases are locked."""
    shut = [each for each in changed if each.kept_from and each.referral_id in held and not held[each.referral_id].named]
    for case in shut:
        rules.nobody_has(case)
    if shut:
        await connection.execute(_END, [each.referral_id for each in shut])
