"""What an officer sent, and what came of it. No content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_console.queries.case import TimelineStep, steps_of_command, steps_since
from conduit_console.queries.unanswered import COMMAND, SentCommand
from conduit_console.work import CLOCK, by_officer

_FIND = f"SELECT {COMMAND} FROM sent_commands WHERE command_id = $1"  # noqa: S608 - constants
_ANSWERS = frozenset({"command_ignored", "command_refused"})
_NEWS = """
SELECT EXISTS (
    SELECT FROM timeline WHERE referral_id = $1 AND {since} AND actor <> ALL($2::text[]) AND what <> ALL($3::text[])
)
"""
_HELD_UP = _NEWS.format(since="ordered_at > $4")
# A line that the previous release wrote has no number: its time says whether it is new.
_UNREAD = _NEWS.format(since="coalesce(version > $4, ordered_at > $5)")
_OVER_NEWS = "command_outdated"


class CameOf(StrEnum):
    """What came of a command."""

    WAITS = "waits"
    TOOK_EFFECT = "took_effect"
    CHANGED_NOTHING = "changed_nothing"


@dataclass(frozen=True, slots=True)
class WhatCame:
    """What came of a decision."""

    came: CameOf
    at: datetime | None = None
    why: tuple[str, ...] = ()
    """Codes: why it changed nothing, or what was new where it took effect over that."""
    over_news: bool = False


async def sent_command(connection: Connection, command_id: UUID) -> SentCommand | None:
    """What was sent under this id."""
    row = await connection.fetchrow(_FIND, command_id)
    return SentCommand(**row) if row else None


async def news_since(connection: Connection, sent: SentCommand) -> list[TimelineStep]:
    """What the case's timeline has since the officer's page, oldest first."""
    return await steps_since(connection, sent.referral_id, sent.seen_until)


def others(sent: SentCommand, steps: Sequence[TimelineStep]) -> list[TimelineStep]:
    """The lines without what the officer is told of the command: that stands above them."""
    told, me = {*_ANSWERS, _OVER_NEWS}, by_officer(sent.officer_id)
    return [each for each in steps if each.what not in told or each.actor != me]


async def holds_up(connection: Connection, referral_id: UUID, since: datetime, officer_id: str) -> bool:
    """Whether others did something since over which the hub's rules hold a decision up: not silence, and not what changed
    nothing. However much there is of those, what lies behind them counts."""
    return bool(await connection.fetchval(_HELD_UP, referral_id, *_no_news_to(officer_id), since))


async def has_news(connection: Connection, referral_id: UUID, read: int | None, at: datetime, officer_id: str) -> bool:
    """The same since this officer looked at the case, when it had so many lines: at that time or before."""
    return bool(await connection.fetchval(_UNREAD, referral_id, *_no_news_to(officer_id), read, at))


def _no_news_to(officer_id: str) -> tuple[list[str], list[str]]:
    return [CLOCK, by_officer(officer_id)], sorted(_ANSWERS)


async def outcome_of(connection: Connection, sent: SentCommand) -> WhatCame:
    """What came of it, by the lines that say that they follow from it."""
    mine = await steps_of_command(connection, sent.referral_id, sent.command_id)
    if not mine:
        return WhatCame(CameOf.WAITS)
    if mine[0].what in _ANSWERS:
        return WhatCame(CameOf.CHANGED_NOTHING, mine[0].happened_at, mine[0].why)
    over = next((each for each in mine if each.what == _OVER_NEWS), None)
    why = over.why[1:] if over else ()
    return WhatCame(CameOf.TOOK_EFFECT, mine[0].happened_at, why, over_news=over is not None)
