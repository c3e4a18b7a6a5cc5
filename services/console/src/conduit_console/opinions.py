"""Second opinions: an officer asks another before something is decided, and is told. The console's own record.

Each is one transaction with its own line among the acts. What officers write to each other goes through `content`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection, Pool
from conduit_console import content, desk
from conduit_console.desk import DeskAct
from conduit_web.acts import ActKind

_ASK = """
INSERT INTO second_opinions (opinion_id, referral_id, about, asked_by, asked_of, asked_at, mark)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
_ANSWER = """
UPDATE second_opinions SET answered_by = $3, answered_at = $4, answer = $5, seen_version = coalesce(
    (SELECT seen_version FROM readings WHERE referral_id = $2 AND officer_id = $3), 0
)
WHERE opinion_id = $1 AND referral_id = $2 AND answer IS NULL AND asked_by <> $3 AND coalesce(asked_of, $3) = $3
RETURNING asked_by
"""
_WITHDRAW = """
UPDATE second_opinions SET answered_by = asked_by, answered_at = $4, answer = 'withdrawn'
WHERE opinion_id = $1 AND referral_id = $2 AND answer IS NULL AND asked_by = $3 RETURNING asked_by
"""


class OpinionAnswer(StrEnum):
    """What another officer says."""

    AGREES = "agrees"
    DISAGREES = "disagrees"


@dataclass(frozen=True, slots=True)
class AskedOpinion:
    """What somebody asks another officer."""

    opinion_id: UUID
    referral_id: UUID
    about: str
    """The code of the decision."""
    asked_by: str
    asked_of: str | None
    """None: whoever else decides."""
    question: str
    draft: str | None = None
    """What they would send, as it stands; None where nothing is written yet."""


@dataclass(frozen=True, slots=True)
class GivenOpinion:
    """What another officer says of it."""

    opinion_id: UUID
    referral_id: UUID
    officer_id: str
    said: OpinionAnswer
    why: str


def mark_of(draft: str) -> str:
    """What tells a draft from what it becomes later: its digest."""
    return sha256(draft.encode()).hexdigest()


async def ask(pool: Pool, asked: AskedOpinion, now: datetime) -> bool:
    """Put it before the other; False where there is no such case. A form that is sent twice asks once.

    Raises:
        ValueError: the words are longer than a draft may be.
    """
    async with postgres.transaction(pool) as connection:
        if await desk.lock(connection, asked.referral_id) is None:
            return False
        mark = None if asked.draft is None else mark_of(asked.draft)
        values = (asked.opinion_id, asked.referral_id, asked.about, asked.asked_by, asked.asked_of, now, mark)
        if postgres.affected(await connection.execute(_ASK, *values)):
            await content.keep_opinion(connection, asked.opinion_id, content.OpinionPart.ASKED, asked.question)
            if asked.draft is not None:
                await content.keep_opinion(connection, asked.opinion_id, content.OpinionPart.DRAFT, asked.draft)
            await _note(connection, asked.asked_by, "asked_opinion", asked.referral_id, asked.about, asked.asked_of, now)
    return True


async def answer(pool: Pool, given: GivenOpinion, now: datetime) -> bool:
    """Say what another officer thinks, once. False where it is not theirs to say, or is answered by now.

    Raises:
        ValueError: the words are longer than a draft may be.
    """
    async with postgres.transaction(pool) as connection:
        await desk.lock(connection, given.referral_id)
        values = (given.opinion_id, given.referral_id, given.officer_id, now, given.said.value)
        asker = await connection.fetchval(_ANSWER, *values)
        if asker is None:
            return False
        await content.keep_opinion(connection, given.opinion_id, content.OpinionPart.ANSWERED, given.why)
        await _note(connection, given.officer_id, "gave_opinion", given.referral_id, given.said.value, asker, now)
    return True


async def withdraw(pool: Pool, referral_id: UUID, opinion_id: UUID, officer_id: str, now: datetime) -> bool:
    """Ask no more; False where this officer did not ask it, or it is answered by now."""
    async with postgres.transaction(pool) as connection:
        await desk.lock(connection, referral_id)
        if await connection.fetchval(_WITHDRAW, opinion_id, referral_id, officer_id, now) is None:
            return False
        await _note(connection, officer_id, "withdrew_opinion", referral_id, None, None, now)
    return True


async def _note(
    connection: Connection, officer_id: str, what: str, referral_id: UUID, why: str | None, about: str | None, now: datetime
) -> None:
    await desk.note(connection, officer_id, DeskAct(ActKind.ALTERATION, what, referral_id, why, about), now)
