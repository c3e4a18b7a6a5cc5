"""What is asked of the databases when the console is rebuilt: how it stands, and what it would be built from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conduit_chassis.postgres import Connection, the_row
from conduit_contracts.ids import first_of

_CASES = "SELECT count(*) AS cases, min(begun_at) AS first FROM cases"
_UNDER_WAY = "SELECT rebuild_id, actor, begun_at FROM rebuilds WHERE ended_at IS NULL"
_SOURCES = """
SELECT service, taken, ended_at IS NOT NULL AS ended FROM rebuild_sources WHERE rebuild_id = $1 ORDER BY service
"""
_HELD = "SELECT count(*) AS number FROM held_facts"
_BEGIN = "SELECT begin_rebuild($1, $2, $3, $4::text[], $5)"
_KEPT = "SELECT since, (SELECT coalesce(max(id), 0) FROM facts) AS facts FROM keeping_facts"


class KeptFacts(NamedTuple):
    """What one service can say once more."""

    since: datetime
    """What it told before is not kept."""
    facts: int


class RebuildProgress(NamedTuple):
    """How far a rebuild is."""

    rebuild_id: UUID
    actor: str
    begun_at: datetime
    taken: Mapping[str, int]
    """How many facts of each service are back."""
    lacking: tuple[str, ...]
    """The services whose facts are not all back."""
    held: int
    """Facts that came meanwhile and wait for those."""
    ended_at: datetime | None = None


class ConsoleCopy(NamedTuple):
    """What the console holds now."""

    cases: int
    first: datetime | None
    under_way: RebuildProgress | None


async def kept(connection: Connection) -> KeptFacts:
    """Of a service that keeps facts."""
    row = await the_row(connection, _KEPT)
    return KeptFacts(row["since"], row["facts"])


async def copy_of(connection: Connection) -> ConsoleCopy:
    """Of the console."""
    row, under_way = await the_row(connection, _CASES), await connection.fetchrow(_UNDER_WAY)
    return ConsoleCopy(
        row["cases"], row["first"], await progress(connection, under_way["rebuild_id"]) if under_way else None
    )


async def progress(connection: Connection, rebuild_id: UUID) -> RebuildProgress:
    """How far this rebuild is."""
    about = await the_row(connection, "SELECT actor, begun_at, ended_at FROM rebuilds WHERE rebuild_id = $1", rebuild_id)
    sources = await connection.fetch(_SOURCES, rebuild_id)
    return RebuildProgress(
        rebuild_id,
        about["actor"],
        about["begun_at"],
        {row["service"]: row["taken"] for row in sources},
        tuple(row["service"] for row in sources if not row["ended"]),
        (await the_row(connection, _HELD))["number"],
        about["ended_at"],
    )


async def begin(
    connection: Connection, rebuild_id: UUID, *, actor: str, reason: str, services: Iterable[str], since: datetime
) -> None:
    """Empty the console's copy of the cases of which all facts are kept, and write down that it is rebuilt."""
    await connection.execute(_BEGIN, rebuild_id, actor, reason, list(services), first_of(since))
