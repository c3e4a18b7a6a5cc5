"""What officers sent of late that no line of the case's timeline follows from yet. No content."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from conduit_chassis.postgres import Connection

COMMAND = "command_id, referral_id, officer_id, decision, sent_at, seen_until"
HOLDS = timedelta(minutes=5)
"""For so long what was sent keeps its question from being asked again: the hub's rules take seconds."""
_TOLD = timedelta(days=1)
"""For so long it is said that it waits. An earlier release may have answered what is older without saying to what."""
_UNANSWERED = f"""
SELECT {COMMAND} FROM sent_commands AS sent WHERE referral_id = ANY($1) AND sent_at > $2 AND NOT EXISTS (
    SELECT FROM timeline WHERE timeline.referral_id = sent.referral_id AND timeline.command_id = sent.command_id::text
) ORDER BY sent_at DESC LIMIT 200
"""  # noqa: S608 - constants


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

    @property
    def holds_until(self) -> datetime:
        """Until when nobody is asked for an answer to the same question."""
        return self.sent_at + HOLDS


async def unanswered(connection: Connection, referral_ids: Collection[UUID], now: datetime) -> list[SentCommand]:
    """What waits for the hub's rules of these cases, the newest first."""
    rows = await connection.fetch(_UNANSWERED, referral_ids, now - _TOLD)
    return [SentCommand(**row) for row in rows]


def holding(sent: Iterable[SentCommand], now: datetime) -> list[str]:
    """The codes of those decisions that were sent so lately that nobody is asked for another answer."""
    return [each.decision for each in sent if each.holds_until > now]
