"""The notices that wait, and those that the hub gave up on. Of content it names nothing."""

from datetime import timedelta

from conduit_chassis.outstanding import Outstanding
from conduit_chassis.postgres import Connection

_QUEUED = """
SELECT CASE WHEN urgent THEN 'urgent' ELSE '' END AS priority, concat(channel, ': ', template) AS what, audience AS who,
       referral_id, created_at AS since, next_attempt_at AS due, concat('tried ', attempts, ' times') AS about
FROM notices WHERE state = 'queued' ORDER BY urgent DESC, created_at LIMIT $1
"""
_FAILED = """
SELECT CASE WHEN urgent THEN 'urgent' ELSE '' END AS priority, concat(channel, ': ', template) AS what, audience AS who,
       referral_id, created_at AS since, concat('given up: ', code) AS about
FROM notices WHERE state = 'failed' AND finished_at > now() - $2::interval ORDER BY urgent DESC, finished_at DESC LIMIT $1
"""


async def queued(connection: Connection, most: int) -> list[Outstanding]:
    """Those that are still to be sent, urgent ones first."""
    return [Outstanding(**row) for row in await connection.fetch(_QUEUED, most)]


async def failed(connection: Connection, most: int, within: timedelta) -> list[Outstanding]:
    """Those that the hub gave up on of late: their receivers were not told in this way."""
    return [Outstanding(**row) for row in await connection.fetch(_FAILED, most, within)]
