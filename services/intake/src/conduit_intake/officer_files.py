"""All SQL of what the hub's officers may fetch: any file that was checked. Whose case is whose to see, the console knows."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conduit_chassis.postgres import Connection

_FETCH = """
SELECT media_type, content FROM attachments WHERE referral_id = $1 AND attachment_id = $2 AND state = 'available' FOR SHARE
"""
_TELL = """
INSERT INTO history (referral_id, attachment_id, at, actor, what, why, partner_id)
SELECT referral_id, $2, $3, $4, 'attachment_consulted', '', partner_id FROM referrals WHERE referral_id = $1
"""


class CheckedFile(NamedTuple):
    """A file that was validated and scanned."""

    media_type: str
    content: bytes


async def fetch(
    connection: Connection, officer_id: str, referral_id: UUID, attachment_id: UUID, now: datetime
) -> CheckedFile | None:
    """The file, with a line of history in the same transaction; None where it was not checked, or there is none."""
    row = await connection.fetchrow(_FETCH, referral_id, attachment_id)
    if row is None:
        return None
    await connection.execute(_TELL, referral_id, attachment_id, now, f"officer:{officer_id}")
    return CheckedFile(**row)
