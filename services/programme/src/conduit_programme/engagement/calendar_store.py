"""Addresses of calendars. What is kept is a hash, so that whoever reads the table can fetch no calendar."""

from dataclasses import dataclass
from datetime import datetime

from conduit_chassis.postgres import Connection, affected
from conduit_web.opaque import hashed

# Of two presses at once the second waits here, so that one address is left, which is the one that is shown last.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('programme.calendar ' || $1, 0))"
_REVOKE = "UPDATE calendars SET revoked_at = $2 WHERE account = $1 AND revoked_at IS NULL"
_MAKE = "INSERT INTO calendars (token_hash, account, made_at) VALUES ($1, $2, $3)"
_WHOSE = "SELECT account, made_at FROM calendars WHERE token_hash = $1 AND revoked_at IS NULL"
_MADE_AT = "SELECT made_at FROM calendars WHERE account = $1 AND revoked_at IS NULL"


@dataclass(frozen=True, slots=True)
class CalendarAddress:
    """Whose it is, and since when."""

    account: str
    made_at: datetime


async def make(connection: Connection, account: str, secret: str, now: datetime) -> None:
    """From now on this secret leads to the person's calendar, and none before it does."""
    await connection.execute(_LOCK, account)
    await revoke(connection, account, now)
    await connection.execute(_MAKE, hashed(secret), account, now)


async def revoke(connection: Connection, account: str, now: datetime) -> bool:
    """No address leads to the person's calendar any more; False where none did."""
    return affected(await connection.execute(_REVOKE, account, now)) > 0


async def find(connection: Connection, secret: str) -> CalendarAddress | None:
    """To whose calendar a secret leads."""
    row = await connection.fetchrow(_WHOSE, hashed(secret))
    return CalendarAddress(**row) if row else None


async def made_at(connection: Connection, account: str) -> datetime | None:
    """Since when the person's calendar has an address."""
    found: datetime | None = await connection.fetchval(_MADE_AT, account)
    return found
