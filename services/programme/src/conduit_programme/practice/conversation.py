"""SQL of what each side of a practice question writes, and of the forces that are part of it. Words go through `content`."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, affected
from conduit_programme import content
from conduit_programme.practice.rules import (
    MOST_MESSAGES,
    BroughtForce,
    PracticeMessage,
    TakenOutForce,
    TakenOutReason,
)
from conduit_programme.practice.said import PracticeWords

# Two who write at once have the question held, one after the other.
_NUMBER = "SELECT coalesce(max(number), 0) + 1 FROM practice_messages WHERE question_id = $1"
_WRITE = """
INSERT INTO practice_messages (question_id, number, side, words_id, answers, written_by, written_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_MESSAGES = """
SELECT number, side, words_id, answers, written_by, written_at FROM practice_messages
WHERE question_id = $1 AND number >= $2 ORDER BY number
"""
_FIRST = "SELECT question_id, words_id FROM practice_messages WHERE question_id = ANY($1::uuid[]) AND number = 1"
_LAST_OF_SIDE = "SELECT coalesce(max(number), 0) FROM practice_messages WHERE question_id = $1 AND side = $2"
_FORCES = """
SELECT force_id, from_number, brought_at, answer_by FROM practice_forces WHERE question_id = $1 ORDER BY brought_at, force_id
"""
_BRING = """
INSERT INTO practice_forces (question_id, force_id, from_number, brought_by, brought_at, answer_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (question_id, force_id) DO NOTHING
"""
_WROTE = "UPDATE practice_forces SET answer_by = NULL WHERE question_id = $1 AND force_id = $2"
_TAKEN_OUT = """
SELECT force_id, from_number, why, taken_out_at FROM practice_forces_taken_out
WHERE question_id = $1 ORDER BY taken_out_at, force_id
"""
_TAKE_OUT = """
WITH part AS (
    DELETE FROM practice_forces WHERE question_id = $1 AND force_id = $2
    RETURNING question_id, force_id, from_number, brought_by, brought_at
)
INSERT INTO practice_forces_taken_out
    (question_id, force_id, from_number, brought_by, brought_at, why, taken_out_by, taken_out_at)
SELECT question_id, force_id, from_number, brought_by, brought_at, $3, $4, $5 FROM part
"""
_REGISTERED = "SELECT force_id FROM forces ORDER BY force_id"


class ConversationFullError(ValueError):
    """It has as many messages as a conversation can have."""


async def write(
    connection: Connection, question_id: UUID, side: str, words: str, by: str, now: datetime, *, answers: bool = False
) -> int:
    """Keep what somebody writes as the next message; returns its number. Hold the question first.

    Raises:
        ConversationFullError: there can be no more.
    """
    number: int = await connection.fetchval(_NUMBER, question_id)
    if number > MOST_MESSAGES:
        raise ConversationFullError("a conversation has at most 100 messages")
    words_id = await content.write(connection, PracticeWords(words=words), now)
    await connection.execute(_WRITE, question_id, number, side, words_id, answers, by, now)
    return number


async def messages(connection: Connection, question_id: UUID, first: int = 1) -> list[PracticeMessage]:
    """What was written from this one on, in the order written."""
    return [PracticeMessage(**row) for row in await connection.fetch(_MESSAGES, question_id, first)]


async def words(connection: Connection, written: Iterable[PracticeMessage]) -> dict[UUID, str]:
    """What they say, by the id of the words. What was deleted is not among it."""
    said = await content.read(connection, PracticeWords, [each.words_id for each in written])
    return {words_id: each.words for words_id, each in said.items()}


async def asked_words(connection: Connection, question_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What was asked, by question. What was deleted is not among it."""
    rows = {row["words_id"]: row["question_id"] for row in await connection.fetch(_FIRST, question_ids)}
    said = await content.read(connection, PracticeWords, rows)
    return {rows[words_id]: each.words for words_id, each in said.items()}


async def last_of(connection: Connection, question_id: UUID, side: str) -> int:
    """The number of what this side wrote last; 0 where it wrote nothing."""
    found: int = await connection.fetchval(_LAST_OF_SIDE, question_id, side)
    return found


async def forces(connection: Connection, question_id: UUID) -> list[BroughtForce]:
    """The forces that are part of it, in the order in which they were brought in."""
    return [BroughtForce(**row) for row in await connection.fetch(_FORCES, question_id)]


async def bring(
    connection: Connection,
    question_id: UUID,
    force_id: str,
    from_number: int,
    by: str,
    now: datetime,
    answer_by: date | None = None,
) -> bool:
    """This force's people are part of it from this message on; False where they were before. Hold the question first."""
    return affected(await connection.execute(_BRING, question_id, force_id, from_number, by, now, answer_by)) > 0


async def force_wrote(connection: Connection, question_id: UUID, force_id: str) -> None:
    """It is this force's turn no more."""
    await connection.execute(_WROTE, question_id, force_id)


async def taken_out(connection: Connection, question_id: UUID) -> list[TakenOutForce]:
    """The forces that were part of it and are no longer, in the order in which they were taken out."""
    rows = await connection.fetch(_TAKEN_OUT, question_id)
    return [TakenOutForce(**{**row, "why": TakenOutReason(row["why"])}) for row in rows]


async def take_out(
    connection: Connection, question_id: UUID, force_id: str, why: TakenOutReason, by: str, now: datetime
) -> bool:
    """This force's people read nothing of it any more; False where they are no part of it. Hold the question first."""
    return affected(await connection.execute(_TAKE_OUT, question_id, force_id, why.value, by, now)) > 0


async def registered_forces(connection: Connection) -> list[str]:
    """Those that take part, and so can be brought in."""
    return [row["force_id"] for row in await connection.fetch(_REGISTERED)]
