"""What the hub is told of practice questions that nobody answers in time, and then that somebody has: once, by ids alone.

A row of `practice_overdue` stands for what was told and is not settled. It comes and goes with the record that says so.
"""

from datetime import timedelta
from typing import cast

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, Row
from conduit_chassis.runtime import Runtime
from conduit_contracts.programme import PracticeQuestionOverdue, PracticeQuestionSettled, PracticeSide
from conduit_contracts.topics import PRACTICE_QUESTIONS
from conduit_programme import trail
from conduit_programme.rules import day_of
from conduit_programme.settings import ProgrammeSettings
from conduit_programme.trail import HUB

TELL_EVERY = timedelta(seconds=30)
AT_ONCE = 100
_ENDS = ("ended_practice_question", "withdrew_practice_question", "struck_practice_question")
_SIDES = {"hub": PracticeSide.HUB, "partner": PracticeSide.PARTNER, "force": PracticeSide.FORCE}
_OVERDUE = f"""
WITH overdue AS (
    SELECT question_id, '' AS force_id FROM practice_questions WHERE waits_until < $1
    UNION ALL
    SELECT question_id, force_id FROM practice_forces JOIN practice_questions USING (question_id)
    WHERE answer_by < $1 AND outcome IS NULL
), told AS (
    INSERT INTO practice_overdue (question_id, force_id, told_at)
    SELECT question_id, force_id, $2 FROM overdue AS late
    WHERE NOT EXISTS (
        SELECT FROM practice_overdue AS before
        WHERE before.question_id = late.question_id AND before.force_id = late.force_id)
    ORDER BY question_id, force_id LIMIT {AT_ONCE}
    ON CONFLICT DO NOTHING RETURNING question_id, force_id
)
SELECT question_id, told.force_id, partner_id FROM told JOIN practice_questions USING (question_id)
ORDER BY question_id, told.force_id
"""  # noqa: S608 - constants
_SETTLED = """
DELETE FROM practice_overdue AS told USING practice_questions AS asked
WHERE told.question_id = asked.question_id AND NOT (
    CASE WHEN told.force_id = '' THEN asked.waits_until IS NOT NULL AND asked.waits_until < $1
    ELSE asked.outcome IS NULL AND EXISTS (
        SELECT FROM practice_forces AS part
        WHERE part.question_id = told.question_id AND part.force_id = told.force_id AND part.answer_by < $1)
    END
)
RETURNING told.question_id, told.force_id, asked.partner_id
"""


async def tell_overdue(runtime: Runtime, connection: Connection, outbox: Outbox) -> int:
    """Publish what has become overdue, and what no longer is; returns how much."""
    now, zone = runtime.clock.now(), cast("ProgrammeSettings", runtime.settings).mou_time_zone
    today, told = day_of(now, zone), 0
    for row in await connection.fetch(_SETTLED, today):
        settled = await _settled(connection, row)
        outbox.publish(PRACTICE_QUESTIONS.name(), str(settled.question_id), settled)
        told += 1
    for row in await connection.fetch(_OVERDUE, today, now):
        overdue = PracticeQuestionOverdue(**{**row, "force_id": row["force_id"] or None})
        outbox.publish(PRACTICE_QUESTIONS.name(), str(overdue.question_id), overdue)
        told += 1
    return told


async def _settled(connection: Connection, row: Row) -> PracticeQuestionSettled:
    """With who saw to it, as the trail has it."""
    question_id, force_id = row["question_id"], row["force_id"] or None
    did = trail.WhoDid(("answered_practice_question", *_ENDS))
    if force_id is not None:
        did = trail.WhoDid(("took_force_out", *_ENDS), "wrote_about_practice_question", f"force.{force_id}")
    account, belongs_to = await trail.who_did(connection, question_id, did) or (None, HUB)
    side = _SIDES[belongs_to.partition(".")[0]]
    return PracticeQuestionSettled(
        question_id=question_id,
        partner_id=row["partner_id"],
        force_id=force_id,
        settled_by=side,
        officer_id=account if side is PracticeSide.HUB else None,
    )
