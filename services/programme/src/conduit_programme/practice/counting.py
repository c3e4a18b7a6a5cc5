"""Practice questions in numbers, by quarter and kind. Of no partner and of nobody, and never among referrals."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from zoneinfo import ZoneInfo

from conduit_chassis.postgres import Connection
from conduit_programme.four_ps import Quarter
from conduit_programme.practice.rules import PracticeKind

_COUNTED = """
SELECT kind,
    count(*) AS asked,
    count(*) FILTER (WHERE answered_at < late_from) AS in_time,
    count(*) FILTER (WHERE answered_at >= late_from) AS late,
    count(*) FILTER (WHERE answered_at IS NULL AND outcome IS NULL AND late_from <= $4) AS overdue,
    count(*) FILTER (WHERE answered_at IS NULL AND outcome IS NULL AND late_from > $4) AS not_yet_due,
    count(*) FILTER (WHERE answered_at IS NULL AND outcome IS NOT NULL) AS unanswered,
    count(*) FILTER (WHERE outcome IS NULL) AS still_open,
    count(*) FILTER (WHERE outcome = 'answered') AS answered,
    count(*) FILTER (WHERE outcome = 'referral') AS referral,
    count(*) FILTER (WHERE outcome = 'withdrawn') AS withdrawn,
    count(*) FILTER (WHERE outcome = 'struck') AS struck,
    count(*) FILTER (WHERE had_force OR EXISTS (
        SELECT FROM practice_forces WHERE practice_forces.question_id = asked.question_id)) AS with_force
FROM (
    SELECT question_id, kind, answered_at, outcome, had_force, (due_on + 1)::timestamp AT TIME ZONE $3 AS late_from
    FROM practice_questions WHERE asked_at >= $1 AND asked_at < $2
) AS asked GROUP BY kind
"""
_DANGERS = "SELECT coalesce(sum(number), 0)::integer FROM practice_dangers WHERE on_day BETWEEN $1 AND $2"


@dataclass(frozen=True, slots=True)
class PracticeCounts:
    """What happened to questions of one kind that were asked in a quarter, as it is now."""

    asked: int = 0
    in_time: int = 0
    late: int = 0
    overdue: int = 0
    """Its day has passed, and there is no answer."""
    not_yet_due: int = 0
    unanswered: int = 0
    """It ended without an answer: it was taken back or struck, or became a referral."""
    still_open: int = 0
    answered: int = 0
    referral: int = 0
    withdrawn: int = 0
    struck: int = 0
    with_force: int = 0
    """A force was brought in, however it ended."""


@dataclass(frozen=True, slots=True)
class PracticeQuarter:
    """A quarter's questions, and how often danger was said in place of one."""

    kinds: dict[PracticeKind, PracticeCounts]
    dangers: int

    @property
    def total(self) -> PracticeCounts:
        """Of every kind."""
        return added(tuple(self.kinds.values()))


def added(counts: Sequence[PracticeCounts]) -> PracticeCounts:
    """Several as one. Pure."""
    return PracticeCounts(**{each.name: sum(getattr(one, each.name) for one in counts) for each in fields(PracticeCounts)})


async def counted(connection: Connection, quarter: Quarter, now: datetime, zone: ZoneInfo) -> PracticeQuarter:
    """What was asked in a quarter, as it is now. A kind of which nothing was asked is among it."""
    rows = await connection.fetch(_COUNTED, quarter.begins(zone), quarter.next.begins(zone), zone.key, now)
    found = {row["kind"]: PracticeCounts(**{name: number for name, number in row.items() if name != "kind"}) for row in rows}
    dangers: int = await connection.fetchval(_DANGERS, quarter.first, quarter.last)
    return PracticeQuarter({kind: found.get(kind.value, PracticeCounts()) for kind in PracticeKind}, dangers)
