"""What routing knows of one referral's way. Of content it names nothing."""

from collections.abc import Mapping
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_chassis.trail import Station, Trail, Wait, by_event, given_up, put_aside, uuid_in

_CASE = "SELECT state, provisional, home_force, interim_owner FROM cases WHERE referral_id = $1"
_HISTORY = (
    "SELECT at, actor, what, why, coalesce(force_id, '') AS about FROM history WHERE referral_id = $1 ORDER BY version"
)
_WAITING = """
SELECT 'a connector''s receipt' AS what, disseminated_at AS since, force_id AS about, receipt_due_at AS due FROM handoffs
WHERE referral_id = $1 AND (state = 'disseminated' OR state = 'acknowledged' AND received_at IS NULL)
UNION ALL SELECT 'a person''s acknowledgement', received_at, force_id, acknowledgement_due_at FROM handoffs
WHERE referral_id = $1 AND state = 'received'
UNION ALL SELECT 'an officer at the hub', opened_at, concat_ws(' ', reason, nullif(about, '')), NULL FROM routing_reviews
WHERE referral_id = $1 AND closed_at IS NULL
UNION ALL SELECT 'a force that looks after it', opened_at, '', NULL FROM cases
WHERE referral_id = $1 AND state = 'open' AND interim_owner IS NULL
ORDER BY since, about
"""
_BY_EVENT = "SELECT DISTINCT referral_id FROM history WHERE cause_id = $1 OR sent_id = $2"

_ROUTED = "SELECT referral_id FROM cases WHERE referral_id >= $1 AND referral_id < $2"
_SENT = "SELECT DISTINCT referral_id FROM history WHERE referral_id >= $1 AND referral_id < $2 AND sent_id IS NOT NULL"


async def trail(connection: Connection, referral_id: UUID) -> Trail:
    """All that routing knows of this referral."""
    aside, discarded = await put_aside(connection, [str(referral_id)]), await given_up(connection, [str(referral_id)])
    found = await connection.fetchrow(_CASE, referral_id)
    if found is None:
        return Trail(stations=discarded, waits=aside)
    stations = [*(Station(**row) for row in await connection.fetch(_HISTORY, referral_id)), *discarded]
    waits = [Wait(**row) for row in await connection.fetch(_WAITING, referral_id)]
    leads = f"home force {found['home_force']}" if found["home_force"] else f"for now {found['interim_owner'] or 'nobody'}"
    return Trail(f"{found['state']}{', provisional' if found['provisional'] else ''}, {leads}", stations, [*waits, *aside])


async def named(connection: Connection, text: str) -> list[UUID]:
    """By the id of an event that routing read, or of one by which it told a force."""
    return [row["referral_id"] for row in await by_event(connection, _BY_EVENT, text, uuid_in(text))]


async def passed(connection: Connection, first: UUID, last: UUID) -> Mapping[str, set[UUID]]:
    """Which referrals with an id from `first` to before `last` came to each stage here; `sent` has gone to a force."""
    routed = {row["referral_id"] for row in await connection.fetch(_ROUTED, first, last)}
    return {"routed": routed, "sent": {row["referral_id"] for row in await connection.fetch(_SENT, first, last)}}
