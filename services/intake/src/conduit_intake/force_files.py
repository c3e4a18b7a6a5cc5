"""All SQL of what forces may fetch. An attachment is open to one force at a time, as routing says, or to none."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conduit_chassis.postgres import Connection, affected
from conduit_intake.attachments import File, tell

_OPEN = """
UPDATE attachments SET opened_to = $2
WHERE attachment_id = $1 AND state = 'available' AND opened_to IS DISTINCT FROM $2
"""
_CLOSE = "UPDATE attachments SET opened_to = NULL WHERE attachment_id = $1 AND opened_to = $2"
_OF = """
SELECT attachment_id, referral_id, media_type, size, sha256 FROM attachments
WHERE referral_id = $1 AND opened_to = $2 ORDER BY attachment_id
"""
_FETCH = """
SELECT media_type, content FROM attachments
WHERE referral_id = $1 AND attachment_id = $2 AND opened_to = $3 FOR SHARE
"""

ROUTING = "routing"


class Opening(NamedTuple):
    """Routing's word on who may fetch an attachment: from now on this force, or this force no longer."""

    referral_id: UUID
    attachment_id: UUID
    force_id: str
    opens: bool


class Open(NamedTuple):
    """An attachment that a force may fetch, without its content."""

    attachment_id: UUID
    referral_id: UUID
    media_type: str
    size: int
    sha256: bytes


async def put(connection: Connection, openings: Iterable[Opening], now: datetime) -> None:
    """Open and close, in the order in which it was said. What is so already leaves no trace."""
    for each in openings:
        if affected(await connection.execute(_OPEN if each.opens else _CLOSE, each.attachment_id, each.force_id)):
            what = "attachment_opened" if each.opens else "attachment_closed"
            await tell(connection, each.referral_id, each.attachment_id, now, ROUTING, what, each.force_id)


async def open_to(connection: Connection, force_id: str, referral_id: UUID) -> list[Open]:
    """The case's attachments that the force may fetch."""
    return [Open(**row) for row in await connection.fetch(_OF, referral_id, force_id)]


async def fetch(connection: Connection, force_id: str, referral_id: UUID, attachment_id: UUID, now: datetime) -> File | None:
    """The file, with a line of history in the same transaction; None where it is not open to the force."""
    row = await connection.fetchrow(_FETCH, referral_id, attachment_id, force_id)
    if row is None:
        return None
    await tell(connection, referral_id, attachment_id, now, f"force:{force_id}", "attachment_fetched", force_id)
    return File(**row)
