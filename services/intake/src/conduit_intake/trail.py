"""What intake knows of one referral's way. Of content it names nothing."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_chassis.trail import Station, Trail, Wait, by_event, given_up, put_aside, uuid_in

_REFERRAL = "SELECT partner_id, partner_reference, withdrawn_at FROM referrals WHERE referral_id = $1"
_HISTORY = """
SELECT at, actor, what, coalesce(kind || ' ', '') || why AS why, coalesce(force_id, '') AS about FROM history
WHERE referral_id = $1 ORDER BY id
"""
_UNSCANNED = """
SELECT 'an attachment''s scan' AS what, received_at AS since, attachment_id::text AS about FROM attachments
WHERE referral_id = $1 AND state = 'pending' ORDER BY since
"""
_BY_REFERENCE = """
SELECT referral_id FROM referrals
WHERE partner_id = ANY(ARRAY(SELECT partner_id FROM partners)) AND partner_reference = $1 ORDER BY received_at
"""
_BY_EVENT = """
SELECT DISTINCT referral_id FROM history
WHERE referral_id IS NOT NULL AND (event_id = $1 OR submission_id IN ($1, $2))
"""
_REFUSED = """
SELECT at, actor, what, coalesce(kind || ' ', '') || why AS why, coalesce(partner_reference, '') AS about FROM history
WHERE referral_id IS NULL
    AND (partner_reference = $1 OR event_id = $1 OR submission_id IN ($1, $2))
ORDER BY id
"""
_REFUSALS = """
SELECT partner_id, kind, why, count(*) AS times, max(at) AS last_at FROM history
WHERE what = 'rejected' AND at > now() - $1::interval GROUP BY partner_id, kind, why ORDER BY times DESC, partner_id
"""

_RECEIVED = "SELECT referral_id FROM referrals WHERE referral_id >= $1 AND referral_id < $2"


async def trail(connection: Connection, referral_id: UUID) -> Trail:
    """All that intake knows of this referral."""
    found = await connection.fetchrow(_REFERRAL, referral_id)
    if found is None:
        keys = [str(referral_id)]
        return Trail(stations=await given_up(connection, keys), waits=await put_aside(connection, keys))
    reference = found["partner_reference"]
    keys = [str(referral_id), reference]
    stations = [Station(**row) for row in await connection.fetch(_HISTORY, referral_id)]
    stations += await given_up(connection, keys)
    unscanned = [Wait(**row) for row in await connection.fetch(_UNSCANNED, referral_id)]
    state = f"{'withdrawn' if found['withdrawn_at'] else 'received'} from {found['partner_id']} as {reference}"
    return Trail(state, stations, [*unscanned, *await put_aside(connection, keys)])


async def named(connection: Connection, text: str) -> list[UUID]:
    """By a referral's id, a partner's reference, or the id of an event that intake read or wrote."""
    referral_id = uuid_in(text)
    if referral_id is not None and await connection.fetchrow(_REFERRAL, referral_id) is not None:
        return [referral_id]
    rows = await connection.fetch(_BY_REFERENCE, text) or await by_event(connection, _BY_EVENT, text, _by_http(text))
    return [row["referral_id"] for row in rows]


async def refused(connection: Connection, text: str) -> list[Station]:
    """What was sent under this reference or id and became no referral."""
    return [Station(**row) for row in await by_event(connection, _REFUSED, text, _by_http(text))]


async def refusals(connection: Connection, within: timedelta) -> list[dict[str, Any]]:
    """How often each partner was refused of late, and with which codes; most often first."""
    return [dict(row) for row in await connection.fetch(_REFUSALS, within)]


async def passed(connection: Connection, first: UUID, last: UUID) -> Mapping[str, set[UUID]]:
    """Which referrals with an id from `first` to before `last` came to each stage here."""
    return {"received": {row["referral_id"] for row in await connection.fetch(_RECEIVED, first, last)}}


def _by_http(text: str) -> str:
    """The submission's id as history holds it where it came by HTTP."""
    return f"http/{text}"
