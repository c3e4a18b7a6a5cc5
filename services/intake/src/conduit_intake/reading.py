"""All SQL that shows a partner its own referrals. Every statement names the partner: nothing is found without it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conduit_chassis.postgres import Connection

_COLUMNS = """
SELECT stored.referral_id, stored.partner_reference, stored.received_at, stored.withdrawn_at,
       standing.state, standing.revision, standing.updated_at
FROM referrals AS stored JOIN standings AS standing USING (referral_id)
"""
_ONE = _COLUMNS + "WHERE stored.referral_id = $1 AND stored.partner_id = $2"
_BY_REFERENCE = _COLUMNS + "WHERE stored.partner_id = $1 AND stored.partner_reference = $2"
# Both sides are bounded: whichever is read first, it is read from that place and not from its beginning.
_PAGE = (
    _COLUMNS
    + """
WHERE standing.partner_id = $1 AND stored.partner_id = $1 AND standing.referral_id > $2 AND stored.referral_id > $2
ORDER BY standing.referral_id LIMIT $3
"""
)
# Those in a state may be few: they are found by themselves, and their referrals by them.
_PAGE_IN_STATE = """
WITH standing AS MATERIALIZED (
    SELECT referral_id, state, revision, updated_at FROM standings
    WHERE partner_id = $1 AND state = $2 AND referral_id > $3 ORDER BY referral_id LIMIT $4
)
SELECT stored.referral_id, stored.partner_reference, stored.received_at, stored.withdrawn_at,
       standing.state, standing.revision, standing.updated_at
FROM standing CROSS JOIN LATERAL (
    SELECT referral_id, partner_reference, received_at, withdrawn_at FROM referrals
    WHERE referrals.referral_id = standing.referral_id AND partner_id = $1 LIMIT 1
) AS stored ORDER BY stored.referral_id
"""
_UPDATES = """
WITH newest AS (
    SELECT revision, octet_length(body) AS size FROM updates
    WHERE referral_id = $1 AND revision < $2 ORDER BY revision DESC LIMIT $3
), summed AS (
    SELECT revision, sum(size) OVER (ORDER BY revision DESC) - size AS newer FROM newest
)
SELECT revision, body FROM updates JOIN summed USING (revision) WHERE referral_id = $1 AND newer < $4 ORDER BY revision
"""
_REFERENCE = "SELECT partner_reference FROM referrals WHERE referral_id = $1 AND partner_id = $2"

BEFORE_ALL = UUID(int=0)
FROM_THE_NEWEST = 2**31 - 1
MOST_UPDATES, MOST_BYTES = 500, 500_000
"""Of a referral's updates in one answer, beside one that alone is larger."""


class PublishedUpdate(NamedTuple):
    """An update as it was published."""

    revision: int
    body: bytes


class ReferralStanding(NamedTuple):
    """A referral as its partner may see it."""

    referral_id: UUID
    partner_reference: str
    received_at: datetime
    withdrawn_at: datetime | None
    state: str
    revision: int
    updated_at: datetime


async def one(connection: Connection, partner_id: str, referral_id: UUID) -> ReferralStanding | None:
    """The partner's referral of this id; None where there is none, or where it is another's."""
    row = await connection.fetchrow(_ONE, referral_id, partner_id)
    return ReferralStanding(**row) if row else None


async def by_reference(connection: Connection, partner_id: str, reference: str) -> ReferralStanding | None:
    """The partner's referral of its own reference."""
    row = await connection.fetchrow(_BY_REFERENCE, partner_id, reference)
    return ReferralStanding(**row) if row else None


async def page(
    connection: Connection, partner_id: str, state: str | None, after: UUID, limit: int
) -> list[ReferralStanding]:
    """The partner's referrals in the order in which they were received, from the one after `after`.

    Their ids are made in that order, to the millisecond.
    """
    asked = (_PAGE, partner_id) if state is None else (_PAGE_IN_STATE, partner_id, state)
    return [ReferralStanding(**row) for row in await connection.fetch(*asked, after, limit)]


async def updates(connection: Connection, referral_id: UUID, before: int = FROM_THE_NEWEST) -> list[PublishedUpdate]:
    """What the partner was told of a referral, by revision; where it is much, the last of it before that revision.

    Ask for the referral first: this does not know the partner.
    """
    rows = await connection.fetch(_UPDATES, referral_id, before, MOST_UPDATES, MOST_BYTES)
    return [PublishedUpdate(row["revision"], row["body"]) for row in rows]


async def reference_of(connection: Connection, partner_id: str, referral_id: UUID) -> str | None:
    """The partner's reference of its referral."""
    reference: str | None = await connection.fetchval(_REFERENCE, referral_id, partner_id)
    return reference
