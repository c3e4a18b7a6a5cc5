"""How long practice questions are kept: one that ended is deleted some time later, wherever it stands, and stays counted.

What was answered and about which nobody wrote for as long ends first, so that nothing is kept because nobody ended it.
"""

from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, affected
from conduit_chassis.runtime import Runtime
from conduit_programme.practice import store
from conduit_programme.settings import ProgrammeSettings

DELETE_EVERY = timedelta(hours=1)
AT_ONCE = 100
# Who writes at this moment holds the question: it is then no longer one about which nobody wrote.
_END = f"""
UPDATE practice_questions SET outcome = 'answered', ended_at = $2 WHERE question_id IN (
    SELECT question_id FROM practice_questions
    WHERE outcome IS NULL AND waits_until IS NULL AND answered_at < $1 AND NOT EXISTS (
        SELECT FROM practice_messages AS said
        WHERE said.question_id = practice_questions.question_id AND written_at >= $1)
    ORDER BY question_id LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
)
"""  # noqa: S608 - constants
_TO_DELETE = f"""
SELECT question_id FROM practice_questions WHERE outcome IS NOT NULL AND deleted_at IS NULL AND ended_at < $1
ORDER BY ended_at, question_id LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants
_DELETE = """
UPDATE practice_questions SET deleted_at = $2, partner_id = '', asked_by = '', held_by = NULL, force_ids = '{}',
    had_force = EXISTS (SELECT FROM practice_forces AS part WHERE part.question_id = practice_questions.question_id)
WHERE question_id = $1
"""
_OF_IT = ("practice_forces", "practice_forces_taken_out", "practice_overdue", "practice_messages")
"""What goes with it, in an order in which nothing is left that needs another."""


async def delete_ended(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Delete what ended so long ago, and end what nobody came back to; returns how many questions."""
    now = runtime.clock.now()
    before = now - timedelta(days=cast("ProgrammeSettings", runtime.settings).practice_kept_days)
    ended = affected(await connection.execute(_END, before, now))
    gone = [row["question_id"] for row in await connection.fetch(_TO_DELETE, before)]
    for question_id in gone:
        await _delete(connection, question_id, now)
    return max(ended, len(gone))


async def _delete(connection: Connection, question_id: UUID, now: datetime) -> None:
    await store.erase(connection, question_id)
    await connection.execute(_DELETE, question_id, now)
    for table in _OF_IT:
        await connection.execute(f"DELETE FROM {table} WHERE question_id = $1", question_id)  # noqa: S608 - constants
