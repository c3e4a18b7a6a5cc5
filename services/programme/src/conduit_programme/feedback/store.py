"""All SQL of hand-overs and of what partners are asked after them. What they say in words is an insight, and not here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, Row, affected
from conduit_contracts.ids import uuid7
from conduit_programme.feedback.rules import ASKED_AFTER, LAPSE, FeedbackAnswer, FeedbackRound, HandoverQuestions

_KNOW = """
INSERT INTO handovers (referral_id, partner_id, handed_over_on, known_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (referral_id) DO NOTHING
"""
_ASK = """
INSERT INTO handover_questions (question_id, referral_id, round, asked_on, lapses_on) VALUES ($1, $2, $3, $4, $5)
"""
_QUESTIONS = """
SELECT question_id, referral_id, partner_id, handed_over_on, round, asked_on, lapses_on, heard_back, was_clear
FROM handover_questions JOIN handovers USING (referral_id)
"""
_FIND = _QUESTIONS + "WHERE question_id = $1"
_OPEN = f"""
{_QUESTIONS} WHERE partner_id = $1 AND answered_on IS NULL AND asked_on <= $2 AND lapses_on >= $2
ORDER BY lapses_on, question_id LIMIT $3
"""
_ASKED = _QUESTIONS + "WHERE asked_on BETWEEN $1 AND $2"
_ANSWER = """
UPDATE handover_questions SET heard_back = $2, was_clear = $3, answered_by = $4, answered_on = $5
WHERE question_id = $1 AND answered_on IS NULL AND asked_on <= $5 AND lapses_on >= $5
"""
MOST_SHOWN = 100
"""So many wait on a page, those first that lapse first. The others come up as these are answered."""


@dataclass(frozen=True, slots=True)
class KnownHandover:
    """That a case of a partner was handed over on a day."""

    referral_id: UUID
    partner_id: str
    on: date


async def know(connection: Connection, handovers: Iterable[KnownHandover], now: datetime) -> None:
    """Both rounds are asked of each, once, however often its case is handed over."""
    for each in sorted(handovers, key=lambda each: each.referral_id):
        if affected(await connection.execute(_KNOW, each.referral_id, each.partner_id, each.on, now)):
            for which, after in ASKED_AFTER.items():
                asked = each.on + after
                await connection.execute(_ASK, uuid7(now), each.referral_id, which.value, asked, asked + LAPSE)


async def find(connection: Connection, question_id: UUID) -> HandoverQuestions | None:
    """The questions of this id."""
    row = await connection.fetchrow(_FIND, question_id)
    return _questions(row) if row else None


async def waiting(connection: Connection, partner_id: str, today: date) -> list[HandoverQuestions]:
    """What this partner can answer now, those first that lapse first."""
    return [_questions(row) for row in await connection.fetch(_OPEN, partner_id, today, MOST_SHOWN)]


async def asked_between(connection: Connection, first: date, last: date) -> list[HandoverQuestions]:
    """What was or will be asked of anybody on these days."""
    return [_questions(row) for row in await connection.fetch(_ASKED, first, last)]


async def answer(
    connection: Connection, question_id: UUID, heard_back: FeedbackAnswer, was_clear: FeedbackAnswer, by: str, on: date
) -> bool:
    """Keep the two codes; False where it was answered before, is not asked yet, or lapsed."""
    return affected(await connection.execute(_ANSWER, question_id, heard_back.value, was_clear.value, by, on)) > 0


def _questions(row: Row) -> HandoverQuestions:
    said = {name: FeedbackAnswer(row[name]) if row[name] else None for name in ("heard_back", "was_clear")}
    return HandoverQuestions(**{**row, **said, "round": FeedbackRound(row["round"])})
