"""The SQL that only reads: what the gauges say. Nothing here touches what a case says."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from conduit_chassis.postgres import Connection, the_row
from conduit_routing.policy import PRIORITY_CLASSES

# Ended hand-offs are left out: to count them would take longer with every case.
_BY_STATE = """
SELECT state, count(*) AS handoffs, extract(epoch FROM $1 - min(disseminated_at))::float8 AS oldest
FROM handoffs WHERE state IN ('disseminated', 'received') GROUP BY state
"""
RECONCILIATION = """
SELECT (SELECT count(*) FROM cases WHERE referral_id >= minute.first AND referral_id < minute.next) AS routed
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS minute (first, next, number) ORDER BY number
"""
"""How many referrals have a case, by the minute in which the hub took them in."""
# By indexes that hold only what waits, or only what is late. Of a withdrawn case no hand-off has a priority.
_OLDEST = """
SELECT priority, extract(epoch FROM $1 - (
    SELECT min(disseminated_at) FROM handoffs
    WHERE handoffs.priority = wanted.priority AND state IN ('disseminated', 'received')
))::float8 AS oldest
FROM unnest($2::text[]) AS wanted (priority)
"""
_BREACHED = """
SELECT (SELECT count(*) FROM handoffs
        WHERE state = 'disseminated' AND priority IS NOT NULL AND receipt_due_at < $1)
     + (SELECT count(*) FROM handoffs
        WHERE state = 'acknowledged' AND received_at IS NULL AND priority IS NOT NULL AND receipt_due_at < $1) AS receipt,
       (SELECT count(*) FROM handoffs
        WHERE state IN ('disseminated', 'received') AND priority IS NOT NULL
            AND acknowledgement_due_at < $1) AS acknowledgement
"""
_BY_REASON = "SELECT reason, count(*) AS reviews FROM routing_reviews WHERE closed_at IS NULL GROUP BY reason"
_WITH_NOBODY = """
SELECT count(*) FROM cases WHERE interim_owner IS NULL AND state = 'open' AND position('=standards_told' IN marks) = 0
"""
"""A case that an officer took to a professional standards department is with somebody."""


class Figures(NamedTuple):
    """What the gauges show. Waiting hand-offs of withdrawn cases do not count."""

    handoffs: Mapping[str, int]
    """Those that wait, by state."""
    oldest_by_state: Mapping[str, float]
    oldest_seconds: Mapping[str, float]
    """By priority class."""
    receipt_breached: int
    acknowledgement_breached: int
    reviews: Mapping[str, int]
    with_nobody: int


async def figures(connection: Connection, now: datetime) -> Figures:
    """Count. Only the number of hand-offs that wait takes longer the more of them there are."""
    by_state = await connection.fetch(_BY_STATE, now)
    oldest = await connection.fetch(_OLDEST, now, list(PRIORITY_CLASSES))
    breached = await the_row(connection, _BREACHED, now)
    by_reason = await connection.fetch(_BY_REASON)
    return Figures(
        handoffs={row["state"]: row["handoffs"] for row in by_state},
        oldest_by_state={row["state"]: row["oldest"] for row in by_state},
        oldest_seconds={row["priority"]: row["oldest"] for row in oldest if row["oldest"] is not None},
        receipt_breached=breached["receipt"],
        acknowledgement_breached=breached["acknowledgement"],
        reviews={row["reason"]: row["reviews"] for row in by_reason},
        with_nobody=await connection.fetchval(_WITH_NOBODY),
    )
