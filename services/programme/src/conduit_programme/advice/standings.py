"""All SQL of what forces make of national advice. Words go through `content`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, Row, affected
from conduit_programme import content
from conduit_programme.advice.rules import AdviceAnswer, AdviceNote, AdviceOutcome, AdviceRefusal, ForceStanding
from conduit_programme.advice.said import AdviceAnswerWords

# A force that had not registered when a quarter ended was not asked in it.
_STANDINGS = """
SELECT note_id, forces.force_id, confirmed_at, outcome, adopt_by, why, words_id, answered_at
FROM unnest($1::uuid[]) AS asked (note_id)
CROSS JOIN forces
LEFT JOIN advice_readings AS read USING (note_id, force_id)
LEFT JOIN LATERAL (
    SELECT outcome, adopt_by, why, words_id, answered_at FROM advice_answers AS given
    WHERE given.note_id = asked.note_id AND given.force_id = forces.force_id AND answered_at <= $2
    ORDER BY number DESC LIMIT 1
) AS last ON true
WHERE registered_at <= $2 ORDER BY forces.force_id
"""
_CONFIRM = """
INSERT INTO advice_readings (note_id, force_id, confirmed_by, confirmed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (note_id, force_id) DO NOTHING
"""
_HOLD = "SELECT confirmed_at FROM advice_readings WHERE note_id = $1 AND force_id = $2 FOR UPDATE"
_ANSWER = """
INSERT INTO advice_answers (note_id, force_id, number, outcome, adopt_by, why, words_id, answered_by, answered_at)
VALUES ($1, $2, (SELECT coalesce(max(number), 0) + 1 FROM advice_answers WHERE note_id = $1 AND force_id = $2),
        $3, $4, $5, $6, $7, $8)
"""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What a force makes of a note, to be kept."""

    outcome: AdviceOutcome
    adopt_by: date | None
    why: AdviceRefusal | None
    words: str


Standings = Mapping[UUID, list[ForceStanding]]


async def of_notes(connection: Connection, notes: Iterable[AdviceNote], until: datetime) -> Standings:
    """How each force that was registered stood to each of these at a moment, by force."""
    found: defaultdict[UUID, list[ForceStanding]] = defaultdict(list)
    for row in await connection.fetch(_STANDINGS, [each.note_id for each in notes], until):
        found[row["note_id"]].append(_standing(row, until))
    return found


async def confirm(connection: Connection, note_id: UUID, force_id: str, by: str, now: datetime) -> bool:
    """The force has read it; False where it had confirmed that before. Hold the note first."""
    return affected(await connection.execute(_CONFIRM, note_id, force_id, by, now)) > 0


async def answer(connection: Connection, note_id: UUID, force_id: str, given: GivenAnswer, by: str, now: datetime) -> bool:
    """This is what the force makes of it; False where it has not confirmed that it read it. Hold the note first."""
    if await connection.fetchval(_HOLD, note_id, force_id) is None:
        return False
    words_id = await content.write(connection, AdviceAnswerWords(words=given.words), now) if given.words else None
    about = (given.outcome.value, given.adopt_by, given.why.value if given.why else None, words_id)
    await connection.execute(_ANSWER, note_id, force_id, *about, by, now)
    return True


async def answer_words(connection: Connection, standings: Iterable[ForceStanding]) -> dict[UUID, str]:
    """What forces said beside their answers, by the id of the words."""
    asked = [each.answer.words_id for each in standings if each.answer]
    return {found: said.words for found, said in (await content.read(connection, AdviceAnswerWords, asked)).items()}


def _standing(row: Row, until: datetime) -> ForceStanding:
    confirmed = row["confirmed_at"]
    answered = None
    if row["outcome"] is not None:
        why = AdviceRefusal(row["why"]) if row["why"] else None
        outcome = AdviceOutcome(row["outcome"])
        answered = AdviceAnswer(outcome, row["adopt_by"], why, row["words_id"], row["answered_at"])
    return ForceStanding(row["force_id"], confirmed if confirmed and confirmed <= until else None, answered)
