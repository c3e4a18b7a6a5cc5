"""What triage knows of one referral's way. Of content it names nothing."""

from collections.abc import Mapping
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_chassis.trail import Station, Trail, Wait, by_event, given_up, put_aside

_ASSESSMENT = "SELECT state, decided_by FROM assessments WHERE referral_id = $1"
_HISTORY = "SELECT at, actor, what, why FROM history WHERE referral_id = $1 ORDER BY id"
_REVIEW = """
SELECT CASE WHEN waiting_for_partner THEN 'the partner''s answer' ELSE 'an officer''s decision' END AS what,
       opened_at AS since, array_to_string(reasons, ' ') AS about, due_at AS due
FROM reviews WHERE referral_id = $1
"""
_BY_EVENT = "SELECT DISTINCT referral_id FROM history WHERE event_id = $1"

_ASSESSED = """
SELECT referral_id, danger_raised OR cardinality(grounds) > 0 AS for_forces FROM assessments
WHERE referral_id >= $1 AND referral_id < $2
"""


async def trail(connection: Connection, referral_id: UUID) -> Trail:
    """All that triage knows of this referral."""
    aside, discarded = await put_aside(connection, [str(referral_id)]), await given_up(connection, [str(referral_id)])
    found = await connection.fetchrow(_ASSESSMENT, referral_id)
    if found is None:
        return Trail(stations=discarded, waits=aside)
    stations = [*(Station(**row) for row in await connection.fetch(_HISTORY, referral_id)), *discarded]
    reviews = [Wait(**row) for row in await connection.fetch(_REVIEW, referral_id)]
    state = found["state"] if found["decided_by"] is None else f"{found['state']}, by {found['decided_by']}"
    return Trail(state, stations, [*reviews, *aside])


async def named(connection: Connection, text: str) -> list[UUID]:
    """By the id of an event that triage read."""
    return [row["referral_id"] for row in await by_event(connection, _BY_EVENT, text)]


async def passed(connection: Connection, first: UUID, last: UUID) -> Mapping[str, set[UUID]]:
    """Which referrals with an id from `first` to before `last` came to each stage here; `for_forces` is as in metrics."""
    rows = await connection.fetch(_ASSESSED, first, last)
    for_forces = {row["referral_id"] for row in rows if row["for_forces"]}
    return {"assessed": {row["referral_id"] for row in rows}, "for_forces": for_forces}
