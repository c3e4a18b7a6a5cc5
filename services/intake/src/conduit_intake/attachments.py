"""All SQL of attachments. Each step names the state it starts from, so that two processes cannot decide one twice."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from conduit_chassis.postgres import Connection, Queryable, affected, insert, the_row

_SELECT = """
SELECT attachment_id, referral_id, media_type, size, sha256, state, reason, attempts, received_at, decided_at
FROM attachments
"""
_REFERRAL = """
SELECT withdrawn_at IS NOT NULL AS withdrawn,
       EXISTS (SELECT FROM partners WHERE partner_id = $2 AND suspended) AS suspended
FROM referrals WHERE referral_id = $1 AND partner_id = $2 FOR UPDATE
"""
_COUNT = "SELECT count(*) FROM attachments WHERE referral_id = $1"
_TWIN = _SELECT + "WHERE referral_id = $1 AND sha256 = $2 AND media_type = $3"
_OF = _SELECT + "WHERE referral_id = $1 ORDER BY attachment_id"
_ONE = _SELECT + "WHERE referral_id = $1 AND attachment_id = $2"
_CLAIM = """
UPDATE attachments SET attempts = attempts + 1, next_attempt_at = $1::timestamptz + $2::interval * least(attempts + 1, 5)
WHERE attachment_id = (
    SELECT attachment_id FROM attachments WHERE state = 'pending' AND next_attempt_at <= $1
    ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING attachment_id, referral_id, media_type, size, sha256, content
"""
_LOCK = "SELECT partner_id FROM referrals WHERE referral_id = $1 FOR UPDATE"
_DECIDE = """
UPDATE attachments SET state = $2, reason = $3, decided_at = $4, next_attempt_at = NULL,
    content = CASE WHEN $2 = 'available' THEN content END
WHERE attachment_id = $1 AND state = 'pending'
"""
_WAITING = """
SELECT count(*) AS waiting, coalesce(extract(epoch FROM $1::timestamptz - min(received_at)), 0)::float8 AS seconds
FROM attachments WHERE state = 'pending'
"""
_TELL = """
INSERT INTO history (referral_id, attachment_id, at, actor, what, why, partner_id, force_id)
SELECT referral_id, $2, $3, $4, $5, '', partner_id, $6 FROM referrals WHERE referral_id = $1
"""

PENDING = "pending"
AVAILABLE, THREAT_FOUND, VALIDATION_FAILED = "available", "threat_found", "validation_failed"


class Attachment(NamedTuple):
    """An attachment without its content."""

    attachment_id: UUID
    referral_id: UUID
    media_type: str
    size: int
    sha256: bytes
    state: str
    reason: str | None
    attempts: int
    received_at: datetime
    decided_at: datetime | None


class ClaimedAttachment(NamedTuple):
    """A pending attachment whose turn it is."""

    attachment_id: UUID
    referral_id: UUID
    media_type: str
    size: int
    sha256: bytes
    content: bytes


class File(NamedTuple):
    """Its content."""

    media_type: str
    content: bytes


class Note(NamedTuple):
    """A row of history about an attachment. `why` is a code."""

    referral_id: UUID
    attachment_id: UUID
    at: datetime
    actor: str
    what: str
    why: str
    event_id: str | None
    partner_id: str


class Found(NamedTuple):
    """The partner's referral, locked."""

    withdrawn: bool
    suspended: bool
    """The partner."""


async def lock_referral(connection: Connection, partner_id: str, referral_id: UUID) -> Found | None:
    """The partner's referral, locked until the transaction ends; None where there is none, or it is another's."""
    row = await connection.fetchrow(_REFERRAL, referral_id, partner_id)
    return Found(**row) if row else None


async def count(connection: Connection, referral_id: UUID) -> int:
    """How many a referral has, refused ones included."""
    number: int = await connection.fetchval(_COUNT, referral_id)
    return number


async def twin(connection: Connection, referral_id: UUID, digest: bytes, media_type: str) -> Attachment | None:
    """The referral's attachment of the same content and type."""
    row = await connection.fetchrow(_TWIN, referral_id, digest, media_type)
    return Attachment(**row) if row else None


async def add(connection: Connection, claimed: ClaimedAttachment, partner_id: str, now: datetime) -> Attachment:
    """Store a new attachment, to be validated and scanned."""
    columns = (*ClaimedAttachment._fields, "state", "received_at", "next_attempt_at")
    await insert(connection, "attachments", columns, [(*claimed, PENDING, now, now)])
    actor = f"partner:{partner_id}"
    await note(connection, Note(claimed.referral_id, claimed.attachment_id, now, actor, "attached", "", None, partner_id))
    return Attachment(
        attachment_id=claimed.attachment_id,
        referral_id=claimed.referral_id,
        media_type=claimed.media_type,
        size=claimed.size,
        sha256=claimed.sha256,
        state=PENDING,
        reason=None,
        attempts=0,
        received_at=now,
        decided_at=None,
    )


async def of_referral(connection: Connection, referral_id: UUID) -> list[Attachment]:
    """A referral's attachments. Ask for the referral first: this does not know the partner."""
    return [Attachment(**row) for row in await connection.fetch(_OF, referral_id)]


async def one(connection: Connection, referral_id: UUID, attachment_id: UUID) -> Attachment | None:
    """One of a referral's attachments. Ask for the referral first."""
    row = await connection.fetchrow(_ONE, referral_id, attachment_id)
    return Attachment(**row) if row else None


async def claim(connection: Connection, now: datetime, lease: timedelta) -> ClaimedAttachment | None:
    """Take the attachment that has waited longest for its turn. Its next turn comes after the lease, later each time."""
    row = await connection.fetchrow(_CLAIM, now, lease)
    return ClaimedAttachment(**row) if row else None


async def lock(connection: Connection, referral_id: UUID) -> str:
    """Lock an attachment's referral, so that its events keep their order; returns its partner."""
    partner_id: str = await connection.fetchval(_LOCK, referral_id)
    return partner_id


async def decide(connection: Connection, attachment_id: UUID, state: str, reason: str | None, now: datetime) -> bool:
    """End the wait; content that is refused goes. False where somebody else was first."""
    return affected(await connection.execute(_DECIDE, attachment_id, state, reason, now)) == 1


async def note(connection: Connection, row: Note) -> None:
    """Write into history what became of an attachment."""
    await insert(connection, "history", Note._fields, [row])


async def tell(
    connection: Connection,
    referral_id: UUID,
    attachment_id: UUID,
    now: datetime,
    actor: str,
    what: str,
    force_id: str | None = None,
) -> None:
    """Write into history what was done with an attachment that was checked: opened, closed or fetched."""
    await connection.execute(_TELL, referral_id, attachment_id, now, actor, what, force_id)


async def waiting(connection: Queryable, now: datetime) -> tuple[int, float]:
    """How many are pending, and for how many seconds the oldest of them."""
    row = await the_row(connection, _WAITING, now)
    return row["waiting"], row["seconds"]
