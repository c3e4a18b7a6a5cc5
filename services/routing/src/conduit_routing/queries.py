"""The SQL that only reads: what officers are shown, and what the gauges say. Nothing here touches what a case says."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from conduit_chassis.postgres import Connection, Row, the_row
from conduit_routing.policy import PRIORITY_CLASSES

_REVIEWS = """
SELECT referral_id, reason, nullif(about, '') AS about, candidates, routing_reviews.opened_at, urgency, immediate_danger,
       provisional, home_force, interim_owner
FROM routing_reviews JOIN cases USING (referral_id) WHERE closed_at IS NULL
ORDER BY immediate_danger DESC, array_position(ARRAY['urgent', 'priority', 'routine'], urgency), routing_reviews.opened_at
LIMIT $1
"""
_CASE = """
SELECT referral_id, partner_id, partner_reference, urgency, immediate_danger, provisional, opened_at, state, home_force,
       basis, interim_owner, named_home, marks, version, policy_version
FROM cases WHERE referral_id = $1
"""
_HANDOFFS = """
SELECT force_id, areas, state, disseminated_at, receipt_due_at, acknowledgement_due_at, next_action_at, received_at,
       acknowledged_at, declined_at, stood_down_at, chases, level, force_reference, part, first_acknowledged_at
FROM handoffs WHERE referral_id = $1 ORDER BY disseminated_at, force_id
"""
_CASE_REVIEWS = """
SELECT number, reason, nullif(about, '') AS about, candidates, opened_at, closed_at
FROM routing_reviews WHERE referral_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3
"""
_HISTORY = """
SELECT version, at, actor, what, why, force_id, policy_version, cause_id, sent_id, replayed_by
FROM history WHERE referral_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3
"""
MOST_LINES, MOST_CASE_REVIEWS = 500, 200
FROM_THE_NEWEST = 2**31 - 1

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
        WHERE state = 'disseminated' AND priority IS NOT NULL AND receipt_due_at < $1) AS receipt,
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


async def open_reviews(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """The reviews that wait, in the order in which officers should take them."""
    return [dict(row) for row in await connection.fetch(_REVIEWS, limit)]


async def show(
    connection: Connection, referral_id: UUID, lines_before: int = FROM_THE_NEWEST, reviews_before: int = FROM_THE_NEWEST
) -> dict[str, Any] | None:
    """Who has which part of a case and how that came about, or None where there is no such case.

    Of history and reviews the newest, and the number of the first of them where there are earlier ones.
    """
    case = await connection.fetchrow(_CASE, referral_id)
    if case is None:
        return None
    handoffs = [dict(row) for row in await connection.fetch(_HANDOFFS, referral_id)]
    reviews = await connection.fetch(_CASE_REVIEWS, referral_id, reviews_before, MOST_CASE_REVIEWS + 1)
    history = await connection.fetch(_HISTORY, referral_id, lines_before, MOST_LINES + 1)
    return {
        **case,
        "handoffs": handoffs,
        **_newest("reviews", "number", reviews, MOST_CASE_REVIEWS),
        **_newest("history", "version", history, MOST_LINES),
    }


def _newest(name: str, number: str, rows: Sequence[Row], most: int) -> dict[str, Any]:
    """Of rows with the newest first, and one more than is shown where there is more."""
    shown = [dict(row) for row in reversed(rows[:most])]
    return {name: shown, f"{name}_earlier": shown[0][number] if len(rows) > most else None}
