"""Duty tasks at the console: what officers sent to take one, and what notification answered. All SQL that writes."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from conduit_chassis.columns import IDS, Columns
from conduit_chassis.postgres import Connection, affected

_SENT = """
INSERT INTO sent_takings (command_id, task_id, officer_id, sent_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
_ANSWERS = Columns(command_id="uuid", taken="boolean", answered_at="timestamptz", why=IDS)
_ANSWER = f"""
UPDATE sent_takings AS sent SET {_ANSWERS.changes("now", "command_id")}
FROM {_ANSWERS.rows("now")} WHERE sent.command_id = now.command_id AND sent.taken IS NULL
"""  # noqa: S608 - constants


class AnsweredTaking(NamedTuple):
    """What came of an officer's wish to have a task."""

    command_id: UUID
    taken: bool
    answered_at: datetime
    why: tuple[str, ...]


async def note_sent(connection: Connection, command_id: UUID, task_id: UUID, officer_id: str, now: datetime) -> bool:
    """Note what is sent, in the caller's transaction; False where it was sent before."""
    return affected(await connection.execute(_SENT, command_id, task_id, officer_id, now)) > 0


async def note_answers(connection: Connection, answers: Sequence[AnsweredTaking]) -> None:
    """Note what notification said. The first answer to a command holds."""
    if answers:
        rows = {each.command_id: each._asdict() for each in reversed(answers)}
        await connection.execute(_ANSWER, *_ANSWERS.arrays(list(rows.values())))
