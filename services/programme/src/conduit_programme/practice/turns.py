"""Whose turn it is in practice questions, since when and until when: what stands above each side's pages, and in its lists.

It is the hub's turn until it calls something the answer, a force's until it writes for the first time, and the partner's
where somebody wrote after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_chassis.postgres import Connection
from conduit_programme.insight.rules import end_of
from conduit_web.people import Person
from conduit_web.words import N_

MINE, NOBODYS = N_("Practice questions that you have: %(number)d"), N_("Practice questions that nobody has: %(number)d")
OTHERS = N_("Practice questions that other officers have: %(number)d")
TO_READ = N_("Questions to which somebody wrote, for you to read: %(number)d")
AT_HUB = N_("Questions that wait for the hub: %(number)d")
AT_FORCE = N_("Practice questions that wait for your force: %(number)d")
_SINCE = """
CROSS JOIN LATERAL (
    SELECT min(written_at) FILTER (WHERE NOT by_partner AND number > asked) AS partner_since,
        coalesce(min(written_at) FILTER (WHERE by_partner AND number > answered), max(written_at) FILTER (WHERE by_partner))
            AS hub_since
    FROM (
        SELECT number, written_at, side LIKE 'partner.%' AS by_partner,
            max(number) FILTER (WHERE side LIKE 'partner.%') OVER () AS asked,
            coalesce(max(number) FILTER (WHERE answers) OVER (), 0) AS answered
        FROM practice_messages WHERE practice_messages.question_id = practice_questions.question_id
    ) AS said
) AS turn
"""
_TURNS = f"""
SELECT question_id, CASE WHEN waits_until IS NOT NULL THEN hub_since END AS hub_since,
    CASE WHEN outcome IS NULL THEN partner_since END AS partner_since
FROM practice_questions {_SINCE} WHERE question_id = ANY($1::uuid[])
"""  # noqa: S608 - constants
_COUNTED = "count(*) AS number, count(*) FILTER (WHERE until < $1) AS late, min(since) AS since, min(until) AS until"
_OF_HUB = f"""
SELECT whose, {_COUNTED} FROM (
    SELECT CASE WHEN held_by IS NULL THEN 'nobodys' WHEN held_by = $2 THEN 'mine' ELSE 'others' END AS whose,
        waits_until AS until, hub_since AS since
    FROM practice_questions {_SINCE} WHERE waits_until IS NOT NULL
) AS waiting GROUP BY whose
"""  # noqa: S608 - constants
_OF_PARTNER = f"""
SELECT whose, {_COUNTED} FROM practice_questions {_SINCE} CROSS JOIN LATERAL (
    SELECT 'to_read' AS whose, partner_since AS since, NULL::date AS until WHERE partner_since IS NOT NULL
    UNION ALL SELECT 'at_hub', hub_since, waits_until WHERE waits_until IS NOT NULL
) AS waiting WHERE partner_id = $2 AND outcome IS NULL GROUP BY whose
"""  # noqa: S608 - constants
_OF_FORCE = f"""
SELECT 'at_force' AS whose, {_COUNTED} FROM (
    SELECT answer_by AS until, brought_at AS since FROM practice_forces JOIN practice_questions USING (question_id)
    WHERE force_id = $2 AND answer_by IS NOT NULL AND outcome IS NULL
) AS waiting HAVING count(*) > 0
"""  # noqa: S608 - constants
_LINES: Mapping[str, tuple[str, str]] = {
    "mine": (MINE, "/practice-questions"),
    "nobodys": (NOBODYS, "/practice-questions"),
    "others": (OTHERS, "/practice-questions"),
    "to_read": (TO_READ, "/our-questions"),
    "at_hub": (AT_HUB, "/our-questions"),
    "at_force": (AT_FORCE, "/questions-to-us"),
}
"""Of each, what is said of it and where it is, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class PracticeTurn:
    """Since when a question waits for the hub, and for its partner; None where it does not."""

    hub_since: datetime | None
    partner_since: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingQuestions:
    """Questions that wait for somebody, as a line of a page says it."""

    words: str
    address: str
    number: int
    late: int
    since: datetime
    """Since when the first of them waits."""
    until: date | None
    """By when the most pressing one is to be answered, where there is such a day."""

    def late_from(self, zone: ZoneInfo) -> datetime | None:
        """The moment from which that is late."""
        return end_of(self.until, zone) if self.until else None


async def turns(connection: Connection, question_ids: Iterable[UUID]) -> Mapping[UUID, PracticeTurn]:
    """Whose turn it is in each of these."""
    rows = await connection.fetch(_TURNS, list(question_ids))
    return {row["question_id"]: PracticeTurn(row["hub_since"], row["partner_since"]) for row in rows}


async def waiting_for(connection: Connection, person: Person, today: date) -> list[WaitingQuestions]:
    """What waits, for whoever this is: their own first."""
    statement, who = _OF_HUB, person.person_id
    if person.partner_id:
        statement, who = _OF_PARTNER, person.partner_id
    elif person.force_id:
        statement, who = _OF_FORCE, person.force_id
    found = {row["whose"]: dict(row) for row in await connection.fetch(statement, today, who)}
    lines = [(words, address, found[whose]) for whose, (words, address) in _LINES.items() if whose in found]
    return [
        WaitingQuestions(words, address, row["number"], row["late"], row["since"], row["until"])
        for words, address, row in lines
    ]
