"""What an officer sent, and what came of it. No content."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_console.queries.case import TimelineStep, steps_since
from conduit_console.work import RULES, by_officer

CLOCKS_APART = timedelta(seconds=5)
"""By how much the broker's clock may be behind the database's. Nobody decides twice in so short a time."""
_FIND = "SELECT command_id, referral_id, officer_id, decision, sent_at, seen_until FROM sent_commands WHERE command_id = $1"
_ANSWERS = frozenset({"command_ignored", "command_refused"})
_OVER_NEWS = "command_outdated"
_BY_RULES = "case_routed"
"""Where a part goes to another force, it may be all that is said."""


class CameOf(StrEnum):
    """What came of a command."""

    WAITS = "waits"
    TOOK_EFFECT = "took_effect"
    CHANGED_NOTHING = "changed_nothing"


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A decision that was sent."""

    command_id: UUID
    referral_id: UUID
    officer_id: str
    decision: str
    sent_at: datetime
    seen_until: datetime
    """Up to when the page knew the case on which the officer decided."""


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


def outcome_of(sent: SentCommand, facts: Collection[str], steps: Sequence[TimelineStep]) -> WhatCame:
    """What came of it, of the lines since the officer's page. `facts` are what its effect may be called."""
    me, since = by_officer(sent.officer_id), sent.sent_at - CLOCKS_APART
    by_me = {me, RULES} if _BY_RULES in facts else {me}
    mine = [each for each in steps if each.ordered_at > since and each.actor in by_me]
    for step in mine:
        if step.what in _ANSWERS:
            return WhatCame(CameOf.CHANGED_NOTHING, step.happened_at, step.why)
        if step.what in facts:
            over = next((each for each in mine if each.what == _OVER_NEWS), None)
            why = over.why[1:] if over else ()
            return WhatCame(CameOf.TOOK_EFFECT, step.happened_at, why, over_news=over is not None)
    return WhatCame(CameOf.WAITS)
