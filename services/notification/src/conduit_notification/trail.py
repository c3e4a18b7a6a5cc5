"""What notification knows of one referral's way, its notices among it. Of content it names nothing."""

from collections.abc import Mapping
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_chassis.trail import Station, Trail, Wait, by_event, given_up, put_aside, uuid_in

_REFERRAL = "SELECT state, revision FROM referrals WHERE referral_id = $1"
_STATIONS = """
SELECT at, actor, 'told the partner: ' || state AS what, what AS why, '' AS about FROM history WHERE referral_id = $1
UNION ALL
SELECT finished_at, 'notification', concat(channel, ' ', state, ': ', template), coalesce(nullif(code, state), ''), audience
FROM notices WHERE referral_id = $1 AND state <> 'queued'
UNION ALL SELECT taken_at, taken_by, 'took the duty task', kind, '' FROM duty_tasks
WHERE referral_id = $1 AND taken_at IS NOT NULL
ORDER BY at
"""
_WAITING = """
SELECT concat(channel, ' to ', audience, ': ', template) AS what, created_at AS since,
       concat('tried ', attempts, ' times') AS about, next_attempt_at AS due
FROM notices WHERE referral_id = $1 AND state = 'queued'
UNION ALL SELECT 'somebody on duty', opened_at, kind, NULL FROM duty_tasks WHERE referral_id = $1 AND taken_at IS NULL
ORDER BY since
"""
_BY_EVENT = """
SELECT referral_id FROM history WHERE event_id = $1
UNION
SELECT referral_id FROM notices WHERE notice_id = $2 AND referral_id IS NOT NULL
"""

_TOLD = "SELECT referral_id FROM referrals WHERE referral_id >= $1 AND referral_id < $2"


async def trail(connection: Connection, referral_id: UUID) -> Trail:
    """All that notification knows of this referral."""
    found = await connection.fetchrow(_REFERRAL, referral_id)
    stations = [Station(**row) for row in await connection.fetch(_STATIONS, referral_id)]
    waits = [Wait(**row) for row in await connection.fetch(_WAITING, referral_id)]
    state = "" if found is None else f"{found['state']}, after {found['revision']} updates to the partner"
    stations += await given_up(connection, [str(referral_id)])
    return Trail(state, stations, [*waits, *await put_aside(connection, [str(referral_id)])])


async def named(connection: Connection, text: str) -> list[UUID]:
    """By the id of an event that notification read, or of a notice."""
    return [row["referral_id"] for row in await by_event(connection, _BY_EVENT, text, uuid_in(text))]


async def passed(connection: Connection, first: UUID, last: UUID) -> Mapping[str, set[UUID]]:
    """Which referrals with an id from `first` to before `last` came to each stage here; `told`: the partner was."""
    return {"told": {row["referral_id"] for row in await connection.fetch(_TOLD, first, last)}}
