"""What officers leave behind at the console: views, claims, names for restricted cases, remembered filters.

Each is one transaction with its own line among the acts. A view's line is committed before what is viewed is shown: call
`consult` first, and show nothing if it fails.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from conduit_chassis import postgres
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, Pool
from conduit_console import claims
from conduit_contracts.console import GlassBroken
from conduit_contracts.topics import CONSOLE_ACTS
from conduit_web.access import may_name
from conduit_web.acts import ActKind

Transactions = Callable[[], AbstractAsyncContextManager[tuple[Connection, Outbox]]]
"""The service's own: what they publish is sent once they are committed."""

_ACT = """
INSERT INTO acts (at, officer_id, kind, what, referral_id, why, about) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_LOCK = "SELECT version FROM cases WHERE referral_id = $1 FOR UPDATE"
_VERSION = "SELECT version FROM cases WHERE referral_id = $1"
_READ = """
INSERT INTO readings AS read (referral_id, officer_id, seen_at, seen_version) VALUES ($1, $2, $3, $4)
ON CONFLICT (referral_id, officer_id) DO UPDATE SET seen_at = excluded.seen_at, seen_version = excluded.seen_version,
    before_at = CASE WHEN read.seen_at < $5 THEN read.seen_at ELSE read.before_at END,
    before_version = CASE WHEN read.seen_at < $5 THEN read.seen_version ELSE read.before_version END
"""
_CLAIM = """
INSERT INTO claims (referral_id, officer_id, claimed_at) VALUES ($1, $2, $3) ON CONFLICT (referral_id) DO NOTHING
"""
_GIVE = """
INSERT INTO claims (referral_id, officer_id, claimed_at) VALUES ($1, $2, $3)
ON CONFLICT (referral_id) DO UPDATE SET officer_id = excluded.officer_id, claimed_at = excluded.claimed_at
"""
_WHO_HAS = "SELECT officer_id, claimed_at FROM claims WHERE referral_id = $1"
_HAND_BACK = "DELETE FROM claims WHERE referral_id = $1 AND officer_id = $2 RETURNING officer_id"
_MARK = "UPDATE questions SET claimed_by = $2 WHERE referral_id = $1"
_NAME = """
INSERT INTO officers_named AS known (referral_id, officer_id, named_by, named_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (referral_id, officer_id) DO UPDATE SET named_by = excluded.named_by, named_at = excluded.named_at
WHERE known.officer_id = known.named_by
"""
_REMEMBER = """
INSERT INTO filters (officer_id, list, filter, remembered_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (officer_id, list) DO UPDATE SET filter = excluded.filter, remembered_at = excluded.remembered_at
"""
_REMEMBERED = "SELECT filter FROM filters WHERE officer_id = $1 AND list = $2"


MOST_FILTER = 2_000
"""Characters of a remembered filter, as the table has it."""
STILL_READING = timedelta(minutes=5)
"""Whoever looked at a case so long ago or less is taken to be reading it."""


class ShutToThemError(Exception):
    """The case is restricted, and not open to the officer: it would be in the hands of somebody who cannot read it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has a case in hand."""

    officer_id: str
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class DeskAct:
    """What somebody did: codes and ids, never anybody's words."""

    kind: ActKind
    what: str
    referral_id: UUID | None = None
    why: str | None = None
    about: str | None = None
    """Whom or what else it concerns, such as the officer that a case was given to."""


async def note(connection: Connection, officer_id: str, act: DeskAct, now: datetime) -> None:
    """Write who did what, in the caller's transaction."""
    values = (act.kind.value, act.what, act.referral_id, act.why, act.about)
    await connection.execute(_ACT, now, officer_id, *values)


async def lock(connection: Connection, referral_id: UUID) -> int | None:
    """Lock a case until the caller's transaction ends; how many lines its timeline has, None where there is no such case."""
    version: int | None = await connection.fetchval(_LOCK, referral_id)
    return version


async def consult(pool: Pool, referral_id: UUID, officer_id: str, now: datetime) -> bool:
    """Note that an officer looks at a case, committed when this returns; False where there is no such case."""
    act = DeskAct(ActKind.CONSULTATION, "viewed_case", referral_id)
    async with postgres.transaction(pool) as connection:
        return await _consult(connection, referral_id, officer_id, act, now)


async def _consult(connection: Connection, referral_id: UUID, officer_id: str, act: DeskAct, now: datetime) -> bool:
    version = await connection.fetchval(_VERSION, referral_id)
    if version is None:
        return False
    await note(connection, officer_id, act, now)
    await connection.execute(_READ, referral_id, officer_id, now, version, now - STILL_READING)
    return True


async def look_at_opinions(pool: Pool, referral_id: UUID, officer_id: str, now: datetime) -> None:
    """Note that an officer reads second opinions of a case, committed when this returns: none is read before.

    It is no look at the case: what is new there to this officer stays new.
    """
    async with postgres.transaction(pool) as connection:
        await note(connection, officer_id, DeskAct(ActKind.CONSULTATION, "read_opinions", referral_id), now)


async def look_at_file(pool: Pool, referral_id: UUID, attachment_id: UUID, officer_id: str, now: datetime) -> None:
    """Note that an officer fetches a file, committed when this returns: nothing is fetched before."""
    async with postgres.transaction(pool) as connection:
        act = DeskAct(ActKind.CONSULTATION, "fetched_file", referral_id, about=str(attachment_id))
        await note(connection, officer_id, act, now)


async def claim(pool: Pool, referral_id: UUID, officer_id: str, now: datetime) -> Claim | None:
    """Take a case in hand; returns who has it, which is another officer who was first. None where nobody has: there is no
    such case, or it has been shut to this officer since."""
    async with postgres.transaction(pool) as connection:
        if await lock(connection, referral_id) is None:
            return None
        shut = await claims.is_shut(connection, referral_id, officer_id)
        if not shut and await _did(connection, _CLAIM, referral_id, officer_id, now):
            await connection.execute(_MARK, referral_id, officer_id)
            await note(connection, officer_id, DeskAct(ActKind.ALTERATION, "claimed", referral_id), now)
        row = await connection.fetchrow(_WHO_HAS, referral_id)
    return Claim(row["officer_id"], row["claimed_at"]) if row else None


async def hand_back(pool: Pool, referral_id: UUID, officer_id: str, now: datetime) -> bool:
    """Give up a case; False where this officer does not have it."""
    async with postgres.transaction(pool) as connection:
        if await lock(connection, referral_id) is None:
            return False
        if await connection.fetchval(_HAND_BACK, referral_id, officer_id) is None:
            return False
        await connection.execute(_MARK, referral_id, None)
        await note(connection, officer_id, DeskAct(ActKind.ALTERATION, "handed_back", referral_id), now)
    return True


async def reassign(pool: Pool, referral_id: UUID, to_officer: str, by: str, now: datetime) -> bool:
    """A supervisor gives a case to an officer, whoever had it; False where there is no such case.

    Raises:
        ShutToThemError: the officer could neither read it nor give it back.
    """
    async with postgres.transaction(pool) as connection:
        if await lock(connection, referral_id) is None:
            return False
        if await claims.is_shut(connection, referral_id, to_officer):
            raise ShutToThemError
        await connection.execute(_GIVE, referral_id, to_officer, now)
        await connection.execute(_MARK, referral_id, to_officer)
        await note(connection, by, DeskAct(ActKind.ALTERATION, "reassigned", referral_id, about=to_officer), now)
    return True


async def name_officer(pool: Pool, referral_id: UUID, officer_id: str, by: str, now: datetime) -> bool:
    """Open a restricted case to an officer; False where there is no such case.

    Raises:
        ValueError: `by` is the officer.
    """
    if not may_name(by, officer_id):
        raise ValueError("nobody opens a restricted case to themselves")
    async with postgres.transaction(pool) as connection:
        if await connection.fetchval(_VERSION, referral_id) is None:
            return False
        await connection.execute(_NAME, referral_id, officer_id, by, now)
        await note(connection, by, DeskAct(ActKind.ALTERATION, "named_officer", referral_id, about=officer_id), now)
    return True


async def break_glass(
    transactions: Transactions, referral_id: UUID, officer_id: str, why: str, now: datetime, lasts: timedelta
) -> bool:
    """Open a restricted case without being named for it, and have a supervisor told; False where there is no such case.

    `why` is a code.
    """
    act = DeskAct(ActKind.CONSULTATION, "broke_glass", referral_id, why)
    async with transactions() as (connection, outbox):
        if not await _consult(connection, referral_id, officer_id, act, now):
            return False
        broken = GlassBroken(referral_id=referral_id, officer_id=officer_id, reason=why, open_until=now + lasts)
        outbox.publish(CONSOLE_ACTS.name(), str(referral_id), broken, subject=str(referral_id))
    return True


async def remember(pool: Pool, officer_id: str, name: str, narrowed: Mapping[str, str], now: datetime) -> None:
    """Keep how an officer narrowed a list; what is longer than any filter is not kept."""
    text = json.dumps(narrowed)
    if len(text) <= MOST_FILTER:
        async with postgres.transaction(pool) as connection:
            await connection.execute(_REMEMBER, officer_id, name, text, now)


async def remembered(connection: Connection, officer_id: str, name: str) -> dict[str, str]:
    """How an officer narrowed a list last; empty where they never did."""
    found = await connection.fetchval(_REMEMBERED, officer_id, name)
    read: dict[str, str] = json.loads(found) if found else {}
    return read


async def _did(connection: Connection, statement: str, *values: object) -> bool:
    return postgres.affected(await connection.execute(statement, *values)) > 0
