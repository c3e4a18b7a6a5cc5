"""All SQL of what the hub's officers may fetch: any file that was checked. Whose case is whose to see, the console knows."""

from datetime import datetime
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_intake.attachments import File, tell

_FETCH = """
SELECT media_type, content FROM attachments WHERE referral_id = $1 AND attachment_id = $2 AND state = 'available' FOR SHARE
"""


async def fetch(
    connection: Connection, officer_id: str, referral_id: UUID, attachment_id: UUID, now: datetime
) -> File | None:
    """The file, with a line of history in the same transaction; None where it was not checked, or there is none."""
    row = await connection.fetchrow(_FETCH, referral_id, attachment_id)
    if row is None:
        return None
    await tell(connection, referral_id, attachment_id, now, f"officer:{officer_id}", "attachment_consulted")
    return File(**row)
